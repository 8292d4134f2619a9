"""What the mail sink keeps: the last letters, in memory, parsed as a reader would see them."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from shared.clock import Clock
from shared.ids import new_id

KEPT = 1000


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail as it arrived; the same Message-ID may have arrived before."""

    id: str
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    message_id: str
    received_at: datetime


class Mailbox:
    """The newest letters push out the oldest."""

    def __init__(self, clock: Clock, kept: int = KEPT) -> None:
        self._clock = clock
        self._letters: deque[Letter] = deque(maxlen=kept)

    def put(self, content: bytes, *, sender: str, to: Sequence[str]) -> Letter:
        """`sender` and `to` are the envelope's."""
        message = message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain", "html"))
        letter = Letter(
            id=str(new_id()),
            sender=sender,
            to=tuple(to),
            subject=str(message["subject"] or ""),
            text=body.get_content().replace("\r\n", "\n") if body is not None else "",
            message_id=str(message["message-id"] or ""),
            received_at=self._clock(),
        )
        self._letters.append(letter)
        return letter

    def list(self, to: str | None = None) -> Sequence[Letter]:
        """Oldest first; `to` is one address, however it is written."""
        wanted = to.strip().lower() if to else None
        return [found for found in self._letters if wanted is None or wanted in (name.lower() for name in found.to)]

    def clear(self) -> None:
        self._letters.clear()
