"""Fields computed from other subgraphs' fields, and fields that a path brings along."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def requires() -> dict[str, Subgraph]:
    parcels = [
        {"id": "1", "weight": 3, "size": {"height": 2, "width": 9}},
        {"id": "2", "weight": 5, "size": None},
    ]

    def cost(parcel: dict[str, Any], _info: object, **arguments: int) -> int:
        height = parcel["size"]["height"] if parcel["size"] else 0
        return int(parcel["weight"]) * arguments["perKilo"] + int(height)

    return {
        "goods": Subgraph(
            sdl("requires", "goods"),
            {"Query.parcels": parcels},
            {"Parcel": lambda rep: {"__typename": "Parcel", **next(p for p in parcels if p["id"] == rep["id"])}},
        ),
        "shipping": Subgraph(
            sdl("requires", "shipping"),
            {"Parcel.cost": cost, "Parcel.carrier": "Pigeon"},
            {"Parcel": dict},
        ),
    }


async def test_required_fields_are_fetched_and_not_shown() -> None:
    async with federation("requires", requires()) as graph:
        answer = await graph.ask("{ parcels { cost carrier } }")
        assert answer == {"data": {"parcels": [{"cost": 8, "carrier": "Pigeon"}, {"cost": 10, "carrier": "Pigeon"}]}}
        assert graph.counts == {"goods": 1, "shipping": 1}


async def test_required_nulls_are_sent_as_nulls_and_only_the_required_part_is_sent() -> None:
    async with federation("requires", requires()) as graph:
        await graph.ask("{ parcels { cost size { width } } }")
        (sent,) = graph.subgraphs["shipping"].requests[0]["variables"].values()
        assert sent == [
            {"__typename": "Parcel", "id": "1", "weight": 3, "size": {"height": 2}},
            {"__typename": "Parcel", "id": "2", "weight": 5, "size": None},
        ]


async def test_arguments_and_aliases_of_a_computed_field_are_kept() -> None:
    async with federation("requires", requires()) as graph:
        answer = await graph.ask("query($k: Int!) { parcels { dear: cost(perKilo: $k) cost } }", {"k": 100})
        assert answer == {"data": {"parcels": [{"dear": 302, "cost": 8}, {"dear": 500, "cost": 10}]}}


async def test_a_field_that_requires_a_computed_field_waits_for_it() -> None:
    subgraphs = {
        "a": Subgraph(
            sdl("requires_chain", "a"),
            {"Query.item": {"id": "1", "base": 21}},
            {"Item": lambda rep: {"__typename": "Item", "id": rep["id"], "base": 21}},
        ),
        "b": Subgraph(
            sdl("requires_chain", "b"),
            {"Item.doubled": lambda item, _info: item["base"] * 2},
            {"Item": dict},
        ),
        "c": Subgraph(
            sdl("requires_chain", "c"),
            {"Item.label": lambda item, _info: f"#{item['doubled']}"},
            {"Item": dict},
        ),
    }
    async with federation("requires_chain", subgraphs) as graph:
        assert await graph.ask("{ item { label } }") == {"data": {"item": {"label": "#42"}}}
        assert graph.counts == {"a": 1, "b": 1, "c": 1}


def provides() -> dict[str, Subgraph]:
    maker = {"id": "m", "name": "Acme"}
    return {
        "catalog": Subgraph(
            sdl("provides", "catalog"),
            {
                "Query.featured": {"id": "p", "maker": maker},
                "Query.products": [{"id": "p", "maker": maker}],
                "Query.makers": [{"id": "m"}],
            },
            {"Product": None, "Maker": lambda rep: {"__typename": "Maker", "id": rep["id"]}},
        ),
        "makers": Subgraph(
            sdl("provides", "makers"),
            references={"Maker": {"__typename": "Maker", **maker, "country": "NO"}},
        ),
    }


async def test_a_provided_field_saves_a_request_on_its_path() -> None:
    async with federation("provides", provides()) as graph:
        assert await graph.ask("{ featured { maker { name } } }") == {"data": {"featured": {"maker": {"name": "Acme"}}}}
        assert graph.counts == {"catalog": 1}


async def test_a_provided_field_is_not_taken_elsewhere() -> None:
    async with federation("provides", provides()) as graph:
        assert await graph.ask("{ makers { name } }") == {"data": {"makers": [{"name": "Acme"}]}}
        assert graph.counts == {"catalog": 1, "makers": 1}


async def test_what_is_not_provided_still_comes_from_its_owner() -> None:
    async with federation("provides", provides()) as graph:
        answer = await graph.ask("{ products { maker { country } } }")
        assert answer == {"data": {"products": [{"maker": {"country": "NO"}}]}}
        assert graph.counts == {"catalog": 1, "makers": 1}


async def test_a_computed_field_that_is_left_out_takes_what_it_requires_along() -> None:
    async with federation("requires", requires()) as graph:
        query = "query($costs: Boolean!) { parcels { id cost @include(if: $costs) } }"
        answer = await graph.ask(query, {"costs": False})
        assert [list(parcel) for parcel in answer["data"]["parcels"]] == [["id"], ["id"]]
        assert graph.counts == {"goods": 1}
        assert graph.subgraphs["goods"].requests[0]["variables"] == {"costs": False}
        assert "weight@include(if:$costs)" in graph.subgraphs["goods"].requests[0]["query"]
        await graph.ask(query, {"costs": True})
        assert graph.counts == {"goods": 1, "shipping": 1}
