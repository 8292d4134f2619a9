"""The five kinds of refusal, each with a stable code. Anything else that is raised is a bug, masked in one place."""

from __future__ import annotations

from typing import ClassVar


class Refusal(Exception):
    """A request that is refused for a reason the client may know.

    `code` is stable and part of the contract; `message` is written for the client; `field` names the input field at
    fault, in the schema's spelling, as a path.
    """

    kind: ClassVar[str] = "REFUSAL"

    def __init__(self, code: str, message: str, *, field: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.field = field


class InvalidInput(Refusal):
    kind = "INVALID_INPUT"


class Unauthenticated(Refusal):
    kind = "UNAUTHENTICATED"

    def __init__(self, message: str = "Sign in first.", *, code: str = "UNAUTHENTICATED") -> None:
        super().__init__(code, message)


class Forbidden(Refusal):
    kind = "FORBIDDEN"

    def __init__(self, message: str = "You may not do this.", *, code: str = "FORBIDDEN") -> None:
        super().__init__(code, message)


class NotFound(Refusal):
    kind = "NOT_FOUND"


class Conflict(Refusal):
    kind = "CONFLICT"
