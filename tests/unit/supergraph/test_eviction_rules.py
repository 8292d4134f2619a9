"""From an event to the tags that it evicts."""

from __future__ import annotations

from typing import Any

import pytest

from shared.clock import system_clock
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from supergraph.evictor import EvictionRules

RULES = EvictionRules({"variant.price_changed": ["Variant:{variant_id}", "Category:{category_id}", "Product:*"]})


def event(name: str, **payload: Any) -> ReceivedEvent:
    return ReceivedEvent(
        id=new_id(),
        name=name,
        version="1.0",
        occurred_at=system_clock(),
        payload=payload,
        aggregate_id=new_id(),
        aggregate_version=1,
        correlation_id="c",
        causation_id=None,
        idempotency_key="k",
    )


def test_members_of_the_payload_stand_in_the_tags() -> None:
    told = event("variant.price_changed", variant_id="v1", category_id="c1")

    assert RULES.tags(told) == {"Variant:v1", "Category:c1", "Product:*"}


def test_what_the_payload_does_not_name_is_not_evicted() -> None:
    assert RULES.tags(event("variant.price_changed", variant_id="v1", category_id=None)) == {"Variant:v1", "Product:*"}
    assert RULES.tags(event("order.created", variant_id="v1")) == frozenset()


def test_a_key_that_no_tag_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="is no tag"):
        RULES.tags(event("variant.price_changed", variant_id="v\n1"))
