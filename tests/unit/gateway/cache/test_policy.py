"""What of an operation may be cached, for how long, and under which tags: read off the plan and the hints of the subgraphs."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

import orjson
import pytest
from graphql import parse

from gateway.cache.answers import Limits, Missing, entries_of
from gateway.cache.policy import CacheRules, FetchPolicy
from gateway.planner.normalize import normalize
from gateway.planner.planner import Planner
from gateway.security.access_rules import AccessRules
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph, parse_supergraph
from shared.cache.entries import Entry
from tests.conformance.federation import FIXTURES

LIMITS = Limits(max_bytes=1000, max_tags=20)


@cache
def supergraph() -> Supergraph:
    return parse_supergraph((FIXTURES / "public_data" / "supergraph.graphql").read_text(encoding="utf-8"))


def policies(query: str, *, without: str = "") -> list[FetchPolicy | None]:
    graph = supergraph()
    access = AccessRules(graph)
    rules = CacheRules(graph, lambda parent, name: bool(access.of_field(parent, name)), lambda name: name != without)
    operation = normalize(build_api_schema(graph), parse(query), None)
    plan = Planner(graph).plan(operation)
    found = rules.of(plan)
    return [found.get(fetch.id) for fetch in plan.fetches]


def ages(query: str) -> list[list[int | None]]:
    """By fetch and target: seconds, or None for what is not public."""
    return [
        [policy.max_age if policy else None for policy in fetch.policies] if fetch else [] for fetch in policies(query)
    ]


def root_entry(query: str, data: dict[str, Any]) -> Entry | None:
    (policy,) = policies(query)
    assert policy is not None
    return entries_of(policy, [Missing(["k"], [b""])], orjson.dumps({"data": data}), LIMITS).get("k")


def root_tags(query: str, data: dict[str, Any]) -> set[str]:
    entry = root_entry(query, data)
    assert entry is not None
    return set(entry.tags)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # The shortest of all that is selected.
        ('{ book(id: "1") { id title } }', 60),
        ("{ books { edges { node { title } } } }", 30),
        ('{ book(id: "1") { author { name books { title } } } }', 15),
        # A field's hint speaks for the whole value, and a type's for the fields that return it.
        ("{ books { total } }", 30),
        ('{ book(id: "1") { size { height } } }', 60),
        ("{ motd }", 600),
        # What leads to an object says which one it is: its key adds nothing.
        ("{ books { edges { node { id } } } }", 30),
        # Through an interface each object type speaks.
        ("{ shelf { label } }", 20),
        ("{ shelf { ... on Book { label } } }", 40),
        # Nobody said that these are public.
        ('{ book(id: "1") { notes } }', None),
        ('{ book(id: "1") { title notes } }', None),
        ("{ shelf { id } }", None),
        ("{ me { id } }", None),
        ('{ book(id: "1") { size { owner { name } } } }', None),
        ('{ book(id: "1") { draft } }', None),
        ('{ book(id: "1") { never } }', None),
        # Somebody said so, but only some may see it.
        ('{ book(id: "1") { cost } }', None),
        ("{ shelf { ... on Book { cost } } }", None),
        # One field that is not public keeps the whole request out.
        ("{ motd me { id } }", None),
    ],
)
def test_a_root_fetch_is_public_for_as_long_as_everything_in_it(query: str, expected: int | None) -> None:
    assert ages(query) == [[] if expected is None else [expected]]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("rating { stars count }", [20]),
        ("quote(words: 3) rating { stars }", [20]),
        ("liked", []),
        ("liked rating { stars }", []),
        ("mine", []),
    ],
)
def test_an_entity_fetch_is_judged_apart_from_the_one_that_led_to_it(selection: str, expected: list[int]) -> None:
    assert ages(f'{{ book(id: "1") {{ title {selection} }} }}') == [[60], expected]


def test_nothing_of_a_mutation_is_cached() -> None:
    assert ages('mutation { rename(id: "1", title: "x") { title rating { stars } } }') == [[], []]


def test_a_subgraph_may_be_left_out() -> None:
    catalog, reviews = policies('{ book(id: "1") { title rating { stars } } }', without="catalog")

    assert catalog is None
    assert reviews is not None


def test_a_root_answer_is_about_each_entity_in_it_and_about_its_lists() -> None:
    query = "{ books(first: 2) { edges { node { id title author { id name } } } } }"
    author = {"id": "7", "name": "Ada"}
    nodes = [{"node": {"id": key, "title": key, "author": author}} for key in ("1", "2")]

    assert root_tags(query, {"books": {"edges": nodes}}) == {"Book:*", "Book:1", "Book:2", "Author:7"}
    # An empty list waits for its first item, and a count for any.
    assert root_tags(query, {"books": {"edges": []}}) == {"Book:*"}
    assert root_tags("{ books { total } }", {"books": {"total": 0}}) == {"Book:*"}


def test_an_entity_that_does_not_tell_its_key_may_be_any_of_its_type() -> None:
    assert root_tags('{ book(id: "1") { title } }', {"book": {"title": "x"}}) == {"Book:?"}
    assert root_tags('{ book(id: "1") { key: id } }', {"book": {"key": "1"}}) == {"Book:1"}


def test_an_object_behind_an_interface_is_told_by_its_type_and_that_types_key() -> None:
    query = "{ shelf { __typename ... on Book { id label } ... on Toy { code label } } }"
    book, toy = {"__typename": "Book", "id": "1", "label": "a"}, {"__typename": "Toy", "code": "t", "label": "b"}

    assert root_tags(query, {"shelf": [book, toy]}) == {"Book:*", "Toy:*", "Book:1", "Toy:t"}
    assert root_tags("{ shelf { label } }", {"shelf": [{"label": "a"}]}) == {"Book:*", "Toy:*", "Book:?", "Toy:?"}


def test_an_entity_is_about_itself_and_about_those_in_it() -> None:
    _, reviews = policies('{ book(id: "1") { title rating { stars } } }')
    assert reviews is not None
    representations = [b'{"__typename":"Book","id":"%d"}' % number for number in (1, 2, 3)]
    results = [{"rating": {"stars": 5}}, None, {"rating": None}]
    body = orjson.dumps({"data": {reviews.aliases[0]: results}})

    entries = entries_of(reviews, [Missing(["a", "b", "c"], representations)], body, LIMITS)

    # An entity that is not there is not kept; a field of one may be null.
    assert entries == {
        "a": Entry(b'{"rating":{"stars":5}}', frozenset({"Book:1"}), timedelta(seconds=20)),
        "c": Entry(b'{"rating":null}', frozenset({"Book:3"}), timedelta(seconds=20)),
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"book": {"title": "x"}}, "errors": [{"message": "somewhere"}]},
        {"data": {"book": None}},
        {"data": None},
        {"errors": [{"message": "no"}]},
        {"data": {"book": {"title": "x" * 1000}}},
        [],
    ],
)
def test_errors_and_nulls_and_what_is_too_large_are_not_kept(answer: object) -> None:
    (policy,) = policies('{ book(id: "1") { title } }')
    assert policy is not None

    assert entries_of(policy, [Missing(["k"], [b""])], orjson.dumps(answer), LIMITS) == {}


def test_what_is_about_too_much_is_not_kept() -> None:
    query = "{ books { edges { node { id } } } }"
    pages = [{"books": {"edges": [{"node": {"id": str(n)}} for n in range(count)]}} for count in (19, 20)]

    assert [root_entry(query, page) is not None for page in pages] == [True, False]


def test_what_can_change_an_answer_tells_policies_apart() -> None:
    queries = (
        '{ book(id: "1") { title } }',
        '{ book(id: "1") { t: title } }',
        '{ book(id: "2") { title } }',
        "query($id: ID!) { book(id: $id) { title } }",
        "query($id: ID!, $d: Boolean) { book(id: $id, draft: $d) { title } }",
    )
    found = [policy.policies[0] for query in queries for policy in policies(query) if policy]

    assert len({cached.identity for cached in found if cached}) == len(queries)
    assert [cached.variables for cached in found if cached][-2:] == [("id",), ("id", "d")]
