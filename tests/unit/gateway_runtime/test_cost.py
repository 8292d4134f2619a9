"""What an operation is estimated to cost, exactly; and that an estimate is worked out once, the rest by variables."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_ast_schema, parse, validate

from gateway.errors import RequestRefused
from gateway.executor.variables import coerce_variables
from gateway.security.amounts import SATURATED, Reading, Varying
from gateway.security.cost import CostConfig, OperationCost
from gateway.security.cost_estimate import CostEstimator
from gateway.security.field_costs import FieldCost, FieldCosts
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
union Thing = User | Team
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
    return unvalidated(text, **config)


def unvalidated(text: str, **config: Any) -> OperationCost:
    settings = CostConfig.model_validate({"mode": "enforced", **config})
    cost = CostEstimator(SCHEMA, COSTS, settings).estimate(parse(text), None)
    assert cost is not None
    return cost


def estimated(text: str, variables: dict[str, Any] | None = None) -> int:
    operation = parse(text).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    definitions = tuple(operation.variable_definitions or ())
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
        # A fragment spread again at the same place adds nothing; a field written again counts again, as for every limit.
        ("{ few { name } ...F ...F } fragment F on Query { few { name id } x: few { id } }", 3 + 6),
        # A fragment costs by the type it is applied on: of its parts for other types nothing.
        ("{ me { ...F } } fragment F on Node { kin { id } ... on Team { members { id } } }", 1 + 4),
        ("{ nodes { ...F } } fragment F on Node { kin { id } ... on Team { members { id } } }", 2 * (1 + 4 + 10)),
        # The size of a page is that of its edges, also where a fragment asks for them.
        ("{ page(at: {size: 30}) { ...P } } fragment P on Users { edges { node { name } } }", 1 + 30 * 2),
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
    assert cost.admit({}) == expected


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
    assert isinstance(cost_of(text).amount, Varying)
    assert estimated(text, variables) == expected


def refusal(cost: OperationCost, variables: dict[str, Any] | None = None) -> dict[str, Any] | None:
    try:
        cost.check()
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
    cost.check()
    assert CostEstimator(SCHEMA, COSTS, CostConfig(mode="off")).estimate(parse("{ name }"), None) is None


def test_an_estimate_grows_no_further_than_it_can_be_told() -> None:
    nested = "friends(first: 1000000) { " * 20 + "id" + " }" * 20
    assert estimated(f"{{ me {{ {nested} }} }}") == SATURATED


BRANCHING = (
    "query($n: Int) { me { ...F0 } } "
    + " ".join(
        f"fragment F{level} on User {{ a: friends(first: 1) {{ ...F{level + 1} }} b: friends(first: 1) {{ ...F{level + 1} }} }}"
        for level in range(10)
    )
    + " fragment F10 on User { friends(first: $n) { id } }"
)
"""The last fragment stands in it 2 ** 10 times."""


def test_a_fragment_is_worked_out_once_for_each_type_that_it_is_applied_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    plain = FieldCosts.find

    def find(self: FieldCosts, type_name: str, name: str) -> FieldCost | None:
        seen[f"{type_name}.{name}"] += 1
        return plain(self, type_name, name)

    monkeypatch.setattr(FieldCosts, "find", find)
    unvalidated("{ me { ...F0 } } " + BRANCHING.partition("} } ")[2])
    assert seen == {"Query.me": 1, "User.friends": 2 * 10 + 1, "User.id": 1}
    seen.clear()
    unvalidated("{ nodes { ...A } me { ...A ...B } } fragment A on Node { kin { ...B } } fragment B on Node { id }")
    assert seen == {"Query.nodes": 1, "Query.me": 1, "Node.kin": 1, "User.kin": 1, "Node.id": 1, "User.id": 1}


@pytest.fixture
def shared_readings(monkeypatch: pytest.MonkeyPatch) -> list[Varying]:
    """What was read of amounts that stand at several places, in order."""
    read: list[Varying] = []
    plain = Reading.once

    def once(self: Reading, amount: Varying) -> int:
        read.append(amount)
        return plain(self, amount)

    monkeypatch.setattr(Reading, "once", once)
    return read


def test_what_fragments_share_is_read_once_a_request_also_where_variables_decide_it(
    shared_readings: list[Varying],
) -> None:
    cost = cost_of(BRANCHING, max=SATURATED, list_size=SATURATED)
    assert cost.admit({"n": 3}) == 1 + sum(2**level for level in range(1, 11)) + 2**10 * 3
    # Each of the 11 fragments and 22 other selections is worked out once, and a fragment asked for by each of its spreads.
    assert len(set(shared_readings)) == 11 + 22
    assert len(shared_readings) == 22 + 1 + 2 * 10


def test_the_types_of_abstract_places_inside_of_one_another_are_read_once_each(shared_readings: list[Varying]) -> None:
    levels = 12
    opened = "... on User { name } ... on Team { members { id } } ... on Thing { ... on Node { kin(first: $n) { "
    cost = cost_of("query($n: Int) { nodes { " + opened * levels + "id" + " } } }" * levels + " } }", max=SATURATED)
    cost.admit({"n": 1})
    # On every level both types ask what a thing costs, the thing what its node does, and that what is below it.
    assert len(shared_readings) == 1 + 4 * levels


def test_what_is_too_much_whatever_the_variables_are_is_refused_before_they_are_known() -> None:
    text = "query($n: Int) { users(first: $n) { id } few { friends(first: 10) { id } } }"
    cost = cost_of(text, max=32)
    assert isinstance(cost.amount, Varying)
    with pytest.raises(RequestRefused) as refused:
        cost.check()
    assert refused.value.code == "COST_LIMIT_EXCEEDED"
    assert refusal(cost_of(text, max=33), {"n": 0}) is None
    assert refusal(cost_of(text, max=33), {"n": 1}) == {"code": "COST_LIMIT_EXCEEDED", "estimated": 34, "max": 33}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ nobody { knows } dear }", 5),
        ("{ me { nobody { team { id } } } }", 1),
        ("{ me { ...Nobody team { id } } }", 1 + 6),
        ("{ me { ... on Nobody { team { id } } ... on Kind { team { id } } ... on PageInput { team } } }", 1),
        ("{ name { dear } dear { dear } }", 5),
        ("{ users(first: 1.5e400, nobody: 3, last: $undeclared) { id } }", None),
        ("{ users(first: " + "9" * 5000 + ") { id } }", 10),
        ('{ users(first: "many") { id } find(by: 3, kind: [A]) }', 10 + 2 + 11),
        ("{ dear @include dear @skip(if: 3) dear @include(unless: $x, if: false) }", 10),
        ("{ me { ...F } } fragment F on User { team { id } ...F }", 1 + 6),
        ("subscription { dear }", None),
    ],
)
def test_what_validation_would_refuse_costs_what_the_schema_knows_of_it(text: str, expected: int | None) -> None:
    document = parse(text)
    assert validate(SCHEMA, document) != []
    cost = CostEstimator(SCHEMA, COSTS, CostConfig(mode="enforced")).estimate(document, None)
    if text.startswith("subscription"):
        assert cost is None
    else:
        assert cost is not None
        assert cost.amount == expected if expected is not None else isinstance(cost.amount, Varying)


def test_only_the_operation_that_is_asked_for_counts() -> None:
    estimator = CostEstimator(SCHEMA, COSTS, CostConfig(mode="enforced"))
    document = parse("query A { dear } query B { me { id } }")
    named = {name: estimator.estimate(document, name) for name in ("A", "B", "C", None)}
    assert {name: cost and cost.amount for name, cost in named.items()} == {"A": 5, "B": 1, "C": None, None: None}
