"""Whom events concern, and a notification's way to sent or failed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.ids import new_id
from subgraphs.notifications.domain.notices import Notice, notices_of
from subgraphs.notifications.domain.notification import (
    MAX_ATTEMPTS,
    RETRY_AFTER,
    Delivery,
    DeliveryOutcome,
    Failure,
    Notification,
    NotificationStatus,
    Recipient,
)
from subgraphs.notifications.domain.templates import Template

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BUYER, SELLER, GROUP, ORDER = (UUID(int=n) for n in range(1, 5))
ABOUT = {"order_group_id": str(GROUP), "order_id": str(ORDER), "buyer_id": str(BUYER), "seller_id": str(SELLER)}
KNOWN = Recipient(BUYER, "sealed")


def a_notification(**changes: Any) -> Notification:
    notice = Notice(Template.RESET_PASSWORD, user_id=BUYER, sealed_secret="sealed-token", **changes)
    return Notification.of(notice, id=new_id(), event_id=new_id(), now=NOW)


def a_queued_one(**changes: Any) -> Notification:
    notification = a_notification(**changes)
    assert notification.address(KNOWN, NOW)
    assert notification.start(NOW)
    return notification


def cancelled(**changes: Any) -> list[tuple[Template, UUID | None, UUID | None]]:
    payload = {**ABOUT, "reason": "BUYER", "paid": True, "total": 1, "currency": "EUR", "lines": [], **changes}
    return [(n.template, n.user_id, n.seller_id) for n in notices_of("order.cancelled", payload)]


def test_a_buyers_cancellation_of_a_paid_order_tells_both_sides() -> None:
    assert cancelled() == [
        (Template.ORDER_CANCELLED, BUYER, None),
        (Template.SOLD_ORDER_CANCELLED, None, SELLER),
    ]


@pytest.mark.parametrize("changes", [{"reason": "SELLER"}, {"paid": False}, {"seller_id": None, "order_id": None}])
def test_any_other_cancellation_tells_the_buyer_alone(changes: dict[str, Any]) -> None:
    assert cancelled(**changes) == [(Template.ORDER_CANCELLED, BUYER, None)]


@pytest.mark.parametrize("name", ["order.created", "order.paid", "user.email_verified", "seller.applied", "x.unknown"])
def test_an_event_without_a_rule_tells_nobody(name: str) -> None:
    assert notices_of(name, {}) == ()


def test_the_key_tells_events_templates_and_addressees_apart() -> None:
    event = UUID(int=9)
    keys = {
        notice.dedupe_key(event_id)
        for notice in (
            Notice(Template.ORDER_SHIPPED, user_id=BUYER),
            Notice(Template.ORDER_DELIVERED, user_id=BUYER),
            Notice(Template.ORDER_SHIPPED, user_id=SELLER),
        )
        for event_id in (event, new_id())
    }
    assert len(keys) == 6


def test_it_waits_for_a_recipient_who_is_not_known_yet() -> None:
    # given a notification for somebody we know by id only
    notification = a_notification()
    # when it is addressed
    addressed = notification.address(Recipient(BUYER), NOW)
    # then it waits, and cannot be started
    assert not addressed
    assert notification.status is NotificationStatus.WAITING_RECIPIENT
    assert not notification.start(NOW)


def test_an_erased_recipient_fails_it_and_wipes_the_secret() -> None:
    notification = a_notification()
    assert notification.address(Recipient(BUYER, erased=True), NOW)
    assert (notification.status, notification.failure) == (NotificationStatus.FAILED, Failure.RECIPIENT_ERASED)
    assert (notification.sealed_secret, notification.version) == (None, 2)


def test_it_starts_once() -> None:
    notification = a_queued_one()
    assert not notification.start(NOW + timedelta(seconds=1))
    assert notification.due_at == NOW


def test_sent_is_final_and_wipes_the_secret() -> None:
    notification = a_queued_one()
    notification.claim(NOW)
    notification.record(Delivery(DeliveryOutcome.SENT), NOW)
    assert (notification.status, notification.sealed_secret, notification.due_at) == (
        NotificationStatus.SENT,
        None,
        None,
    )
    assert not notification.start(NOW)


def test_attempts_follow_at_growing_distances_until_the_last_one() -> None:
    # given a server that is always away
    notification, now, waits = a_queued_one(), NOW, []
    # when every attempt is made as it falls due
    for _ in range(MAX_ATTEMPTS):
        notification.claim(now)
        assert notification.due_at is not None
        waits.append(notification.due_at - now)
        now = notification.due_at
        notification.record(Delivery(DeliveryOutcome.UNAVAILABLE), now)
    # then the last one settles it
    assert waits == [*RETRY_AFTER, RETRY_AFTER[-1]]
    assert (notification.status, notification.failure) == (NotificationStatus.FAILED, Failure.UNDELIVERABLE)


@pytest.mark.parametrize(
    ("recipient", "expires_in", "attempts", "obstacle"),
    [
        (KNOWN, 60, 1, None),
        (KNOWN, 0, 1, Failure.EXPIRED),
        (None, 60, 1, Failure.RECIPIENT_ERASED),
        (Recipient(BUYER, erased=True), 60, 1, Failure.RECIPIENT_ERASED),
        (KNOWN, 60, MAX_ATTEMPTS, None),
        (KNOWN, 60, MAX_ATTEMPTS + 1, Failure.UNDELIVERABLE),
    ],
)
def test_what_keeps_a_mail_from_leaving(
    recipient: Recipient | None, expires_in: int, attempts: int, obstacle: Failure | None
) -> None:
    notification = a_queued_one(expires_at=NOW + timedelta(seconds=expires_in))
    notification.attempts = attempts
    assert notification.obstacle(recipient, NOW) is obstacle


def test_reading_again_keeps_the_first_time() -> None:
    notification = a_notification()
    notification.mark_read(NOW)
    notification.mark_read(NOW + timedelta(days=1))
    assert notification.read_at == NOW
