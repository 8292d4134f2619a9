"""Whom an event concerns and what they are told of it: one rule an event name, from payload to notices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from subgraphs.notifications.domain.templates import Template


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell either a user or the owner of a seller. `sealed_secret` goes into the mail alone."""

    template: Template
    user_id: UUID | None = None
    seller_id: UUID | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    sealed_secret: str | None = None
    expires_at: datetime | None = None

    def dedupe_key(self, event_id: UUID) -> str:
        """The same event tells the same addressee the same thing once. An order tells a seller's two orders apart."""
        about = self.data.get("order_id") or ""
        return f"{event_id}:{self.template}:{self.user_id or self.seller_id}:{about}"


Payload = Mapping[str, Any]


def notices_of(event_name: str, payload: Payload) -> Sequence[Notice]:
    """Empty for an event that nobody is told of."""
    rule = _RULES.get(event_name)
    return rule(payload) if rule else ()


def _registered(payload: Payload) -> Sequence[Notice]:
    secret = payload["sealed_verification_token"]
    return [Notice(Template.VERIFY_EMAIL, user_id=UUID(payload["user_id"]), sealed_secret=secret)]


def _reset_requested(payload: Payload) -> Sequence[Notice]:
    return [
        Notice(
            Template.RESET_PASSWORD,
            user_id=UUID(payload["user_id"]),
            sealed_secret=payload["sealed_token"],
            expires_at=datetime.fromisoformat(payload["expires_at"]),
        )
    ]


def _confirmed(payload: Payload) -> Sequence[Notice]:
    group = {"order_group_id": payload["order_group_id"]}
    figures = {**group, "amount": payload["total"], "currency": payload["currency"]}
    sold = zip(payload["order_ids"], payload["seller_ids"], strict=True)
    return [
        Notice(Template.ORDER_CONFIRMED, user_id=UUID(payload["buyer_id"]), data=figures),
        *[
            Notice(Template.NEW_ORDER, seller_id=UUID(seller_id), data={**group, "order_id": order_id})
            for order_id, seller_id in sold
        ],
    ]


def _cancelled(payload: Payload) -> Sequence[Notice]:
    about = _order(payload) | {"reason": payload["reason"]}
    notices = [Notice(Template.ORDER_CANCELLED, user_id=UUID(payload["buyer_id"]), data=about)]
    if payload["paid"] and payload["seller_id"] and payload["reason"] == "BUYER":
        notices.append(
            Notice(Template.SOLD_ORDER_CANCELLED, seller_id=UUID(payload["seller_id"]), data=_order(payload))
        )
    return notices


def _refunded(payload: Payload) -> Sequence[Notice]:
    data = _order(payload) | {"amount": payload["amount"], "currency": payload["currency"]}
    return [Notice(Template.REFUND_SUCCEEDED, user_id=UUID(payload["buyer_id"]), data=data)]


def _to_user(template: Template) -> Callable[[Payload], Sequence[Notice]]:
    return lambda payload: [Notice(template, user_id=UUID(payload["user_id"]))]


def _to_buyer(template: Template) -> Callable[[Payload], Sequence[Notice]]:
    return lambda payload: [Notice(template, user_id=UUID(payload["buyer_id"]), data=_order(payload))]


def _to_owner(template: Template) -> Callable[[Payload], Sequence[Notice]]:
    return lambda payload: [Notice(template, seller_id=UUID(payload["seller_id"]), data=_about_seller(payload))]


def _order(payload: Payload) -> dict[str, Any]:
    named = {name: payload.get(name) for name in ("order_group_id", "order_id")}
    return {name: value for name, value in named.items() if value}


def _about_seller(payload: Payload) -> dict[str, Any]:
    named = ("seller_id", "reason", "amount", "currency", "period")
    return {name: payload[name] for name in named if name in payload}


_RULES: Mapping[str, Callable[[Payload], Sequence[Notice]]] = {
    "user.registered": _registered,
    "user.password_reset_requested": _reset_requested,
    "user.password_changed": _to_user(Template.PASSWORD_CHANGED),
    "user.email_changed": _to_user(Template.EMAIL_CHANGED),
    "user.session_family_revoked": _to_user(Template.SESSIONS_ENDED),
    "order.confirmed": _confirmed,
    "order.cancelled": _cancelled,
    "order.expired": _to_buyer(Template.ORDER_EXPIRED),
    "order.shipped": _to_buyer(Template.ORDER_SHIPPED),
    "order.delivered": _to_buyer(Template.ORDER_DELIVERED),
    "refund.succeeded": _refunded,
    "seller.approved": _to_owner(Template.SELLER_APPROVED),
    "seller.rejected": _to_owner(Template.SELLER_REJECTED),
    "seller.changes_requested": _to_owner(Template.SELLER_CHANGES_REQUESTED),
    "seller.suspended": _to_owner(Template.SELLER_SUSPENDED),
    "seller.reinstated": _to_owner(Template.SELLER_REINSTATED),
    "payout.paid": _to_owner(Template.PAYOUT_PAID),
    "payout.failed": _to_owner(Template.PAYOUT_FAILED),
}
