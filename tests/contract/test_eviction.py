"""What the register says of evictions fits the events, and the hints of the subgraphs fit what is evicted."""

from __future__ import annotations

import re

from gateway.cache.hints import CacheHints
from gateway.cache.tags import EntityKeys
from gateway.security.access_rules import AccessRules
from gateway.supergraph.sdl import parse_supergraph
from shared.devstack.gateway_config import SUPERGRAPH_FILE
from shared.messaging.schemas import EventSchemas
from shared.register import load_register

REGISTER = load_register()
SUPERGRAPH = parse_supergraph(SUPERGRAPH_FILE.read_text(encoding="utf-8"))


def test_every_event_that_evicts_has_a_schema_with_the_members_that_its_tags_name() -> None:
    assert REGISTER.evictor is not None
    schemas = EventSchemas()
    for event, tags in REGISTER.evictor.evicts.items():
        members = schemas.required_members(event)
        for named in re.findall(r"\{(\w+)\}", " ".join(tags)):
            assert named in members, f"{event} need not have {named}"


def test_every_tag_is_of_an_entity_that_is_told_apart_by_its_id() -> None:
    assert REGISTER.evictor is not None
    keys = EntityKeys(SUPERGRAPH)
    for event, tags in REGISTER.evictor.evicts.items():
        for tag in tags:
            name, _, key = tag.partition(":")
            assert keys.field(name) == "id", f"{event} evicts {tag}"
            assert key == "*" or re.fullmatch(r"\{\w+\}", key), f"{event} evicts {tag}"


def test_no_hint_stands_on_what_is_somebodys_own() -> None:
    hints, access = CacheHints(SUPERGRAPH), AccessRules(SUPERGRAPH)
    hinted = {
        f"{name}.{field}"
        for name, info in SUPERGRAPH.types.items()
        for field in info.fields
        if hints.of_field(name, field) is not None
    }

    assert {name.partition(".")[0] for name in hinted} == {
        "Category",
        "Product",
        "Query",
        "Review",
        "Seller",
        "Variant",
    }
    assert {name for name in hinted if name.startswith("Query.")} == {
        f"Query.{name}"
        for name in ("product", "products", "search", "category", "categories", "review", "seller", "sellerBySlug")
    }
    # The list of sellers is another one for staff, which asks for all of them by the same words.
    assert "Query.sellers" not in hinted
    private = ("Product.rejectionReason", "Seller.status", "Seller.members", "Seller.payoutAccount", "Seller.orders")
    assert not hinted & set(private)
    for name in hinted:
        assert not access.of_field(*name.split(".")), name
