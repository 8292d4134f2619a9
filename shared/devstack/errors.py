"""Why the stack cannot do what it was asked, in words that say what to do next."""

from __future__ import annotations


class StackProblem(Exception):
    """`message` says what is wrong and `remedy` what the reader can do; both are shown as they stand."""

    def __init__(self, message: str, *, remedy: str = "", log_lines: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.log_lines = log_lines

    def __str__(self) -> str:
        return "\n".join(part for part in (self.message, *self.log_lines, self.remedy) if part)
