"""Sends by SMTP (RFC 5321), over TLS wherever the server is not the local mail sink."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from enum import StrEnum
from pathlib import Path

import aiosmtplib

from subgraphs.notifications.adapters.mailer import SEND_SECONDS, Mail, MailRefused, MailServerUnavailable

_REFUSED = 500
"""Reply codes from here on are final (RFC 5321, 4.2.1)."""
_OURS = frozenset({530, 534, 535, 538})
"""But for those that ask for a login or for TLS (RFC 3207, RFC 4954): once that is repaired, the mail may go."""


class SmtpTls(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class SmtpServer:
    host: str
    port: int
    tls: SmtpTls
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    """Authorities that vouch for the server, where it is not one that everybody trusts."""


class SmtpMailer:
    """One connection a mail. `sender` is the From header, such as `Shop <no-reply@shop.example>`."""

    def __init__(self, server: SmtpServer, *, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._domain = parseaddr(sender)[1].partition("@")[2]

    async def send(self, mail: Mail) -> None:
        server = self._server
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await aiosmtplib.send(
                    self._message(mail),
                    hostname=server.host,
                    port=server.port,
                    username=server.user,
                    password=server.password,
                    use_tls=server.tls is SmtpTls.TLS,
                    # Never opportunistic: where TLS is asked for and the server has none, no mail leaves.
                    start_tls=server.tls is SmtpTls.STARTTLS,
                    cert_bundle=str(server.ca_file) if server.ca_file else None,
                    timeout=SEND_SECONDS,
                )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            # One mail has one recipient, so there is one answer.
            raise _problem(refused.recipients[0].code) from refused
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as refused:
            raise _problem(refused.code) from refused
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # A wrong password or a missing STARTTLS is ours to repair: the mail waits. The text may name the address.
            raise MailServerUnavailable(type(error).__name__) from error

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        message["To"] = mail.to
        message["Subject"] = mail.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{mail.id}@{self._domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def _problem(reply_code: int) -> MailRefused | MailServerUnavailable:
    if reply_code >= _REFUSED and reply_code not in _OURS:
        return MailRefused(reply_code)
    return MailServerUnavailable(f"answered {reply_code}", reply_code)
