"""Entities found by their keys: simple, compound and nested, and through a third subgraph."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def simple_key() -> dict[str, Subgraph]:
    titles = {"1": "Emma", "2": "Ulysses"}
    stars = {"1": 5, "2": None}

    def book(_root: object, _info: object, **arguments: str) -> dict[str, str] | None:
        title = titles.get(arguments["id"])
        return {"id": arguments["id"], "title": title} if title else None

    return {
        "books": Subgraph(
            sdl("simple_key", "books"),
            {
                "Query.book": book,
                "Query.books": [{"id": "1", "title": "Emma"}, None, {"id": "2", "title": "Ulysses"}],
            },
            {"Book": lambda rep: {"__typename": "Book", "id": rep["id"], "title": titles[rep["id"]]}},
        ),
        "ratings": Subgraph(
            sdl("simple_key", "ratings"),
            {
                "Query.best": {"id": "1", "stars": 5},
                "Book.comments": lambda book, _i, first: [f"{book['id']}-{n}" for n in range(first)],
            },
            {"Book": lambda rep: {"__typename": "Book", "id": rep["id"], "stars": stars.get(rep["id"])}},
        ),
    }


async def test_an_entity_is_completed_by_another_subgraph() -> None:
    async with federation("simple_key", simple_key()) as graph:
        answer = await graph.ask("{ book(id: 1) { stars title } }")
        assert answer == {"data": {"book": {"stars": 5, "title": "Emma"}}}
        assert list(answer["data"]["book"]) == ["stars", "title"]
        assert graph.counts == {"books": 1, "ratings": 1}


async def test_a_list_of_entities_is_one_request_and_equal_entities_are_sent_once() -> None:
    async with federation("simple_key", simple_key()) as graph:
        answer = await graph.ask("{ a: books { id stars } b: books { stars } }")
        assert answer == {
            "data": {
                "a": [{"id": "1", "stars": 5}, None, {"id": "2", "stars": None}],
                "b": [{"stars": 5}, None, {"stars": None}],
            }
        }
        assert graph.counts == {"books": 1, "ratings": 1}


async def test_aliases_on_the_keys_name_do_not_disturb_the_key() -> None:
    async with federation("simple_key", simple_key()) as graph:
        answer = await graph.ask("{ book(id: 2) { id: title title: id comments } }")
        assert answer == {"data": {"book": {"id": "Ulysses", "title": "2", "comments": ["2-0", "2-1"]}}}


async def test_variables_travel_only_where_they_are_used() -> None:
    async with federation("simple_key", simple_key()) as graph:
        query = "query($id: ID!, $n: Int = 1, $unused: Int) { book(id: $id) { comments(first: $n) } }"
        assert await graph.ask(query.replace(", $unused: Int", ""), {"id": 1}) == {
            "data": {"book": {"comments": ["1-0"]}}
        }
        assert graph.subgraphs["books"].requests[0]["variables"] == {"id": "1"}
        variables: dict[str, Any] = graph.subgraphs["ratings"].requests[0]["variables"]
        assert variables.pop("n") == 1
        assert list(variables.values()) == [[{"__typename": "Book", "id": "1"}]]


async def test_a_missing_root_entity_is_null_and_costs_no_second_request() -> None:
    async with federation("simple_key", simple_key()) as graph:
        assert await graph.ask("{ book(id: 9) { stars } }") == {"data": {"book": None}}
        assert graph.counts == {"books": 1}


async def test_a_skipped_field_saves_its_request() -> None:
    async with federation("simple_key", simple_key()) as graph:
        query = "query($more: Boolean!) { book(id: 1) { title stars @include(if: $more) } }"
        assert await graph.ask(query, {"more": False}) == {"data": {"book": {"title": "Emma"}}}
        assert graph.counts == {"books": 1}
        assert await graph.ask(query, {"more": True}) == {"data": {"book": {"title": "Emma", "stars": 5}}}
        assert graph.counts == {"books": 1, "ratings": 1}


async def test_compound_and_nested_keys_are_sent_whole() -> None:
    plant = {"country": {"code": "FR"}, "number": 7}
    plants = Subgraph(
        sdl("compound_key", "plants"),
        {"Query.machines": [{"serial": "m1", "plant": plant, "label": "Press"}]},
        {"Machine": None},
    )
    service = Subgraph(
        sdl("compound_key", "service"),
        references={"Machine": lambda rep: {"__typename": "Machine", **rep, "hours": 12}},
    )
    async with federation("compound_key", {"plants": plants, "service": service}) as graph:
        assert await graph.ask("{ machines { hours label } }") == {
            "data": {"machines": [{"hours": 12, "label": "Press"}]}
        }
        (sent,) = graph.subgraphs["service"].requests[0]["variables"].values()
        assert sent == [{"__typename": "Machine", "serial": "m1", "plant": plant}]
        assert graph.counts == {"plants": 1, "service": 1}


def key_chain() -> dict[str, Subgraph]:
    people = {"1": "Ada", "2": "Bob"}
    passports: dict[str, str | None] = {"1": "P1", "2": None}

    def person(_root: object, _info: object, **arguments: str) -> dict[str, str]:
        return {"id": arguments["id"], "name": people[arguments["id"]]}

    return {
        "people": Subgraph(
            sdl("key_chain", "people"),
            {
                "Query.person": person,
                "Query.people": [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Bob"}],
            },
            {"Person": None},
        ),
        "registry": Subgraph(
            sdl("key_chain", "registry"),
            references={
                "Person": lambda rep: {"__typename": "Person", "id": rep["id"], "passport": passports[rep["id"]]}
            },
        ),
        "border": Subgraph(
            sdl("key_chain", "border"),
            references={"Person": lambda rep: {"__typename": "Person", "passport": rep["passport"], "crossings": 3}},
        ),
    }


async def test_a_chain_of_keys_leads_through_a_third_subgraph() -> None:
    async with federation("key_chain", key_chain()) as graph:
        answer = await graph.ask("{ person(id: 1) { name crossings } }")
        assert answer == {"data": {"person": {"name": "Ada", "crossings": 3}}}
        assert graph.counts == {"people": 1, "registry": 1, "border": 1}


async def test_an_entity_whose_key_is_null_is_not_asked_for() -> None:
    async with federation("key_chain", key_chain()) as graph:
        answer = await graph.ask("{ people { name crossings } }")
        assert answer == {"data": {"people": [{"name": "Ada", "crossings": 3}, {"name": "Bob", "crossings": None}]}}
        (sent,) = graph.subgraphs["border"].requests[0]["variables"].values()
        assert sent == [{"__typename": "Person", "passport": "P1"}]
