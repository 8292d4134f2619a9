"""What a client sees when data is missing: nulls as far up as the schema says, and one clear error for each cause."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

NAMES = {"i1": "Nut", "i2": "Bolt"}


def orders(*items: str, second: tuple[str, ...] = ("i2",)) -> dict[str, Subgraph]:
    """Two orders, the first with `items`; the items' subgraph does not know every item."""

    def order(identity: str, lines: tuple[str, ...]) -> dict[str, Any]:
        return {"id": identity, "lines": [{"sku": item.upper(), "item": {"id": item}} for item in lines], "note": None}

    both = {"o1": order("o1", items), "o2": order("o2", second)}

    def item(rep: dict[str, Any]) -> Any:
        if rep["id"] == "secret":
            raise RuntimeError("password=hunter2")
        if rep["id"] == "refused":
            raise GraphQLError("You may not see this item.", extensions={"code": "FORBIDDEN", "trace": "internal"})
        grade = "C" if rep["id"] == "i2" else "A"
        return {"__typename": "Item", "id": rep["id"], "name": NAMES.get(rep["id"]), "grade": grade}

    return {
        "orders": Subgraph(
            sdl("null_propagation", "orders"),
            {
                "Query.order": lambda _root, _info, **arguments: both.get(arguments["id"]),
                "Query.orders": list(both.values()),
                "Query.strict": both["o1"],
                "Query.count": 2,
            },
            {"Order": lambda rep: {"__typename": "Order", **both[rep["id"]]}, "Item": None},
        ),
        "items": Subgraph(
            sdl("null_propagation", "items"),
            references={"Item": item, "Order": lambda rep: {"__typename": "Order", "id": rep["id"], "total": 7}},
        ),
    }


def seen(answer: Any) -> list[tuple[str, list[str | int] | None]]:
    return [(error["extensions"]["code"], error.get("path")) for error in answer.get("errors", ())]


async def test_a_missing_name_nulls_its_order_and_spares_what_is_beside_it() -> None:
    async with federation("null_propagation", orders("i1", "i9")) as graph:
        answer = await graph.ask('{ order(id: "o1") { id lines { item { name } } } count }')
        assert answer["data"] == {"order": None, "count": 2}
        assert len(answer["errors"]) == 1
        assert answer["errors"][0]["path"] == ["order", "lines", 1, "item", "name"]


async def test_a_null_in_a_list_of_required_items_nulls_the_list() -> None:
    async with federation("null_propagation", orders("i9")) as graph:
        answer = await graph.ask("{ orders { lines { item { name } } } count }")
        assert answer["data"] == {"orders": None, "count": 2}


async def test_a_null_that_reaches_the_root_leaves_no_data() -> None:
    async with federation("null_propagation", orders("i9")) as graph:
        answer = await graph.ask("{ strict { lines { item { name } } } count }")
        assert answer["data"] is None
        assert len(answer["errors"]) == 1


async def test_an_inaccessible_enum_value_is_null_with_an_error() -> None:
    async with federation("null_propagation", orders("i1", "i2")) as graph:
        answer = await graph.ask('{ order(id: "o1") { lines { sku item { grade } } } }')
        assert answer["data"]["order"]["lines"] == [
            {"sku": "I1", "item": {"grade": "A"}},
            {"sku": "I2", "item": {"grade": None}},
        ]
        assert seen(answer) == [("INVALID_VALUE", ["order", "lines", 1, "item", "grade"])]


async def test_a_coded_refusal_reaches_every_place_of_its_entity() -> None:
    async with federation("null_propagation", orders("refused", "i1", second=("refused",))) as graph:
        answer = await graph.ask("{ orders { id lines { item { grade } } } }")
        assert answer["data"]["orders"][0]["lines"] == [{"item": {"grade": None}}, {"item": {"grade": "A"}}]
        assert answer["errors"] == [
            {
                "message": "You may not see this item.",
                "path": ["orders", order, "lines", 0, "item"],
                "extensions": {"code": "FORBIDDEN"},
            }
            for order in (0, 1)
        ]


@pytest.mark.parametrize("failing", ["a", "b"])
async def test_a_refusal_that_takes_its_entity_along_is_one_error(failing: str) -> None:
    def name(_root: object, info: Any) -> str:
        if info.path.key == failing:
            raise GraphQLError("No.", extensions={"code": "REFUSED"})
        return "x"

    subgraphs = orders("i1")
    items = subgraphs["items"]
    subgraphs["items"] = Subgraph(items.sdl, {"Item.name": name}, items.references)
    async with federation("null_propagation", subgraphs) as graph:
        answer = await graph.ask('{ order(id: "o1") { lines { item { a: name b: name } } } count }')
        assert answer["data"] == {"order": None, "count": 2}
        assert seen(answer) == [("REFUSED", ["order", "lines", 0, "item", failing])]


async def test_a_bug_in_a_subgraph_is_masked() -> None:
    async with federation("null_propagation", orders("secret")) as graph:
        answer = await graph.ask('{ order(id: "o1") { lines { item { grade } } } }')
        assert answer["data"] == {"order": {"lines": [{"item": {"grade": None}}]}}
        assert seen(answer) == [("INTERNAL_SERVER_ERROR", ["order", "lines", 0, "item"])]
        assert "hunter2" not in str(answer)
        assert "items" not in str(answer["errors"])


@pytest.mark.parametrize("subgraph", ["items", "orders"])
async def test_a_broken_subgraph_costs_its_own_fields_and_one_error(subgraph: str) -> None:
    subgraphs = orders("i1")
    subgraphs[subgraph].broken = True
    async with federation("null_propagation", subgraphs) as graph:
        answer = await graph.ask('{ order(id: "o1") { id total } count }')
        whole = {"order": None, "count": 2} if subgraph == "items" else {"order": None, "count": None}
        assert answer["data"] == whole
        assert seen(answer) == [("SUBREQUEST_FAILED", ["order"] if subgraph == "items" else None)]


async def test_a_subgraph_that_is_down_leaves_partial_data_and_one_clear_error() -> None:
    down = frozenset({"items"})
    async with federation("null_propagation", orders("i1", "i2"), down=down) as graph:
        answer = await graph.ask('{ order(id: "o1") { note lines { item { grade id } } } }')
        assert answer["data"]["order"]["lines"] == [
            {"item": {"grade": None, "id": "i1"}},
            {"item": {"grade": None, "id": "i2"}},
        ]
        assert seen(answer) == [("SUBGRAPH_UNAVAILABLE", ["order", "lines"])]
        assert "127.0.0.1" not in str(answer)
