from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from gateway.errors import PlanError
from gateway.planner.normalize import MAX_SELECTIONS, normalize
from gateway.planner.operation import FieldSelection, Operation
from gateway.planner.plan import Condition

SCHEMA = build_schema("""
type Query { node: Node me: User things: [Thing] }
interface Node { id: ID! self: Node }
type User implements Node { id: ID! self: User name(short: Boolean): String }
type Team implements Node { id: ID! self: Team! name: String }
union Thing = User | Team | Rock
type Rock { weight: Int }
""")

BOTH = frozenset({"User", "Team"})
USER = frozenset({"User"})
TEAM = frozenset({"Team"})


def normal(query: str, name: str | None = None) -> Operation:
    document = parse(query)
    assert validate(SCHEMA, document) == []
    return normalize(SCHEMA, document, name)


def below(query: str) -> tuple[FieldSelection, ...]:
    """The selections under the first root field."""
    selections = normal(query).selections[0].selections
    assert selections is not None
    return selections


def shown(selections: tuple[FieldSelection, ...]) -> list[tuple[str, list[str]]]:
    return [(selection.response_key, sorted(selection.types)) for selection in selections]


def test_fragments_are_inlined_and_equal_fields_merged_in_the_order_of_first_sight() -> None:
    fields = below("{ me { name ...F id } } fragment F on User { id name self { id } }")

    assert [field.response_key for field in fields] == ["name", "id", "self"]


def test_each_type_keeps_its_own_order() -> None:
    # When one type selects x before y and another y before x
    fields = below("{ node { ... on User { x: id y: id } ... on Team { y: id x: id } } }")

    # Then there are separate selections in an order that is right for both
    assert shown(fields) == [("x", ["User"]), ("y", ["User"]), ("y", ["Team"]), ("x", ["Team"])]


def test_a_leaf_that_all_types_share_swallows_the_same_leaf_on_one() -> None:
    assert shown(below("{ node { id ... on User { id } } }")) == [("id", ["Team", "User"])]


def test_a_composite_field_is_split_where_one_type_selects_more_of_it() -> None:
    schema = build_schema("""
    type Query { node: Node }
    interface Node { id: ID! peer: Node }
    type User implements Node { id: ID! peer: Node }
    type Team implements Node { id: ID! peer: Node }
    """)
    operation = normalize(schema, parse("{ node { peer { id } ... on User { peer { __typename } } } }"), None)
    fields = operation.selections[0].selections
    assert fields is not None

    assert [(sorted(field.types), [below.name for below in field.selections or ()]) for field in fields] == [
        (["User"], ["id", "__typename"]),
        (["Team"], ["id"]),
    ]


def test_a_covariant_field_yields_one_selection_for_each_of_its_types() -> None:
    fields = below("{ node { self { id } } }")

    assert [(str(field.type), field.types) for field in fields] == [("Team!", TEAM), ("User", USER)]


def test_a_fragment_on_an_impossible_type_vanishes() -> None:
    assert below("{ things { ... on Node { ... on User { id } ... on Team { id } } } }")[0].types == USER
    assert shown(below("{ things { ... on Rock { weight } } }")) == [("weight", ["Rock"])]


def test_constant_conditions_are_resolved() -> None:
    fields = below("{ me { id @skip(if: true) name @include(if: true) self @include(if: false) { id } } }")

    assert [(field.name, field.condition) for field in fields] == [("name", Condition())]


def test_an_object_of_which_nothing_is_left_stays() -> None:
    assert below("{ me { self { id @skip(if: true) } } }")[0].selections == ()


def test_conditions_of_fragments_reach_their_fields() -> None:
    fields = below("query($a: Boolean!, $b: Boolean!) { me { ... @include(if: $a) { id @skip(if: $b) } } }")

    assert fields[0].condition == Condition(include=frozenset({"a"}), skip=frozenset({"b"}))


def test_what_holds_above_is_not_asked_again_and_what_contradicts_it_is_dropped() -> None:
    fields = below("query($a: Boolean!) { me @include(if: $a) { id @include(if: $a) name @skip(if: $a) } }")

    assert [(field.name, field.condition) for field in fields] == [("id", Condition())]


def test_a_later_selection_takes_only_what_an_earlier_condition_left() -> None:
    # When a key is selected under a condition first, and then again without
    fields = below("query($a: Boolean!) { me { name @include(if: $a) id name } }")

    # Then it stands first where the condition holds and last where it does not
    assert [(field.name, field.condition) for field in fields] == [
        ("name", Condition(include=frozenset({"a"}))),
        ("id", Condition()),
        ("name", Condition(skip=frozenset({"a"}))),
    ]


def test_a_conditional_repetition_adds_its_own_fields_alone() -> None:
    # When an object is selected again under a condition
    fields = below("query($a: Boolean!) { me { self { id } self @include(if: $a) { id name } } }")

    # Then it stays one selection, with the condition on what the second adds
    inner = fields[0].selections
    assert len(fields) == 1
    assert inner is not None
    assert [(field.name, field.condition) for field in inner] == [
        ("id", Condition()),
        ("name", Condition(include=frozenset({"a"}))),
    ]


def test_introspection_stays_in_its_place() -> None:
    selections = normal("{ __typename me { id } __schema { queryType { name } } }").selections

    assert [(field.name, field.is_introspection) for field in selections] == [
        ("__typename", True),
        ("me", False),
        ("__schema", True),
    ]


def test_the_operation_is_chosen_by_name() -> None:
    text = "query A { me { id } } query B { me { name } }"

    assert normal(text, "B").name == "B"
    for name in (None, "C"):
        with pytest.raises(PlanError) as refusal:
            normal(text, name)
        assert refusal.value.code == "OPERATION_NOT_FOUND"


def test_fragments_that_double_side_by_side_cost_no_more_than_one() -> None:
    doubling = "".join(f"fragment F{i} on User {{ ...F{i + 1} ...F{i + 1} }} " for i in range(30))

    fields = normal("{ me { ...F0 } } " + doubling + "fragment F30 on User { id }").selections

    assert [field.name for field in fields[0].selections or ()] == ["id"]


def test_an_operation_that_doubles_with_every_level_is_refused() -> None:
    doubling = "".join(
        f"fragment F{i} on User {{ x: self {{ ...F{i + 1} }} y: self {{ ...F{i + 1} }} }} " for i in range(30)
    )

    with pytest.raises(PlanError) as refusal:
        normal("{ me { ...F0 } } " + doubling + "fragment F30 on User { id }")

    assert refusal.value.message == f"The operation grows past {MAX_SELECTIONS} selections."
