"""The SMTP adapter against a real server with TLS and a login."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.ids import new_id
from subgraphs.notifications.adapters.mail_sink.mailbox import Mailbox
from subgraphs.notifications.adapters.mail_sink.receiver import Receiver
from subgraphs.notifications.adapters.mailer import Mail, MailServerUnavailable
from subgraphs.notifications.adapters.smtp import SmtpMailer, SmtpServer, SmtpTls

SENDER = "Shop <no-reply@shop.example>"


@dataclass(frozen=True, slots=True)
class Provider:
    """A mail provider that takes mail over TLS from whoever knows the password."""

    mailbox: Mailbox
    server: SmtpServer


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Provider]:
    certificate, key = a_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    mailbox = Mailbox(lambda: datetime.now(UTC))
    receiver = Receiver(mailbox)

    def connection() -> SMTP:
        return SMTP(
            receiver, tls_context=context, require_starttls=True, auth_required=True, authenticator=only_the_shop
        )

    listening = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    yield Provider(mailbox, SmtpServer("localhost", port, SmtpTls.STARTTLS, "shop", "pass-phrase", certificate))
    listening.close()


def only_the_shop(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"shop", b"pass-phrase")
    return AuthResult(success=known, handled=False)


def a_certificate(directory: Path) -> tuple[Path, Path]:
    """Of `localhost`, signed by itself: (certificate, key)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = directory / "server.crt", directory / "server.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return files


def a_mail() -> Mail:
    return Mail(id=new_id(), to="ann@example.org", subject="Grüße", text="Schön, dass es klappt.")


async def test_a_mail_goes_over_tls_after_a_login(provider: Provider) -> None:
    # given a provider whose certificate we trust
    mail = a_mail()
    # when a mail is sent
    await SmtpMailer(provider.server, sender=SENDER).send(mail)
    # then it arrives as it was written, named by its id
    (letter,) = provider.mailbox.list()
    assert (letter.subject, letter.text, letter.to, letter.sender) == (
        "Grüße",
        "Schön, dass es klappt.\n",
        ("ann@example.org",),
        "no-reply@shop.example",
    )
    assert letter.message_id == f"<{mail.id}@shop.example>"


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "guess"},
        {"user": None, "password": None},
        {"ca_file": None},
        {"tls": SmtpTls.NONE, "user": None, "password": None},
        {"port": 1},
    ],
)
async def test_no_mail_leaves_where_login_trust_or_tls_fail(provider: Provider, wrong: dict[str, Any]) -> None:
    # given a setting that does not fit the provider
    mailer = SmtpMailer(replace(provider.server, **wrong), sender=SENDER)
    # when a mail is sent
    with pytest.raises(MailServerUnavailable) as problem:
        await mailer.send(a_mail())
    # then it waits for the repair, and the reason names nobody
    assert provider.mailbox.list() == []
    assert "ann@" not in str(problem.value)
