"""The history of groups and orders: every transition with its cause."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.ids import new_id
from subgraphs.orders.domain.group import OrderGroup
from subgraphs.orders.domain.order import Order


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a state changed: `what` is an event's or an operation's name, with who asked or which event told."""

    what: str
    at: datetime
    actor_id: UUID | None = None
    event_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """`order_id` and `seller_id` are None for a step of the group itself."""

    id: UUID
    group_id: UUID
    order_id: UUID | None
    buyer_id: UUID
    seller_id: UUID | None
    from_status: str | None
    to_status: str
    cause: str
    actor_id: UUID | None
    event_id: UUID | None
    at: datetime


def group_step(group: OrderGroup, before: str | None, cause: Cause) -> Transition:
    return Transition(
        new_id(),
        group.id,
        None,
        group.buyer_id,
        None,
        before,
        group.status,
        cause.what,
        cause.actor_id,
        cause.event_id,
        cause.at,
    )


def order_step(order: Order, before: str | None, cause: Cause) -> Transition:
    return Transition(
        new_id(),
        order.group_id,
        order.id,
        order.buyer_id,
        order.seller_id,
        before,
        order.status,
        cause.what,
        cause.actor_id,
        cause.event_id,
        cause.at,
    )
