"""Where mail may go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from subgraphs.notifications.adapters.smtp import SmtpServer, SmtpTls
from subgraphs.notifications.settings import NotificationsSettings


def settings(**values: Any) -> NotificationsSettings:
    return NotificationsSettings(
        postgres_url="postgresql://x",
        redis_url="redis://x",
        rabbitmq_url="amqp://x",
        gateway_jwks_file=Path("/dev/null"),
        sealing_private_key_file=Path("/dev/null"),
        **values,
    )


def test_without_a_server_mail_goes_to_the_sink_ten_ports_above_its_http_port() -> None:
    assert settings(mail_sink_port=4181)._server() == SmtpServer("127.0.0.1", 4191, SmtpTls.NONE)


def test_production_without_a_server_does_not_start() -> None:
    with pytest.raises(ValueError, match="SMTP_HOST"):
        settings(environment="production", plaintext_allowed=True).mailer()


def test_a_named_server_is_spoken_to_over_tls_and_its_password_is_not_shown(tmp_path: Path) -> None:
    # given a server with a login
    password = tmp_path / "smtp.secret"
    password.write_text("hunter2\n")
    # when its settings are read
    server = settings(smtp_host="smtp.example.org", smtp_user="shop", smtp_password_file=password)._server()
    # then TLS is asked for and the password stays out of what is logged
    assert server == SmtpServer("smtp.example.org", 587, SmtpTls.STARTTLS, "shop", "hunter2")
    assert "hunter2" not in repr(server)
