"""Custom scalars of the graph."""

from __future__ import annotations

from typing import Any, NewType

import strawberry

from shared.money import MAX_CENTS

Cents = NewType("Cents", int)


def _cents(value: Any) -> Cents:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_CENTS:
        raise ValueError(f"Cents must be an integer between -{MAX_CENTS} and {MAX_CENTS}.")
    return Cents(value)


SCALARS: dict[object, Any] = {
    Cents: strawberry.scalar(
        name="Cents",
        description="An amount of money in the currency's hundredths: an integer up to 2^53 - 1, never a fraction.",
        serialize=_cents,
        parse_value=_cents,
    )
}
