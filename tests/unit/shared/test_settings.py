"""What a process refuses to start with: in production every address is encrypted and verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.addresses import unsafe_addresses
from shared.settings import ProcessSettings, ServiceSettings
from shared.tls import TlsFiles

SECRET = "a-pass-word"
SAFE: dict[str, Any] = {
    "postgres_url": f"postgresql://orders:{SECRET}@db:5432/marketplace?sslmode=verify-full&sslrootcert=/tls/ca.crt",
    "redis_url": f"rediss://:{SECRET}@redis:6380/0?ssl_ca_certs=/tls/ca.crt",
    "rabbitmq_url": f"amqps://orders:{SECRET}@broker:5671/?cafile=/tls/ca.crt",
    "tls_certificate_file": Path("/tls/tls.crt"),
    "tls_key_file": Path("/tls/tls.key"),
}
PLAIN = {
    "postgres_url": f"postgresql://orders:{SECRET}@db:5432/marketplace",
    "redis_url": f"redis://:{SECRET}@redis:6379/0",
    "rabbitmq_url": f"amqp://orders:{SECRET}@broker:5672/",
}


def settings(**values: Any) -> ServiceSettings:
    return ServiceSettings(gateway_jwks_file=Path("/dev/null"), **values)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        *PLAIN.items(),
        *(("postgres_url", f"postgresql://o@db/m?sslmode={mode}") for mode in ("prefer", "require", "verify-ca")),
        ("postgres_replica_url", "postgresql://o@replica/m?sslmode=require"),
        ("redis_url", "rediss://redis:6380/0?ssl_cert_reqs=none"),
        ("redis_url", "rediss://redis:6380/0?ssl_check_hostname=False"),
        ("rabbitmq_url", "amqps://broker:5671/?no_verify_ssl=1"),
    ],
)
def test_production_refuses_an_address_that_is_not_verified(name: str, url: str) -> None:
    with pytest.raises(ValidationError, match=f"needs verified TLS in {name.upper()} \\[") as refused:
        settings(environment="production", **(SAFE | {name: url}))
    # What it refuses holds passwords, and the refusal is printed.
    assert SECRET not in str(refused.value)


def test_production_serves_by_tls() -> None:
    without = {name: value for name, value in SAFE.items() if not name.startswith("tls")}
    with pytest.raises(ValidationError, match="needs verified TLS in TLS_CERTIFICATE_FILE"):
        settings(environment="production", **without)


def test_production_starts_with_verified_addresses_and_where_its_network_encrypts() -> None:
    assert settings(environment="production", **SAFE).environment == "production"
    assert settings(environment="production", plaintext_allowed=True, **PLAIN).environment == "production"
    assert settings(**PLAIN).environment == "development"


def test_every_store_of_a_service_is_looked_at() -> None:
    assert set(settings(**PLAIN).addresses) == {"POSTGRES_URL", "REDIS_URL", "RABBITMQ_URL"}
    assert unsafe_addresses({"A": "https://somewhere", "B": "http://somewhere", "C": "unix:/x"}) == ["B", "C"]


def test_only_the_api_port_asks_for_certificates() -> None:
    certificate, key, authorities = Path("/tls/tls.crt"), Path("/tls/tls.key"), Path("/tls/clients.crt")
    files: dict[str, Any] = {
        "tls_certificate_file": certificate,
        "tls_key_file": key,
        "tls_client_authorities_file": authorities,
    }
    own = TlsFiles(certificate, key)
    assert settings(**PLAIN, **files, port=1, operations_port=2).tls == {
        1: TlsFiles(certificate, key, authorities=authorities),
        2: own,
    }
    process = ProcessSettings(redis_url="redis://r", rabbitmq_url="amqp://b", operations_port=2, **files)
    assert process.tls == {2: own}
    assert settings(**PLAIN).tls == {}


@pytest.mark.parametrize("name", ["tls_certificate_file", "tls_key_file", "tls_client_authorities_file"])
def test_half_a_pair_of_tls_files_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="TLS_CERTIFICATE_FILE and TLS_KEY_FILE"):
        settings(**PLAIN, **{name: Path("/tls/file")})
