"""What an operation is estimated to cost, exactly; and that an estimate is worked out once, the rest by variables."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import build_ast_schema, parse, validate

from gateway.errors import RequestRefused
from gateway.executor.variables import coerce_variables
from gateway.planner.normalize import normalize
from gateway.security.amounts import SATURATED
from gateway.security.cost import CostConfig, OperationCost
from gateway.security.cost_estimate import CostEstimator
from gateway.supergraph.costs import read_costs

DOCUMENT = parse("""
type Query {
  name: String
  dear: String @cost(weight: 5)
  me: User
  users(first: Int = 20, last: Int): [User] @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: false)
  strict(first: Int, last: Int): [User] @listSize(slicingArguments: ["first", "last"])
  few: [User] @listSize(assumedSize: 3)
  many: [User]
  grid: [[User]]
  page(at: PageInput): Users
    @listSize(slicingArguments: ["at.size"], sizedFields: ["edges"], assumedSize: 4)
  nodes: [Node] @listSize(assumedSize: 2)
  find(by: Filter @cost(weight: 2), kind: Kind): String
}
type Mutation { rename(name: String): User }
input PageInput { size: Int }
input Filter { text: String @cost(weight: 7) all: [Filter] plain: Plain }
input Plain { x: Int }
enum Kind @cost(weight: 11) { A }
type Users { edges: [Edge] total: Int }
type Edge { node: User }
interface Node { id: ID kin(first: Int): [Node] @listSize(slicingArguments: ["first"], assumedSize: 1) @cost(weight: 4) }
type User implements Node { id: ID name: String team: Team kin(first: Int): [Node] friends(first: Int): [User]
  @listSize(slicingArguments: ["first"], assumedSize: 10) }
