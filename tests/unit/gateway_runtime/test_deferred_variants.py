"""What of `@defer` is prepared before anybody asks: for a listed operation all that up to four variables may change."""

from __future__ import annotations

import orjson
import pytest

from gateway.persisted.manifest import read_manifest
from gateway.pipeline.deferred import Variant
from gateway.pipeline.keys import PreparationKey, VariantKey
from gateway.pipeline.known import KnownOperations
from gateway.pipeline.prepare import Preparation
from gateway.planner.plan import QueryPlan
from gateway.planner.planner import Planner
from gateway.security.access_rules import AccessRules
from gateway.security.authorization import Authorization
from gateway.security.introspection import IntrospectionConfig
from gateway.security.limits import LimitsConfig
from gateway.supergraph.api_schema import build_api_schema, with_defer
from gateway.supergraph.sdl import parse_supergraph
from tests.conformance.federation import FIXTURES


@pytest.fixture(scope="module")
def preparation() -> Preparation:
    supergraph = parse_supergraph((FIXTURES / "simple_key" / "supergraph.graphql").read_text(encoding="utf-8"))
    schema = with_defer(build_api_schema(supergraph))
    authorization = Authorization(AccessRules(supergraph), schema)
    limits = LimitsConfig()
    return Preparation(schema, Planner(supergraph), authorization, limits, IntrospectionConfig(), incremental=True)


def operation(variables: str) -> str:
    """Deferred fragments, one for each letter."""
    declared = ", ".join(f"${name}: Boolean!" for name in variables)
    fragments = " ".join(f"... @defer(if: ${name}) {{ {name}: stars }}" for name in variables)
    return f"query({declared}) {{ books {{ title {fragments} }} }}"


@pytest.mark.parametrize(
    ("variables", "adhoc", "listed"), [("ab", 4, 4), ("abc", 0, 8), ("abcd", 0, 16), ("abcde", 0, 0)]
)
def test_the_more_is_known_of_an_operation_the_more_is_prepared_ahead(
    preparation: Preparation, variables: str, adhoc: int, listed: int
) -> None:
    key = PreparationKey(operation(variables), None, frozenset())
    known = KnownOperations(preparation, [frozenset()])
    (entry,) = read_manifest("shop", orjson.dumps({"Books": key.text})).operations
    known.add(entry)
    ahead = [preparation.prepare(key).deferred, known.prepared[key].deferred]
    assert [len(each.prepared or ()) for each in ahead if each is not None] == [adhoc, listed]
    # And where nothing is put off, nothing is what is prepared
    if ahead[1] is not None and ahead[1].prepared is not None:
        assert [active for active, variant in ahead[1].prepared.items() if variant.operation is None] == [frozenset()]


def test_a_variant_made_later_is_the_one_that_is_made_ahead(preparation: Preparation) -> None:
    key = PreparationKey(operation("ab"), None, frozenset())
    ahead = preparation.prepare(key).deferred
    assert ahead is not None
    assert ahead.prepared is not None
    for active, variant in ahead.prepared.items():
        later = preparation.prepare_variant(VariantKey(key, active))
        assert _plan_of(later) == _plan_of(variant)


def _plan_of(variant: Variant) -> QueryPlan | None:
    return variant.operation.plan if variant.operation is not None else None
