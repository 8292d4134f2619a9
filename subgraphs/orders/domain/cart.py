"""A cart: what somebody means to buy, at prices they have seen."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.orders.errors import CartFull, CurrencyMismatch, NotForSale

MAX_LINES = 100
MAX_QUANTITY = 999


class CartStatus(StrEnum):
    OPEN = "OPEN"
    CHECKED_OUT = "CHECKED_OUT"
    MERGED = "MERGED"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the projections know of a variant. `commission_bps` is the rate that holds for its seller now.

    `for_sale`: the product is published and its seller active.
    """

    variant_id: UUID
    product_id: UUID
    seller_id: UUID
    sku: str
    title: str
    variant_title: str
    price: int
    currency: str
    for_sale: bool
    commission_bps: int


@dataclass(eq=False)
class CartLine:
    """`seen_price` is what the buyer has accepted to pay for one piece."""

    id: UUID
    cart_id: UUID
    variant_id: UUID
    quantity: int
    seen_price: int
    added_at: datetime


@dataclass(eq=False)
class Cart:
    """Either `user_id` or `token_hash` says whose it is. `version` grows with every change: checkout names it."""

    id: UUID
    user_id: UUID | None
    token_hash: str | None
    status: CartStatus
    currency: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def admit(self, offer: Offer | None, variant_id: UUID) -> Offer:
        """The offer, if this cart may hold it; the first one sets the currency. Raises NotForSale, CurrencyMismatch."""
        if offer is None or not offer.for_sale:
            raise NotForSale([variant_id], field=("variantId",))
        if self.currency is not None and self.currency != offer.currency:
            raise CurrencyMismatch(self.currency, offer.currency)
        self.currency = offer.currency
        return offer

    def changed(self, now: datetime, *, empty: bool = False) -> None:
        """An empty cart has no currency: the next line chooses it anew."""
        self.version += 1
        self.updated_at = now
        if empty:
            self.currency = None

    def close(self, status: CartStatus, now: datetime) -> None:
        self.status = status
        self.changed(now)


def raise_quantity(line: CartLine, by: int) -> None:
    """Raises CartFull."""
    if line.quantity + by > MAX_QUANTITY:
        raise CartFull(MAX_LINES, MAX_QUANTITY)
    line.quantity += by


def require_room(lines: Sequence[CartLine]) -> None:
    """Raises CartFull where no further line fits."""
    if len(lines) >= MAX_LINES:
        raise CartFull(MAX_LINES, MAX_QUANTITY)


def new_cart_token() -> str:
    """The secret that is a guest's only claim to their cart: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_cart_token(token: str) -> str:
    """What is stored: a token of 256 random bits needs no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()
