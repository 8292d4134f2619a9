"""A subgraph's operations are counted by root field: a closed set, whatever the documents hold."""

from __future__ import annotations

import pytest
from graphql import build_schema
from prometheus_client import REGISTRY

from shared.graphql.meters import OperationMeters

SCHEMA = build_schema(
    "type Query { products: [ID] product(id: ID): ID } type Mutation { create(title: String): ID } "
    "type Subscription { changed: ID }"
)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("{products}", "products"),
        ("query($a:ID){product(id:$a)}", "product"),
        ("query Named { mine: product(id: 1) other: products }", "product"),
        ('mutation{create(title:"{ products")}', "create"),
        ("subscription { changed }", "changed"),
        ("{ __typename }", "other"),
        ("{ nonsense }", "other"),
        ("query($a: I = {x: 1}) { products }", "other"),
        ("not GraphQL", "other"),
        (7, "other"),
        (None, "other"),
    ],
)
def test_an_operation_is_counted_under_its_first_root_field(document: object, field: str) -> None:
    labels = {"domain": "meters", "field": field, "outcome": "ok"}
    before = REGISTRY.get_sample_value("graphql_operations_total", labels) or 0.0

    OperationMeters("meters", SCHEMA).of(document).ok.inc()

    assert REGISTRY.get_sample_value("graphql_operations_total", labels) == before + 1


def test_however_many_names_documents_make_up_there_is_one_series_for_them() -> None:
    meters = OperationMeters("many", SCHEMA)

    for number in range(1000):
        meters.of(f"{{ field{number} }}").ok.inc()

    assert (
        REGISTRY.get_sample_value("graphql_operations_total", {"domain": "many", "field": "other", "outcome": "ok"})
        == 1000
    )
    assert (
        REGISTRY.get_sample_value("graphql_operations_total", {"domain": "many", "field": "field7", "outcome": "ok"})
        is None
    )
