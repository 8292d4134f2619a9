"""Subgraphs of Federation 1 (`extend type`, @extends, @external keys), in supergraphs of every join version."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES, federation, sdl
from tests.conformance.subgraph import Subgraph

PRODUCT = {"__typename": "Product", "upc": "p", "name": "Lamp", "weight": 4}
USER = {"__typename": "User", "id": "u", "name": "Ada"}
COMPOSED = (FIXTURES / "fed1" / "supergraph.graphql").read_text(encoding="utf-8")


def fed1() -> dict[str, Subgraph]:
    def product(rep: dict[str, Any]) -> dict[str, Any]:
        return {**rep, "reviews": [review], "freight": rep["weight"] * 2 if "weight" in rep else None}

    review: dict[str, Any] = {"id": "r", "body": "bright", "product": {"upc": "p"}, "author": USER}
    # A server of Federation 1 took `extend type` for `type`.
    reviews = sdl("fed1", "reviews").replace("extend type", "type")
    return {
        "products": Subgraph(sdl("fed1", "products"), {"Query.product": PRODUCT}, {"Product": PRODUCT}),
        "reviews": Subgraph(reviews, {"Query.reviews": [review]}, {"Review": review, "Product": product, "User": dict}),
        "users": Subgraph(sdl("fed1", "users"), {"Query.me": USER}, {"User": USER}),
    }


async def test_an_extended_entity_is_completed_both_ways() -> None:
    async with federation("fed1", fed1()) as graph:
        answer = await graph.ask("{ product(upc: 1) { name reviews { body } } reviews { product { name } } }")
        assert answer == {
            "data": {
                "product": {"name": "Lamp", "reviews": [{"body": "bright"}]},
                "reviews": [{"product": {"name": "Lamp"}}],
            }
        }
        assert graph.counts == {"products": 2, "reviews": 2}


async def test_the_external_key_of_an_extended_type_is_answered_without_its_owner() -> None:
    async with federation("fed1", fed1()) as graph:
        answer = await graph.ask("{ reviews { product { upc } author { id name } } }")
        assert answer == {"data": {"reviews": [{"product": {"upc": "p"}, "author": {"id": "u", "name": "Ada"}}]}}
        assert graph.counts == {"reviews": 1}


@pytest.mark.parametrize("version", ["v0.2", "v0.3", "v0.4", "v0.5"])
async def test_a_required_field_comes_from_the_owner_in_every_join_version(tmp_path: Path, version: str) -> None:
    file = tmp_path / "supergraph.graphql"
    file.write_text(COMPOSED.replace("join/v0.3", f"join/{version}"), encoding="utf-8")

    async with federation("fed1", fed1(), file=SupergraphFile(file)) as graph:
        answer = await graph.ask("{ reviews { product { freight } } }")
        assert answer == {"data": {"reviews": [{"product": {"freight": 8}}]}}
        assert graph.counts == {"products": 1, "reviews": 2}


async def test_in_join_v01_every_entity_has_an_owner() -> None:
    # Given the same subgraphs as a composer of Federation 1 described them
    async with federation("fed1_owners", fed1()) as graph:
        answer = await graph.ask("{ reviews { product { upc name freight } author { name } } me { name } }")
        assert answer == {
            "data": {
                "reviews": [{"product": {"upc": "p", "name": "Lamp", "freight": 8}, "author": {"name": "Ada"}}],
                "me": {"name": "Ada"},
            }
        }
        assert graph.counts == {"products": 1, "reviews": 2, "users": 1}
