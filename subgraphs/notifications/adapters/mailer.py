"""What notifications asks of a mail server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

SEND_SECONDS = 30.0
"""How long one attempt may take in all; less than the first retry of what is due."""


class MailRefused(Exception):
    """The server will never take this mail (SMTP 5xx)."""

    def __init__(self, reply_code: int | None) -> None:
        super().__init__(f"refused with {reply_code}")
        self.reply_code = reply_code


class MailServerUnavailable(Exception):
    """No answer, or one that says to come back (SMTP 4xx). Whether the mail has left is unknown: send it again."""

    def __init__(self, why: str, reply_code: int | None = None) -> None:
        super().__init__(why)
        self.reply_code = reply_code


@dataclass(frozen=True, slots=True)
class Mail:
    """A plain-text mail. `id` becomes its Message-ID: whoever gets it twice can tell. Never log one: it holds secrets."""

    id: UUID
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Returns once the server has taken the mail. Raises MailRefused, MailServerUnavailable."""
        ...
