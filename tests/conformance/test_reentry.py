"""Fields that return the query type: the operation begins anew below them."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def reentry() -> dict[str, Subgraph]:
    state = {"value": 1}

    def add(_root: object, _info: object, by: int) -> dict[str, Any]:
        state["value"] += by
        return {"value": state["value"], "query": {}}

    return {
        "counters": Subgraph(
            sdl("reentry", "counters"),
            {"Mutation.add": add, "Query.counter": lambda _root, _info: {"id": "c", **state}},
            {"Counter": lambda rep: {"__typename": "Counter", "id": rep["id"], **state}},
        ),
        "labels": Subgraph(
            sdl("reentry", "labels"),
            {"Query.label": "all"},
            {"Counter": lambda rep: {"__typename": "Counter", "id": rep["id"], "label": f"counter {rep['id']}"}},
        ),
    }


async def test_what_the_same_subgraph_answers_below_comes_with_the_mutation() -> None:
    async with federation("reentry", reentry()) as graph:
        answer = await graph.ask("mutation { add(by: 2) { value query { counter { value } } } }")
        assert answer == {"data": {"add": {"value": 3, "query": {"counter": {"value": 3}}}}}
        assert graph.counts == {"counters": 1}


async def test_another_subgraph_is_asked_as_at_the_root_once_the_mutation_is_done() -> None:
    async with federation("reentry", reentry()) as graph:
        answer = await graph.ask("mutation { add(by: 4) { query { label __typename counter { label value } } } }")
        assert answer == {
            "data": {
                "add": {
                    "query": {
                        "label": "all",
                        "__typename": "Query",
                        "counter": {"label": "counter c", "value": 5},
                    }
                }
            }
        }
        assert graph.counts == {"counters": 1, "labels": 2}


async def test_each_mutation_sees_the_query_as_it_then_is() -> None:
    async with federation("reentry", reentry()) as graph:
        answer = await graph.ask(
            "mutation { a: add(by: 1) { query { counter { value } } } b: add(by: 5) { query { counter { value label } } } }"
        )
        assert answer == {
            "data": {
                "a": {"query": {"counter": {"value": 2}}},
                "b": {"query": {"counter": {"value": 7, "label": "counter c"}}},
            }
        }
