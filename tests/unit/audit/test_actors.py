"""The audit log names who did it, and nobody where the platform did."""

from __future__ import annotations

import pytest

from shared.ids import new_id
from subgraphs.audit.domain import actor_of

BUYER, SELLER_MEMBER = str(new_id()), str(new_id())


@pytest.mark.parametrize(
    ("action", "payload", "actor"),
    [
        ("order.created", {"buyer_id": BUYER}, BUYER),
        ("order.paid", {"buyer_id": BUYER}, None),
        ("order.shipped", {"buyer_id": BUYER, "actor_id": SELLER_MEMBER}, SELLER_MEMBER),
        ("order.cancelled", {"buyer_id": BUYER, "actor_id": None}, None),
        ("refund.succeeded", {"buyer_id": BUYER, "actor_id": SELLER_MEMBER}, SELLER_MEMBER),
        ("user.registered", {"user_id": BUYER}, BUYER),
        ("user.role_granted", {"user_id": BUYER, "actor_id": None}, None),
    ],
)
def test_the_actor_is_whoever_did_it(action: str, payload: dict[str, str | None], actor: str | None) -> None:
    found = actor_of(action, payload)
    assert (str(found) if found else None) == actor
