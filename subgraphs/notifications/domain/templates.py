"""What each kind of notification says: a title and a text, made of ids and figures. English only.

The mail's text may end with a secret that the application never shows; it stands as one word, `token:<secret>`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Template(StrEnum):
    VERIFY_EMAIL = "VERIFY_EMAIL"
    RESET_PASSWORD = "RESET_PASSWORD"  # noqa: S105 — a template's name.
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 — as above.
    EMAIL_CHANGED = "EMAIL_CHANGED"
    SESSIONS_ENDED = "SESSIONS_ENDED"
    ORDER_CONFIRMED = "ORDER_CONFIRMED"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    ORDER_EXPIRED = "ORDER_EXPIRED"
    ORDER_SHIPPED = "ORDER_SHIPPED"
    ORDER_DELIVERED = "ORDER_DELIVERED"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    NEW_ORDER = "NEW_ORDER"
    SOLD_ORDER_CANCELLED = "SOLD_ORDER_CANCELLED"
    SELLER_APPROVED = "SELLER_APPROVED"
    SELLER_REJECTED = "SELLER_REJECTED"
    SELLER_CHANGES_REQUESTED = "SELLER_CHANGES_REQUESTED"
    SELLER_SUSPENDED = "SELLER_SUSPENDED"
    SELLER_REINSTATED = "SELLER_REINSTATED"
    PAYOUT_PAID = "PAYOUT_PAID"
    PAYOUT_FAILED = "PAYOUT_FAILED"


@dataclass(frozen=True, slots=True)
class Wording:
    """`title` and `text` are format strings over the notification's data."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Letter:
    """What is shown: the title is the mail's subject."""

    title: str
    text: str


WORDINGS: Mapping[Template, Wording] = {
    Template.VERIFY_EMAIL: Wording(
        "Verify your email address", "Welcome. Confirm that this address is yours with the token in the mail we sent."
    ),
    Template.RESET_PASSWORD: Wording(
        "Reset your password",
        "Somebody, most likely you, asked for a new password. Choose one with the token in the mail we sent."
        " If it was not you, do nothing: your password stays as it is.",
    ),
    Template.PASSWORD_CHANGED: Wording(
        "Your password was changed",
        "Your password was changed and your other sessions ended. If it was not you, reset your password now.",
    ),
    Template.EMAIL_CHANGED: Wording(
        "Your email address was changed", "From now on we write to this address. If it was not you, contact support."
    ),
    Template.SESSIONS_ENDED: Wording(
        "We ended your session",
        "A key to your session was used twice, so somebody may have copied it. We ended that session on all devices."
        " Sign in again, and change your password if you do not know why this happened.",
    ),
    Template.ORDER_CONFIRMED: Wording(
        "Your order is confirmed", "Thank you. Your order {order_group_id} over {amount} is paid and being prepared."
    ),
    Template.ORDER_CANCELLED: Wording("Your order was cancelled", "Your order {order} was cancelled: {reason}."),
    Template.ORDER_EXPIRED: Wording(
        "Your order has expired",
        "The payment of your order {order_group_id} did not come in time, so what was held for you is free again.",
    ),
    Template.ORDER_SHIPPED: Wording("Your order was shipped", "A parcel of your order {order_id} is on its way."),
    Template.ORDER_DELIVERED: Wording(
        "Your order was delivered", "Your order {order_id} has arrived. Tell others what you think of it."
    ),
    Template.REFUND_SUCCEEDED: Wording(
        "Your refund is on its way", "We have returned {amount} for your order {order} to your means of payment."
    ),
    Template.NEW_ORDER: Wording("You have a new order", "Order {order_id} is paid and waits to be shipped."),
    Template.SOLD_ORDER_CANCELLED: Wording(
        "A buyer has cancelled an order", "Order {order_id} was cancelled by its buyer. Please do not ship it."
    ),
    Template.SELLER_APPROVED: Wording(
        "You may sell now", "Your application as a seller is approved. Sign in again to see your seller's pages."
    ),
    Template.SELLER_REJECTED: Wording(
        "Your application was rejected", "Your application as a seller was rejected: {reason}"
    ),
    Template.SELLER_CHANGES_REQUESTED: Wording(
        "Your application needs changes", "Please change your application as a seller and hand it in again: {reason}"
    ),
    Template.SELLER_SUSPENDED: Wording("You may not sell for now", "Your shop is suspended: {reason}"),
    Template.SELLER_REINSTATED: Wording("You may sell again", "The suspension of your shop has ended."),
    Template.PAYOUT_PAID: Wording("A payout is on its way", "We have paid out {amount} for {period}."),
    Template.PAYOUT_FAILED: Wording(
        "A payout has failed", "We could not pay out {amount} for {period}. Please check your payout account."
    ),
}

_REASONS = {
    "OUT_OF_STOCK": "something is no longer in stock",
    "PAYMENT_FAILED": "the payment failed",
    "BUYER": "you asked for it",
    "SELLER": "the seller cannot deliver",
}


def render(template: Template, data: Mapping[str, object], secret: str | None = None) -> Letter:
    """Title and text; with a secret, as the mail alone carries it, that secret at the end of the text."""
    wording = WORDINGS[template]
    values = _Shown(data)
    text = wording.text.format_map(values)
    if secret is not None:
        text = f"{text}\n\ntoken:{secret}"
    return Letter(wording.title.format_map(values), text)


class _Shown(dict[str, object]):
    """The data with what is worded from it: an amount with its currency, the order or else its whole group."""

    def __init__(self, data: Mapping[str, object]) -> None:
        super().__init__(data)
        if "amount" in data:
            cents = data["amount"]
            assert isinstance(cents, int)
            self["amount"] = f"{cents // 100}.{cents % 100:02d} {data['currency']}"
        if "reason" in data:
            reason = str(data["reason"])
            self["reason"] = _REASONS.get(reason, reason)
        self["order"] = data.get("order_id") or data.get("order_group_id")

    def __missing__(self, name: str) -> str:
        # A figure that is wiped or that an older row never had: the rest of the sentence still tells what happened.
        return "-"
