"""The mail sink's SMTP side. The recipient's address says how it behaves, so that tests do not disturb one another:

`+refuse@` is never taken; `+busy@` is told to come back the first time; `+cut@` is taken, but the first time the
connection ends before the answer, so that the sender cannot know.
"""

from __future__ import annotations

from asyncio import WriteTransport
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from subgraphs.notifications.adapters.mail_sink.mailbox import Mailbox

_MEGABYTE = 1024 * 1024


class Receiver:
    """Hooks of an aiosmtpd server; their names are aiosmtpd's."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._met: set[str] = set()

    def server(self) -> SMTP:
        """The protocol of one connection."""
        return SMTP(self, data_size_limit=_MEGABYTE, enable_SMTPUTF8=True, ident="Mail sink")

    async def handle_RCPT(  # noqa: N802 — aiosmtpd's hook.
        self,
        server: SMTP,  # noqa: ARG002 — as above.
        session: Session,  # noqa: ARG002 — as above.
        envelope: Envelope,
        address: str,
        rcpt_options: list[Any],  # noqa: ARG002 — as above.
    ) -> str:
        if "+refuse@" in address:
            return "550 No such mailbox"
        if "+busy@" in address and self._first(address):
            return "451 Come back later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 — as above.
        content = envelope.content
        assert isinstance(content, bytes)
        self._mailbox.put(content, sender=envelope.mail_from or "", to=envelope.rcpt_tos)
        if any("+cut@" in address and self._first(address) for address in envelope.rcpt_tos):
            assert isinstance(server.transport, WriteTransport)
            server.transport.abort()
        return "250 Taken"

    def _first(self, address: str) -> bool:
        if address in self._met:
            return False
        self._met.add(address)
        return True
