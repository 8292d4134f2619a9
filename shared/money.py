"""Money is integer cents with its currency; nothing here ever sees a float."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MAX_CENTS = 2**53 - 1
"""What a JSON number carries exactly; the `Cents` scalar's bound."""

BASIS_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Money:
    """`amount` in cents of `currency` (ISO 4217)."""

    amount: int
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"cannot mix {self.currency} and {other.currency}")


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` cents in proportion to `weights` (not all zero) by largest remainder: the parts sum to `amount`.

    Ties go to the earlier weight, so the split is deterministic.
    """
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must be non-negative with a positive sum")
    shares = [amount * weight // total for weight in weights]
    rest = amount - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % total), i))
    for i in by_remainder[:rest]:
        shares[i] += 1
    return shares


def share_of(amount: int, basis_points: int) -> int:
    """`basis_points` of `amount`, rounded half up: a commission in cents."""
    return (amount * basis_points + BASIS_POINTS // 2) // BASIS_POINTS
