"""The compiled projection and the careful completion must agree on every tree; each example states the exact outcome."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_schema, parse, validate

from gateway.executor.completion import Completion
from gateway.executor.projection import Projection
from gateway.executor.subgraph_errors import FieldError
from gateway.planner.normalize import normalize

SCHEMA = build_schema("""
    scalar JSON
    enum Size { SMALL LARGE }
    interface Media { id: ID! title: String }
    type Book implements Media { id: ID! title: String pages: Int! }
    type Film implements Media { id: ID! title: String minutes: Float }
    union Result = Book | Film | Shelf
    type Shelf { name: String! size: Size sizes: [Size!] media: [Media!]! best: Media rows: [[Book!]]! meta: JSON }
    type Query { shelf: Shelf strict: Shelf! shelves: [Shelf!] results: [Result] flag: Boolean }
""")


def project(
    query: str,
    tree: dict[str, Any],
    variables: dict[str, Any] | None = None,
    known: tuple[FieldError, ...] = (),
) -> tuple[Any, list[tuple[str, tuple[str | int, ...] | None]]]:
    document = parse(query)
    assert validate(SCHEMA, document) == []
    operation = normalize(SCHEMA, document, None)
    data, errors = Projection(SCHEMA, operation).project(tree, variables or {}, known)
    careful = Completion(SCHEMA, operation, variables or {}, known)
    assert careful.complete(tree) == data
    return data, [(error.code, error.path) for error in errors]


def test_the_client_gets_its_own_fields_in_its_own_order_only() -> None:
    tree = {"shelf": {"size": "LARGE", "__typename": "Shelf", "name": "A", "_k0": 1, "meta": {"x": [1]}}, "flag": True}
    data, errors = project("{ flag shelf { meta name t: __typename size } q: __typename }", tree)
    assert list(data) == ["flag", "shelf", "q"]
    assert list(data["shelf"].items()) == [("meta", {"x": [1]}), ("name", "A"), ("t", "Shelf"), ("size", "LARGE")]
    assert (data["q"], errors) == ("Query", [])


def test_abstract_objects_get_the_selections_of_their_concrete_type() -> None:
    tree = {
        "results": [
            {"__typename": "Film", "id": "1", "minutes": 90},
            None,
            {"__typename": "Shelf", "name": "A"},
            {"__typename": "Book", "id": "2", "pages": 3},
        ]
    }
    query = "{ results { ... on Book { pages id } __typename ... on Media { id } ... on Film { minutes } } }"
    data, errors = project(query, tree)
    assert data["results"] == [
        {"__typename": "Film", "id": "1", "minutes": 90},
        None,
        {"__typename": "Shelf"},
        {"pages": 3, "id": "2", "__typename": "Book"},
    ]
    assert list(data["results"][3]) == ["pages", "id", "__typename"]
    assert errors == []


def test_a_concrete_type_is_not_needed_where_nothing_depends_on_it() -> None:
    data, errors = project("{ shelf { best { id } } }", {"shelf": {"best": {"id": "1"}}})
    assert (data, errors) == ({"shelf": {"best": {"id": "1"}}}, [])


def test_an_unknown_concrete_type_becomes_null_with_an_error() -> None:
    tree = {"shelf": {"best": {"__typename": "Secret", "id": "1"}}}
    data, errors = project("{ shelf { best { id } } }", tree)
    assert (data, errors) == ({"shelf": {"best": None}}, [("INVALID_VALUE", ("shelf", "best"))])


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (True, True, {"flag": True}),
        (True, False, {"flag": True, "shelf": {"name": "A"}}),
        (False, True, {}),
        (False, False, {"shelf": {}}),
    ],
)
def test_skip_and_include_are_read_from_the_variables(a: bool, b: bool, expected: dict[str, Any]) -> None:
    query = "query($a:Boolean!,$b:Boolean!){ flag @include(if:$a) shelf @skip(if:$b) { name @include(if:$a) } }"
    data, errors = project(query, {"flag": True, "shelf": {"name": "A"}}, {"a": a, "b": b})
    assert (data, errors) == (expected, [])


def test_a_null_climbs_to_the_nearest_nullable_parent() -> None:
    tree = {"shelves": [{"name": "A"}, {"name": None}], "flag": True}
    data, errors = project("{ flag shelves { name } }", tree)
    assert (data, errors) == ({"flag": True, "shelves": None}, [("NON_NULL_VIOLATION", ("shelves", 1, "name"))])


def test_a_null_that_reaches_the_root_empties_the_answer() -> None:
    data, errors = project("{ strict { name } }", {"strict": {}})
    assert (data, errors) == (None, [("NON_NULL_VIOLATION", ("strict", "name"))])


def test_a_null_that_an_error_explains_adds_no_second_error() -> None:
    known = (FieldError("down", "SUBGRAPH_UNAVAILABLE", ("shelf",)),)
    data, errors = project("{ shelf { name } flag }", {"shelf": {}, "flag": True}, known=known)
    assert (data, errors) == ({"shelf": None, "flag": True}, [])


def test_an_enum_value_outside_the_schema_becomes_null_with_an_error() -> None:
    data, errors = project("{ shelf { size sizes } }", {"shelf": {"size": "HUGE", "sizes": ["SMALL", {}]}})
    assert data == {"shelf": {"size": None, "sizes": None}}
    assert errors == [("INVALID_VALUE", ("shelf", "size")), ("INVALID_VALUE", ("shelf", "sizes", 1))]


def test_nested_lists_null_only_the_row_at_fault() -> None:
    rows = [[{"pages": 1}], None, [{"pages": None}]]
    data, errors = project("{ shelf { rows { pages } } }", {"shelf": {"rows": rows}})
    assert data == {"shelf": {"rows": [[{"pages": 1}], None, None]}}
    assert errors == [("NON_NULL_VIOLATION", ("shelf", "rows", 2, 0, "pages"))]


@pytest.mark.parametrize("value", [5, "text", {"a": 1}, [None], True])
def test_a_value_of_the_wrong_kind_never_passes_for_an_object_or_a_list(value: object) -> None:
    data, errors = project("{ shelf { media { id } } }", {"shelf": {"media": value}})
    assert (data, len(errors)) == ({"shelf": None}, 1)


@pytest.mark.parametrize("value", [None, 5, "text", [], True])
def test_what_is_no_object_never_passes_for_one_of_which_nothing_is_asked(value: object) -> None:
    data, errors = project("query($a: Boolean!) { strict { name @include(if: $a) } }", {"strict": value}, {"a": False})
    assert (data, len(errors)) == (None, 1)
    tree = {"shelf": {"media": [{"__typename": "Book"}], "rows": [[{}, value]]}}
    data, errors = project("query($a: Boolean!) { shelf { rows { pages @include(if: $a) } } }", tree, {"a": False})
    assert (data, len(errors)) == ({"shelf": {"rows": [None]}}, 1)


def test_a_number_where_text_was_promised_is_written_as_text() -> None:
    data, errors = project("{ shelf { name best { id } } }", {"shelf": {"name": 7, "best": {"id": 8}}})
    assert (data, errors) == ({"shelf": {"name": "7", "best": {"id": "8"}}}, [])