type Team implements Node @cost(weight: 6) { id: ID kin(first: Int): [Node] members: [User] }
""")
SCHEMA = build_ast_schema(DOCUMENT, assume_valid_sdl=True)
COSTS = read_costs(DOCUMENT)


def cost_of(text: str, **config: Any) -> OperationCost:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    settings = CostConfig.model_validate({"mode": "enforced", **config})
    cost = CostEstimator(SCHEMA, COSTS, settings).estimate(normalize(SCHEMA, document, None))
    assert cost is not None
    return cost


def estimated(text: str, variables: dict[str, Any] | None = None) -> int:
    definitions = normalize(SCHEMA, parse(text), None).variables
    return cost_of(text, max=SATURATED, list_size=SATURATED).admit(
        coerce_variables(SCHEMA, definitions, variables or {})
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ __typename __schema { types { name } } }", 0),
        ("{ name }", 0),
        ("{ dear name }", 5),
        ("{ me { name } }", 1),
        ("mutation { rename { name } }", 11),
        # A list costs what its items cost.
        ("{ few { name } }", 3),
        ("{ many { name } }", 10),
        ("{ grid { name } }", 100),
        ("{ users { name } }", 20),
        ("{ users(first: 7) { name } }", 7),
        ("{ users(first: null, last: 4) { name } }", 4),
        ("{ users(first: 7, last: 9) { name } }", 9),
        ("{ users(first: -7) { name } }", 0),
        ("{ few { friends(first: 4) { name } } }", 3 + 3 * 4),
        # The size of a page is that of its edges.
        ("{ page { total } }", 1),
        ("{ page { edges { node { name } } } }", 1 + 4 * 2),
        ("{ page(at: {size: 30}) { edges { node { name } } } }", 1 + 30 * 2),
        # A type weighs what it says, a field over it, and an interface speaks for its types.
        ("{ me { team { id } } }", 1 + 6),
        ("{ me { kin { id } } }", 1 + 4),
        ("{ me { kin(first: 3) { id } } }", 1 + 3 * 4),
        # Of an abstract type the dearest object counts, not all of them.
        ("{ nodes { ... on User { team { id } } ... on Team { members { id } } } }", 2 * (1 + 10)),
        ("{ nodes { id ... on User { team { id } } ... on Team { id } } }", 2 * (1 + 6)),
        # What is asked for twice is fetched once.
        ("{ few { name } ...F ...F } fragment F on Query { few { name id } x: few { id } }", 6),
        # Arguments weigh what is really in them.
        ("{ find(kind: A) }", 11),
        ('{ find(by: {text: "a"}) }', 2 + 7),
        ('{ find(by: {all: [{text: "a"}, {text: "b"}], plain: {x: 1}}) }', 2 + 14),
        # What is switched off in the document is not there.
        ("{ dear @skip(if: true) few @include(if: false) { name } }", 0),
    ],
)
def test_an_operation_costs_exactly(text: str, expected: int) -> None:
    cost = cost_of(text, max=SATURATED)
    assert cost.amount == expected


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("query($n: Int) { users(first: $n) { name } }", {"n": 6}, 6),
        ("query($n: Int) { users(first: $n) { name } }", {}, 20),
        ("query($n: Int = 8) { users(first: $n) { name } }", {}, 8),
        ("query($n: Int) { users(first: $n) { friends(first: $n) { id } } }", {"n": 100}, 100 + 100 * 100),
        ("query($p: PageInput) { page(at: $p) { edges { node { id } } } }", {"p": {"size": 9}}, 1 + 9 * 2),
        ("query($n: Int) { page(at: {size: $n}) { edges { node { id } } } }", {"n": 9}, 1 + 9 * 2),
        ("query($on: Boolean!) { dear @include(if: $on) name }", {"on": True}, 5),
        ("query($on: Boolean!) { dear @include(if: $on) name }", {"on": False}, 0),
        ("query($on: Boolean!) { dear @skip(if: $on) name }", {"on": True}, 0),
        ("query($f: Filter) { find(by: $f) }", {"f": {"text": "x", "all": [{"text": "y"}]}}, 2 + 14),
        ("query($t: String) { find(by: {text: $t}) }", {"t": "x"}, 2 + 7),
    ],
)
def test_variables_decide_what_they_can(text: str, variables: dict[str, Any], expected: int) -> None:
    assert callable(cost_of(text).amount)
    assert estimated(text, variables) == expected


def refusal(cost: OperationCost, variables: dict[str, Any] | None = None) -> dict[str, Any] | None:
    try:
        cost.admit(variables or {})
    except RequestRefused as refused:
        (entry,) = refused.entries
        extensions = entry["extensions"]
        assert isinstance(extensions, dict)
        return extensions
    return None


def test_what_costs_too_much_is_refused_with_both_numbers_and_the_limit_itself_is_not() -> None:
    text = "{ users(first: 7) { friends(first: 10) { id } } }"
    assert refusal(cost_of(text, max=77)) is None
    assert refusal(cost_of(text, max=76)) == {"code": "COST_LIMIT_EXCEEDED", "estimated": 77, "max": 76}


def test_a_list_that_is_too_long_is_refused_however_cheap_it_is() -> None:
    cost = cost_of("query($n: Int) { users(first: $n) { id } }", list_size=100)
    assert refusal(cost, {"n": 100}) is None
    assert refusal(cost, {"n": 101}) == {"code": "LIST_SIZE_LIMIT_EXCEEDED", "size": 101, "max": 100}


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("{ strict { id } }", 0),
        ("{ strict(first: null) { id } }", 0),
        ("{ strict(first: 1, last: 1) { id } }", 2),
        ("{ strict(first: 1) { id } }", None),
    ],
)
def test_a_field_that_needs_one_length_is_given_one(text: str, given: int | None) -> None:
    expected = None if given is None else {"code": "SLICING_ARGUMENT_REQUIRED", "given": given}
    assert refusal(cost_of(text)) == expected


def test_what_is_only_measured_is_never_refused_and_off_costs_nothing() -> None:
    cost = cost_of("{ strict { friends(first: 5000) { id } } }", mode="measured", max=1, list_size=1)
    assert cost.admit({}) == 10 * (1 + 5000)
    operation = normalize(SCHEMA, parse("{ name }"), None)
    assert CostEstimator(SCHEMA, COSTS, CostConfig(mode="off")).estimate(operation) is None


def test_an_estimate_grows_no_further_than_it_can_be_told() -> None:
    nested = "friends(first: 1000000) { " * 20 + "id" + " }" * 20
    assert estimated(f"{{ me {{ {nested} }} }}") == SATURATED


def test_doubling_fragments_are_estimated_once_each() -> None:
    fragments = [f"fragment F{n} on User {{ ...F{n + 1} ...F{n + 1} }}" for n in range(20)]
    text = "{ me { ...F0 } } " + " ".join(fragments) + " fragment F20 on User { friends { id } }"
    assert cost_of(text).amount == 1 + 10
