"""What orders reads from its environment."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from shared.settings import ServiceSettings


class OrdersSettings(ServiceSettings):
    checkout_deadline_seconds: float = Field(default=900, gt=0)
    """How long stock is held and a payment awaited."""
    max_payment_attempts: int = Field(default=3, ge=1)
    """The decline that cancels the group. Before it the buyer may try again, until the deadline."""
    expiry_interval_seconds: float = Field(default=1, gt=0)
    """How often each worker looks for groups whose deadline has passed."""

    @property
    def checkout_deadline(self) -> timedelta:
        return timedelta(seconds=self.checkout_deadline_seconds)
