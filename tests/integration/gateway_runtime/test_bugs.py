"""A secret in the text of an unexpected exception never reaches a client, wherever in the gateway it is raised, by any route."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.executor.executor import Executor
from gateway.executor.projection import Projection
from gateway.pipeline.identify import Identification
from gateway.pipeline.prepare import Preparation
from tests.conformance.subscriptions.market import Market, market, socket

CANARY = "canary-91c2d7"
QUERY = "query($id: ID!) {{ product(id: $id) {{ title {place}: title }} }}"
PLACES: dict[str, tuple[type, str]] = {
    "identify": (Identification, "recognise"),
    "prepare": (Preparation, "prepare"),
    "execute": (Executor, "execute"),
    "project": (Projection, "project"),
}
BUG = [{"message": "Something went wrong.", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}]


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Market]:
    async with market({"http": {"batch_operations": 2}}) as shop:
        yield shop


@pytest.mark.parametrize("place", PLACES)
async def test_a_bug_says_nothing_of_itself_by_any_route(
    shop: Market, place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    owner, name = PLACES[place]

    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError(CANARY)

    # An operation of its own, so that it is not prepared already.
    query, variables = QUERY.format(place=place), {"id": "2"}
    sent = {"query": query, "variables": variables}
    async with socket(shop) as ws:
        monkeypatch.setattr(owner, name, broken)
        client = shop.graph.client
        with caplog.at_level(logging.ERROR):
            by_post = await client.post("/graphql", json=sent)
            by_get = await client.get("/graphql", params={"query": query, "variables": json.dumps(variables)})
            in_a_batch = await client.post("/graphql", json=[sent, sent])
            streamed = await client.post("/graphql", json=sent, headers={"accept": "text/event-stream"})
            await ws.subscribe("a", query, variables=variables)
            over_a_socket = await ws.hear()
    assert [by_post.json()["errors"], by_get.json()["errors"], over_a_socket["payload"]] == [BUG] * 3
    assert [answer["errors"] for answer in in_a_batch.json()] == [BUG] * 2
    assert [answer.status_code for answer in (by_post, by_get, in_a_batch)] == [500, 500, 200]
    assert CANARY not in str([by_post.headers, by_get.headers, in_a_batch.headers])
    everything = "".join((by_post.text, by_get.text, in_a_batch.text, streamed.text, json.dumps(over_a_socket)))
    assert CANARY not in everything
    assert "Traceback" not in everything
    # Whoever has to mend it finds it in the log.
    assert CANARY in caplog.text
