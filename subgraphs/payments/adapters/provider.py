"""What payments asks of a payment provider. Every call names a key: the same key is one charge, one refund, one payout."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from shared.money import Money

CALL_SECONDS = 8.0
"""How long one call may take; less than the first retry of what is due."""


class ProviderUnavailable(Exception):
    """No answer, or one that says nothing about the effect. Whether it happened is unknown: ask again by the same key."""


class UnsignedNotice(Exception):
    """A webhook that the provider did not sign, or signed too long ago."""


class ChargeState(StrEnum):
    CAPTURED = "CAPTURED"
    PROCESSING = "PROCESSING"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"


class TransferState(StrEnum):
    SUCCEEDED = "SUCCEEDED"
    PROCESSING = "PROCESSING"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Charge:
    """How a charge stands. `reference` is the provider's own id of it, `reason` why it was declined."""

    key: str
    state: ChargeState
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """How a refund or a payout stands."""

    state: TransferState
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified webhook. `id` is the provider's event id; `charge` None: about something that we do not follow."""

    id: str
    charge: Charge | None


class PaymentProvider(Protocol):
    """All calls raise ProviderUnavailable. `reference` is what an earlier answer named, where there was one."""

    async def authorize_and_capture(self, key: str, amount: Money, method: str) -> Charge:
        """Take the money in one step; `method` is a token of the buyer's means of payment."""
        ...

    async def find_charge(self, key: str, reference: str | None) -> Charge | None:
        """How the charge stands now; None where the provider has never heard of it."""
        ...

    async def void(self, key: str, reference: str | None) -> Charge | None:
        """Give the charge up if it is not captured; the answer says which of the two it is."""
        ...

    async def refund(
        self, key: str, amount: Money, *, charge_key: str, charge_reference: str | None, reference: str | None
    ) -> Transfer:
        """Send `amount` of a captured charge back, or see how that refund stands."""
        ...

    async def pay_out(self, key: str, amount: Money, *, seller_id: UUID, reference: str | None) -> Transfer:
        """Send `amount` to the seller's account, or see how that payout stands."""
        ...

    def read_notice(self, body: bytes, signature: str | None) -> Notice:
        """Verify and decode a webhook's raw body. Raises UnsignedNotice, and ValueError for a body that makes no sense."""
        ...
