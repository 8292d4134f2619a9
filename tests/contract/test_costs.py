"""What operations cost on the marketplace's own graph, under the limits that it is served with."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from graphql import GraphQLObjectType, parse, validate

from gateway.errors import RequestRefused
from gateway.security.cost import CostConfig
from gateway.security.cost_estimate import CostEstimator
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.costs import ListSize
from gateway.supergraph.sdl import parse_supergraph
from supergraph.composition import ROOM, SUPERGRAPH_FILE

SUPERGRAPH = parse_supergraph(SUPERGRAPH_FILE.read_text(encoding="utf-8"))
SCHEMA = build_api_schema(SUPERGRAPH)
LIMITS = CostConfig.model_validate(yaml.safe_load((ROOM / "gateway.yaml").read_text())["limits"]["cost"])

NESTED = """query($n: Int) { products(first: 100) { edges { node { title reviews(first: $n) {
    edges { node { rating body } } } } } } }"""


def estimate(text: str, variables: dict[str, Any] | None = None) -> int:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    cost = CostEstimator(SCHEMA, SUPERGRAPH.costs, LIMITS).estimate(document, None)
    assert cost is not None
    cost.check()
    return cost.admit(variables or {})


def test_every_page_tells_the_gateway_how_long_it_will_be() -> None:
    pages = {
        f"{name}.{field_name}": tuple((slicing,) for slicing in ("first", "last") if slicing in field.args)
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType)
        for field_name, field in type_.fields.items()
        if "first" in field.args
    }
    told = {key: SUPERGRAPH.costs.list_sizes.get(key) for key in pages}
    edges = frozenset({"edges"})
    assert told == {key: ListSize(20, slicing, edges, requires_one=False) for key, slicing in pages.items()}


def test_a_page_of_100_inside_of_each_item_of_a_page_of_100_is_refused() -> None:
    assert LIMITS.mode == "enforced"
    with pytest.raises(RequestRefused) as refused:
        estimate(NESTED, {"n": 100})
    assert refused.value.code == "COST_LIMIT_EXCEEDED"
    assert estimate(NESTED, {"n": 20}) == 1 + 100 * (1 + 1 + 1 + 20 * 2)


def test_a_longer_page_than_a_subgraph_gives_is_refused_before_it_is_asked() -> None:
    with pytest.raises(RequestRefused) as refused:
        estimate("{ products(first: 101) { totalCount } }")
    assert refused.value.code == "LIST_SIZE_LIMIT_EXCEEDED"


def test_a_whole_page_as_a_shop_shows_it_is_far_from_the_limit() -> None:
    page = """{ products(first: 100) { totalCount pageInfo { hasNextPage } edges { node {
        title seller { name } rating { average } priceRange { min { amount } max { amount } }
        variants { sku price { amount } } } } } }"""
    assert estimate(page) == 1 + 5 + 1 + 100 * (1 + 1 + 1 + 1 + 3 + 10 * 2)
    assert estimate('{ search(query: "lamp") { totalCount } }') == 50 + 5


def test_a_years_sales_day_by_day_are_asked_for_one_seller_at_a_time() -> None:
    rows = 'salesReport(from: "2026-01-01T00:00Z", to: "2027-01-01T00:00Z") { rows { start units net { amount } } }'
    assert estimate(f"{{ mySeller {{ {rows} }} }}") == 1 + 20 + 366 * (1 + 1)
    with pytest.raises(RequestRefused) as refused:
        estimate(f"{{ sellers(first: 20) {{ edges {{ node {{ {rows} }} }} }} }}")
    assert refused.value.code == "COST_LIMIT_EXCEEDED"
