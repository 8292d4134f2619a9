"""What the administrator's step refuses before it connects to anything."""

from __future__ import annotations

import pytest

from shared.devstack import provision

SAFE = {
    "POSTGRES_ADMIN_URL": "postgresql://postgres:word@db/postgres?sslmode=verify-full&sslrootcert=/ca.crt",
    "RABBITMQ_ADMIN_URL": "amqps://admin:word@broker/?cafile=/ca.crt",
    "RABBITMQ_MANAGEMENT_URL": "https://admin:word@broker:15671",
}


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("POSTGRES_ADMIN_URL", "postgresql://postgres:word@db/postgres?sslmode=require"),
        ("RABBITMQ_ADMIN_URL", "amqp://admin:word@broker/"),
        ("RABBITMQ_MANAGEMENT_URL", "http://admin:word@broker:15672"),
    ],
)
def test_production_sends_no_administrators_password_to_who_is_not_verified(
    name: str, url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in {**SAFE, name: url, "ENVIRONMENT": "production"}.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setattr("sys.argv", ["provision"])

    assert provision.main() == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"needs verified TLS in {name}." in printed.err
    assert "word" not in printed.err


def test_a_network_that_encrypts_by_itself_is_taken_at_its_word() -> None:
    plain = {"POSTGRES_ADMIN_URL": "postgresql://postgres@db/postgres", "ENVIRONMENT": "production"}
    provision._require_verified(plain | {"PLAINTEXT_ALLOWED": "true"})
    provision._require_verified(plain | {"ENVIRONMENT": "development"})
    provision._require_verified(SAFE | {"ENVIRONMENT": "production"})
