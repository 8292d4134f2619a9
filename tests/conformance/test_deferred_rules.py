"""`@defer` beside the other rules: mutations, access, computed fields, contexts, and subgraphs that are down."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import federation, sdl, serve
from tests.conformance.in_parts import CURRENT, OLD, library, read_parts, read_whole
from tests.conformance.subgraph import Subgraph
from tests.conformance.test_authorization import subgraphs as guarded
from tests.conformance.test_contexts import subgraphs as contextual
from tests.conformance.test_requires_and_provides import requires
from tests.conformance.test_roots import mutations

FORMATS = (CURRENT, OLD)


def errors_of(part: Any) -> list[tuple[list[str | int], str]]:
    """Where and why something is missing in a part, by the path and the code."""
    holders = (*part.get("incremental", ()), *part.get("completed", ()))
    return [(error["path"], error["extensions"]["code"]) for each in holders for error in each.get("errors", ())]


async def test_what_a_mutation_defers_holds_up_no_later_mutation() -> None:
    # Given a history that is told only once the first part has been read
    asked = asyncio.Event()
    subgraphs = mutations()

    async def history(counter: dict[str, Any], _info: object) -> Any:
        await asked.wait()
        return counter["history"]

    right = subgraphs["right"]
    subgraphs["right"] = Subgraph(right.sdl, {**right.fields, "Counter.history": history}, right.references)
    async with federation("mutations", subgraphs) as graph:
        # When the first of two mutations defers it
        query = "mutation { a: add(by: 2) { value ... @defer { history } } b: multiply(by: 10) { id } }"
        first, last = await read_parts(graph, query, CURRENT, after_first=asked.set)
        # Then both have run, once and in their order, before the part comes
        assert first == {
            "data": {"a": {"value": 3}, "b": {"id": "c"}},
            "pending": [{"id": "0", "path": ["a"]}],
            "hasNext": True,
        }
        assert [list(each["data"]) for each in last["incremental"]] == [["history"]]
        assert await graph.ask("{ log }") == {"data": {"log": ["add 2", "multiply 10"]}}


async def test_a_mutation_itself_cannot_be_deferred_and_nothing_of_it_runs() -> None:
    async with federation("mutations", mutations()) as graph:
        query = "mutation { ... @defer { add(by: 2) { value } } }"
        refused = await graph.ask(query, headers={"accept": CURRENT})
        (error,) = refused["errors"]
        assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        assert "root mutation type 'Mutation'" in error["message"]
        assert await graph.ask("{ log }") == {"data": {"log": []}}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('{ a: books { ... @defer(label: "x") { title } } b: books { ... @defer(label: "x") { title } } }', "unique"),
        ("query($x: String) { books { ... @defer(label: $x) { title } } }", "static string"),
    ],
)
async def test_a_label_stands_once_in_a_document_and_is_no_variable(query: str, message: str) -> None:
    async with library() as shelf:
        refused = await shelf.graph.ask(query, headers={"accept": CURRENT})
        assert [error["extensions"]["code"] for error in refused["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
        assert message in refused["errors"][0]["message"]
        assert shelf.graph.counts == {}


@pytest.mark.parametrize("accept", FORMATS)
async def test_a_refused_field_is_null_in_the_part_where_it_belongs_and_is_never_fetched(accept: str) -> None:
    subgraphs = guarded()
    async with (
        serve(key_server) as keys,
        federation("authorization", subgraphs, {"authentication": authentication(keys)}) as graph,
    ):
        # Given fields that ask for a scope, one of them computed from the other
        query = "{ product { title ... @defer { cost margin stock } } }"
        for headers, code in ({}, "UNAUTHENTICATED"), (_bearer(), "FORBIDDEN_FIELD"):
            first, last = await read_parts(graph, query, accept, headers=headers)
            assert first["data"] == {"product": {"title": "Nut"}}
            assert "errors" not in first
            assert [each["data"] for each in last["incremental"]] == [{"cost": None, "margin": None, "stock": 4}]
            assert errors_of(last) == [(["product", "cost"], code), (["product", "margin"], code)]
        asked = str([subgraph.requests for subgraph in subgraphs.values()])
        assert ("stock" in asked, "cost" in asked, "margin" in asked) == (True, False, False)
        # And whoever has the scope gets all of it
        reader = await read_whole(graph, query, accept, headers=_bearer(scope="cost"))
        assert reader.data == {"product": {"title": "Nut", "cost": 7, "margin": 8, "stock": 4}}


@pytest.mark.parametrize("accept", FORMATS)
async def test_a_refused_field_that_must_not_be_null_takes_its_part_along_and_no_more(accept: str) -> None:
    async with (
        serve(key_server) as keys,
        federation("authorization", guarded(), {"authentication": authentication(keys)}) as graph,
    ):
        first, last = await read_parts(graph, "{ product { title ... @defer { weight } } }", accept)
        assert first["data"] == {"product": {"title": "Nut"}}
        assert errors_of(last) == [(["product", "weight"], "UNAUTHENTICATED")]
        assert [each["data"] for each in last.get("incremental", ())] == ([None] if accept == OLD else [])


async def test_a_deferred_root_field_that_is_refused_reaches_no_subgraph() -> None:
    async with (
        serve(key_server) as keys,
        federation("authorization", guarded(), {"authentication": authentication(keys)}) as graph,
    ):
        first, last = await read_parts(graph, "{ motd ... @defer { me { name } } }", CURRENT)
        assert (first["data"], "errors" in first) == ({"motd": "hello"}, False)
        assert (last["incremental"][0]["data"], errors_of(last)) == ({"me": None}, [(["me"], "UNAUTHENTICATED")])
        assert [request["query"] for request in graph.subgraphs["accounts"].requests] == ["query{motd}"]


def _bearer(**claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {access_token(**claims)}"}


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize(
    ("fixture", "query", "first"),
    [
        ("requires", "{ parcels { id ... @defer { cost(perKilo: 3) } } }", {"parcels": [{"id": "1"}, {"id": "2"}]}),
        (
            "requires",
            "{ parcels { id ... @defer { carrier ... @defer { cost weight } } } }",
            {"parcels": [{"id": "1"}, {"id": "2"}]},
        ),
        ("context", "{ payers { id ... @defer { payments { amount } } } }", {"payers": [{"id": n} for n in "1234"]}),
        (
            "context",
            "{ payers { payments { id ... @defer { amount rooms } } } }",
            {"payers": [{"payments": [{"id": p} for p in some]} for some in (["p1", "p2"], ["p2"], ["p1", "p3"], ["p3", "p1"])]},
        ),
        (
            "context",
            "{ shops { id ... @defer { offers { id ... @defer { price } } } } }",
            {"shops": [{"id": "s1"}, {"id": "s2"}]},
        ),
    ],
    ids=["arguments", "nested", "below-the-context", "context", "both"],
)  # fmt: skip
async def test_what_is_computed_from_elsewhere_may_be_deferred(
    fixture: str, query: str, first: dict[str, Any], accept: str
) -> None:
    subgraphs = requires() if fixture == "requires" else contextual()
    async with federation(fixture, subgraphs) as graph:
        # Given the answer to the operation without @defer
        whole = await graph.ask(query.replace("@defer", ""))
        assert "errors" not in whole
        needed = graph.counts
        # When parts of it are deferred
        for subgraph in subgraphs.values():
            subgraph.requests.clear()
        reader = await read_whole(graph, query, accept)
        # Then the first part has none of them, nothing is missing in the end, and little more was asked for
        assert reader.first == first
        assert reader.data == whole["data"]
        assert sum(graph.counts.values()) <= sum(needed.values()) + 1


async def test_what_a_deferred_field_requires_is_in_no_part() -> None:
    async with federation("requires", requires()) as graph:
        query = "{ parcels { id ... @defer { cost } } }"
        parts = await read_parts(graph, query, CURRENT)
        assert parts[1]["incremental"] == [{"id": "0", "data": {"cost": 8}}, {"id": "1", "data": {"cost": 10}}]
        assert graph.counts == {"goods": 1, "shipping": 1}


async def test_fragments_nested_three_deep_come_one_after_the_other() -> None:
    async with federation("context", contextual()) as graph:
        query = """{ root { id ... @defer(label: "one") { label folders { id ... @defer(label: "two") {
          label files { id ... @defer(label: "three") { path } } } } } } }"""
        parts = await read_parts(graph, query, CURRENT)
        announced = [[each["label"] for each in part.get("pending", ())] for part in parts]
        assert announced == [["one"], ["two", "two"], ["three", "three", "three"], []]
        reader = await read_whole(graph, query, OLD)
        whole = await graph.ask("{ root { id label folders { id label files { id path } } } }")
        assert (reader.first, reader.data) == ({"root": {"id": "d1"}}, whole["data"])


async def test_introspection_lists_the_directive_where_it_is_known_and_may_itself_be_deferred() -> None:
    listed = "{ __schema { directives { name locations args { name defaultValue type { name kind } } } } }"
    async with library() as shelf:
        directives = (await shelf.graph.ask(listed))["data"]["__schema"]["directives"]
        assert next(each for each in directives if each["name"] == "defer") == {
            "name": "defer",
            "locations": ["FRAGMENT_SPREAD", "INLINE_FRAGMENT"],
            "args": [
                {"name": "if", "defaultValue": "true", "type": {"name": None, "kind": "NON_NULL"}},
                {"name": "label", "defaultValue": None, "type": {"name": "String", "kind": "SCALAR"}},
            ],
        }
        query = "{ book(id: 1) { title } ... @defer { __schema { queryType { name } } } }"
        first, last = await read_parts(shelf.graph, query, OLD)
        assert first["data"] == {"book": {"title": "Emma"}}
        assert last["incremental"] == [{"data": {"__schema": {"queryType": {"name": "Query"}}}, "path": []}]
    async with library({"incremental": {"enabled": False}}) as shelf:
        directives = (await shelf.graph.ask(listed))["data"]["__schema"]["directives"]
        assert [each for each in directives if each["name"] == "defer"] == []


@pytest.mark.parametrize("accept", FORMATS)
async def test_a_subgraph_that_is_down_leaves_its_part_in_pieces_and_the_rest_whole(accept: str) -> None:
    async with _with_ratings_down() as graph:
        query = "{ books { title ... @defer { stars } } }"
        first, last = await read_parts(graph, query, accept)
        assert (first["data"], "errors" in first) == ({"books": [{"title": "Emma"}, {"title": "Ulysses"}]}, False)
        assert [each["data"] for each in last["incremental"]] == [{"stars": None}, {"stars": None}]
        # One cause is one error, as in a whole answer.
        assert errors_of(last) == [(["books"], "SUBGRAPH_UNAVAILABLE")]


async def test_a_part_that_cannot_be_without_a_subgraph_fails_and_the_next_comes_all_the_same() -> None:
    async with _with_ratings_down() as graph:
        query = '{ book(id: 1) { ... @defer(label: "lost") { comments } ... @defer(label: "there") { title } } }'
        reader = await read_whole(graph, query, CURRENT)
        assert (reader.first, reader.data) == ({"book": {}}, {"book": {"title": "Emma"}})
        told = [error for part in reader.parts for error in errors_of(part)]
        assert told == [(["book"], "SUBGRAPH_UNAVAILABLE")]


def _with_ratings_down() -> Any:
    titles = {"1": "Emma", "2": "Ulysses"}
    books = Subgraph(
        sdl("simple_key", "books"),
        {
            "Query.book": lambda *_, **named: {"id": named["id"], "title": titles[named["id"]]},
            "Query.books": [{"id": id_, "title": title} for id_, title in titles.items()],
        },
        {"Book": lambda book: {"__typename": "Book", "id": book["id"], "title": titles[book["id"]]}},
    )
    ratings = Subgraph(sdl("simple_key", "ratings"))
    return federation("simple_key", {"books": books, "ratings": ratings}, down=frozenset({"ratings"}))
