"""Custom scalars of the graph. The gateway does not look into their values: what one cannot be is refused here, with a code."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NewType

import strawberry

from shared.errors import InvalidInput
from shared.money import MAX_CENTS

Cents = NewType("Cents", int)


def _is_cents(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_CENTS


def _cents(value: Any) -> Cents:
    """What leaves as an amount. Anything else is a bug."""
    if not _is_cents(value):
        raise ValueError(f"{type(value).__name__} is no amount.")
    return Cents(value)


def _given_cents(value: Any) -> Cents:
    if not _is_cents(value):
        raise InvalidInput("BAD_USER_INPUT", f"Cents must be an integer between -{MAX_CENTS} and {MAX_CENTS}.")
    return Cents(value)


def _given_moment(value: Any) -> datetime:
    """In UTC, which one without an offset is already."""
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("BAD_USER_INPUT", "DateTime must be a date with time as ISO 8601 writes it.") from error


SCALARS: dict[object, Any] = {
    Cents: strawberry.scalar(
        name="Cents",
        description="An amount of money in the currency's hundredths: an integer up to 2^53 - 1, never a fraction.",
        serialize=_cents,
        parse_value=_given_cents,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="Date with time (isoformat)",
        serialize=datetime.isoformat,
        parse_value=_given_moment,
    ),
}
