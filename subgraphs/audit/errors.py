"""Why audit refuses: it has no mutation, so these are errors of broken requests."""

from __future__ import annotations

from shared.errors import InvalidInput


class InvalidPeriod(InvalidInput):
    def __init__(self) -> None:
        super().__init__("INVALID_PERIOD", "The period ends before it begins.", field=("filter", "until"))
