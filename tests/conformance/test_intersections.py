"""Types that differ by subgraph: members of unions and interfaces, values of enums, fields of inputs; and what clients send."""

from __future__ import annotations

import json
from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

BOOK = {"__typename": "Book", "title": "Emma"}
DOG = {"__typename": "Dog", "name": "Rex", "bark": "loud"}


def intersections() -> dict[str, Subgraph]:
    def best(_root: object, _info: object, order: str, **arguments: Any) -> list[str]:
        return [order, *(f"{name}={value}" for name, value in sorted((arguments.get("filter") or {}).items()))]

    def size(_root: object, _info: object, **arguments: Any) -> dict[str, str]:
        return {"asked": json.dumps(arguments, sort_keys=True)}

    return {
        "one": Subgraph(
            sdl("intersections", "one"),
            {
                "Query.hit": BOOK,
                "Query.pet": DOG,
                "Query.best": best,
                "Query.grades": ["A", "B"],
                "Query.size": size,
            },
        ),
        "two": Subgraph(
            sdl("intersections", "two"),
            {"Query.hit": BOOK, "Query.pet": DOG, "Query.best": best, "Query.marks": ["B", "C"]},
        ),
    }


async def test_members_that_only_one_subgraph_knows_are_asked_of_none() -> None:
    # Given a shared field: whichever subgraph is asked, the answer has to be the same
    async with federation("intersections", intersections()) as graph:
        answer = await graph.ask(
            "{ hit { __typename ... on Book { title } ... on Song { tune } ... on Film { minutes } } }"
        )
        assert answer == {"data": {"hit": {"__typename": "Book", "title": "Emma"}}}
        assert sum(graph.counts.values()) == 1
        (sent,) = [request["query"] for subgraph in graph.subgraphs.values() for request in subgraph.requests]
        assert "Song" not in sent
        assert "Film" not in sent


async def test_a_fragment_on_an_implementation_goes_to_a_subgraph_that_has_it() -> None:
    async with federation("intersections", intersections()) as graph:
        answer = await graph.ask("{ pet { name ... on Cat { lives } ... on Dog { bark } } }")
        assert answer == {"data": {"pet": {"name": "Rex", "bark": "loud"}}}
        assert graph.counts == {"one": 1}


async def test_an_enum_that_is_returned_has_all_values_of_all_subgraphs() -> None:
    async with federation("intersections", intersections()) as graph:
        answer = await graph.ask('{ grades marks __type(name: "Grade") { enumValues { name } } }')
        assert answer["data"]["grades"] == ["A", "B"]
        assert answer["data"]["marks"] == ["B", "C"]
        assert [value["name"] for value in answer["data"]["__type"]["enumValues"]] == ["A", "B", "C"]


async def test_what_not_every_subgraph_accepts_is_accepted_of_nobody() -> None:
    arguments = ["order: DESC", "order: RANDOM", 'filter: {text: "a", from: 1}', 'filter: {text: "a", upTo: 1}']
    async with federation("intersections", intersections()) as graph:
        for argument in arguments:
            answer = await graph.ask(f"{{ best({argument}) }}")
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
            assert graph.counts == {}


async def test_values_and_fields_that_all_accept_are_sent() -> None:
    async with federation("intersections", intersections()) as graph:
        query = "query($order: Order, $filter: Filter) { best(order: $order, filter: $filter) }"
        answer = await graph.ask(query, {"order": "ASC", "filter": {"text": "a", "limit": 3}})
        assert answer == {"data": {"best": ["ASC", "limit=3", "text=a"]}}


SIZE = "query($ids: [ID!]!, $factor: Int! = 3, $filter: Filter) { size(ids: $ids, factor: $factor, filter: $filter) { asked } }"


async def test_variables_are_coerced_as_the_specification_says() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        # A single value becomes a list, an int an ID; a variable's default counts, not the argument's.
        ({"ids": 7}, {"factor": 3, "filter": {"limit": 10, "text": "any"}, "ids": ["7"]}),
        ({"ids": ["a", 8]}, {"factor": 3, "filter": {"limit": 10, "text": "any"}, "ids": ["a", "8"]}),
        # An input's field that is left out has its default; null is no value left out.
        ({"ids": "a", "filter": {"text": "b"}}, {"factor": 3, "filter": {"limit": 10, "text": "b"}, "ids": ["a"]}),
        ({"ids": "a", "filter": None, "factor": 4}, {"factor": 4, "filter": None, "ids": ["a"]}),
    ]
    async with federation("intersections", intersections()) as graph:
        for variables, asked in cases:
            answer = await graph.ask(SIZE, variables)
            assert answer == {"data": {"size": {"asked": json.dumps(asked, sort_keys=True)}}}


async def test_variables_that_do_not_fit_are_refused_by_name_and_asked_of_nobody() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "ids"),
        ({"ids": None}, "ids"),
        ({"ids": [None]}, "ids"),
        ({"ids": [{"id": 1}]}, "ids"),
        ({"ids": "a", "factor": None}, "factor"),
        ({"ids": "a", "factor": "4"}, "factor"),
        ({"ids": "a", "filter": {}}, "text"),
        ({"ids": "a", "filter": {"text": "b", "from": 1}}, "from"),
    ]
    async with federation("intersections", intersections()) as graph:
        for variables, name in cases:
            answer = await graph.ask(SIZE, variables)
            assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
            assert name in answer["errors"][0]["message"]
            assert "data" not in answer
            assert graph.counts == {}
