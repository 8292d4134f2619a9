"""Who sees the schema, and what an error gives away of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, sdl, serve
from tests.conformance.subgraph import Subgraph

SCHEMA = "{ __schema { queryType { name } } }"
ANSWER = {"data": {"__schema": {"queryType": {"name": "Query"}}}}


@asynccontextmanager
async def graph(**introspection: Any) -> AsyncIterator[Federation]:
    async with serve(key_server) as keys:
        settings = {"introspection": introspection, "authentication": authentication(keys)}
        async with federation("costs", {"people": Subgraph(sdl("costs", "people"))}, settings) as served:
            yield served


def bearer(**claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {access_token(**claims)}"}


@pytest.mark.parametrize(
    "query",
    [SCHEMA, '{ __type(name: "Query") { name } }', "{ ...F } fragment F on Query { x: __schema { types { name } } }"],
)
async def test_only_the_named_roles_see_the_schema_whoever_asked_before(query: str) -> None:
    async with graph(roles=["admin", "developer"]) as served:
        allowed = await served.ask(query, headers=bearer(roles=["customer", "developer"]))
        assert "errors" not in allowed
        for headers in ({}, bearer(roles=["customer"]), bearer(roles="admins"), bearer(roles=None), bearer(roles=[7])):
            refused = await served.ask(query, headers=headers)
            assert refused["errors"][0]["extensions"] == {"code": "INTROSPECTION_FORBIDDEN"}
            assert "data" not in refused
        assert await served.ask("{ __typename }") == {"data": {"__typename": "Query"}}


async def test_without_roles_everybody_sees_it_and_one_switch_hides_it_from_all() -> None:
    async with graph() as served:
        assert await served.ask(SCHEMA) == ANSWER
    async with graph(enabled=False, roles=["admin"]) as served:
        refused = await served.ask(SCHEMA, headers=bearer(roles=["admin"]))
        assert refused["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


@pytest.mark.parametrize(
    "query",
    ["{ user { id } }", "{ users { ident } }", "{ users(fist: 1) { id } }", "{ users { ... on Usr { id } } }"],
)
async def test_no_error_names_what_was_not_asked_for(query: str) -> None:
    async with graph() as served:
        refused = await served.ask(query)
        assert refused["errors"][0]["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
        assert "Did you mean" not in str(refused)
    async with graph(suggestions=True) as served:
        assert "Did you mean" in str(await served.ask(query))
