"""Several keys of an entity, and a subgraph that names it without being able to find it."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

ADA = {"__typename": "Person", "id": "1", "email": "ada@example.org", "name": "Ada"}


def several_keys() -> dict[str, Subgraph]:
    def letters(rep: dict[str, Any]) -> dict[str, Any]:
        return {"__typename": "Person", "email": rep["email"], "letters": [f"to {rep['email']}"]}

    return {
        "people": Subgraph(sdl("several_keys", "people"), {"Query.person": ADA}, {"Person": ADA}),
        "badges": Subgraph(
            sdl("several_keys", "badges"),
            {"Query.badge": {"colour": "red", "holder": {"id": "1"}}},
            {"Person": lambda rep: AssertionError(f"this subgraph cannot find {rep}")},
        ),
        "letters": Subgraph(sdl("several_keys", "letters"), references={"Person": letters}),
    }


async def test_an_entity_is_entered_by_the_key_that_both_sides_have() -> None:
    async with federation("several_keys", several_keys()) as graph:
        answer = await graph.ask("{ person(id: 1) { name letters } }")
        assert answer == {"data": {"person": {"name": "Ada", "letters": ["to ada@example.org"]}}}
        assert graph.counts == {"people": 1, "letters": 1}
        (sent,) = graph.subgraphs["letters"].requests[0]["variables"].values()
        assert sent == [{"__typename": "Person", "email": "ada@example.org"}]


async def test_from_one_key_to_another_the_way_leads_through_who_has_both() -> None:
    async with federation("several_keys", several_keys()) as graph:
        answer = await graph.ask("{ badge { colour holder { letters name } } }")
        assert answer == {
            "data": {"badge": {"colour": "red", "holder": {"letters": ["to ada@example.org"], "name": "Ada"}}}
        }
        assert graph.counts == {"badges": 1, "people": 1, "letters": 1}


async def test_a_key_that_is_not_resolvable_is_left_and_never_entered_by() -> None:
    async with federation("several_keys", several_keys()) as graph:
        answer = await graph.ask("{ badge { holder { id name } } person(id: 1) { id } }")
        assert answer == {"data": {"badge": {"holder": {"id": "1", "name": "Ada"}}, "person": {"id": "1"}}}
        assert graph.counts == {"badges": 1, "people": 2}
        assert all("_entities" not in request["query"] for request in graph.subgraphs["badges"].requests)
