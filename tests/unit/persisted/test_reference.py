"""The places where a request names its operation by an id."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import RequestRefused
from gateway.http.request import graphql_request
from gateway.persisted.policy import Reference

HASH = "a" * 64
PERSISTED = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}


def reference_of(parameters: dict[str, Any], path_id: str | None = None) -> Reference | None:
    return graphql_request(parameters, {}, "", read_only=True, path_id=path_id).reference


@pytest.mark.parametrize(
    ("parameters", "path_id", "found"),
    [
        ({"documentId": "abc"}, None, Reference("abc")),
        ({"documentId": f"sha256:{HASH}", "variables": {"a": 1}}, None, Reference(HASH)),
        ({"documentId": "sha256:abc"}, None, Reference("sha256:abc")),
        ({"documentId": "x-mine:1"}, None, Reference("x-mine:1")),
        ({"doc_id": "0" * 32}, None, Reference("0" * 32)),
        ({}, "abc", Reference("abc")),
        ({"variables": {}}, f"sha256:{HASH}", Reference(HASH)),
        ({"extensions": PERSISTED}, None, Reference(HASH, automatic=True)),
        ({"extensions": PERSISTED, "query": "{ a }"}, None, Reference(HASH, automatic=True)),
        ({"query": "{ a }", "extensions": {"tracing": True}}, None, None),
        ({"query": "{ a }", "documentId": None}, None, None),
        ({"query": "{ a }"}, None, None),
    ],
)
def test_an_id_is_found_wherever_clients_put_it(
    parameters: dict[str, Any], path_id: str | None, found: Reference | None
) -> None:
    assert reference_of(parameters, path_id) == found


@pytest.mark.parametrize(
    ("parameters", "path_id", "code"),
    [
        ({"documentId": "abc", "query": "{ a }"}, None, "CANNOT_SEND_PQ_ID_AND_BODY"),
        ({"documentId": "abc", "query": ""}, None, "CANNOT_SEND_PQ_ID_AND_BODY"),
        ({"doc_id": "abc", "query": "{ a }"}, None, "CANNOT_SEND_PQ_ID_AND_BODY"),
        ({"query": "{ a }"}, "abc", "CANNOT_SEND_PQ_ID_AND_BODY"),
        ({"documentId": "abc"}, "abc", "BAD_REQUEST"),
        ({"documentId": "abc", "doc_id": "abc"}, None, "BAD_REQUEST"),
        ({"documentId": "abc", "extensions": PERSISTED}, None, "BAD_REQUEST"),
        ({"documentId": 1}, None, "BAD_REQUEST"),
        ({"documentId": ""}, None, "BAD_REQUEST"),
        ({}, "", "BAD_REQUEST"),
        ({"documentId": "a" * 513}, None, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": 2, "sha256Hash": HASH}}}, None, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": {"version": 1}}}, None, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": HASH}}, None, "BAD_REQUEST"),
        ({"extensions": {}}, None, "BAD_REQUEST"),
        ({}, None, "BAD_REQUEST"),
    ],
)
def test_an_odd_id_or_more_than_one_is_refused(parameters: dict[str, Any], path_id: str | None, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        reference_of(parameters, path_id)
    assert refused.value.code == code
