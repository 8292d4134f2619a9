"""How subscriptions end that neither client nor subgraph wants to end, and what the client hears of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES
from tests.conformance.subscriptions.market import PRICES, Market, changed, market, socket
from tests.conformance.subscriptions.streams import COMPLETE, MULTIPART, SSE, next_event, part, post

OLD = (FIXTURES / "subscriptions" / "supergraph.graphql").read_text(encoding="utf-8")
NEW = OLD.replace("  lastPrice: Int!\n", "  lastPrice: Int\n")

LOST = "The source of the events was lost. Subscribe again, and read again what was missed."
SLOW = "Events came faster than they were taken. Subscribe again, and read again what was missed."
CHANGED = "The schema has changed. Subscribe again, and read again what events may have been missed."


def ended(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def dropped() -> float:
    """How many subscriptions of slow clients were ended so far."""
    return REGISTRY.get_sample_value("gateway_subscriptions_ended_total", {"code": "SLOW_CONSUMER"}) or 0.0


async def test_a_lost_source_is_one_coded_error_and_the_completion() -> None:
    async with market() as shop, socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        async with post(shop, PRICES, SSE) as sse, post(shop, PRICES, MULTIPART) as multipart:
            await sse.expect(":\n\n")
            await multipart.expect("\r\n--graphql")
            await shop.prices.until(1)
            shop.change(1)
            shop.prices.publish(RuntimeError("the subgraph is killed"))
            lost = ended(LOST, "SUBGRAPH_UNAVAILABLE")
            assert await ws.hear() == {"id": "a", "type": "next", "payload": changed(1)}
            assert await ws.hear() == {"id": "a", "type": "next", "payload": lost}
            assert await ws.hear() == {"id": "a", "type": "complete"}
            await sse.expect(next_event(changed(1)) + next_event(lost) + COMPLETE)
            await multipart.expect(part({"payload": changed(1)}) + part({"payload": None, **lost}) + "--\r\n")
        # and who subscribes again gets an upstream of its own
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)


async def test_a_silent_source_is_taken_for_lost() -> None:
    async with market({"subscriptions": {"upstream": {"silence_timeout": 0.1}}}) as shop, socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        lost = ended(LOST, "SUBGRAPH_UNAVAILABLE")
        assert await ws.hear() == {"id": "a", "type": "next", "payload": lost}
        await shop.prices.until(0)


async def test_an_event_past_its_bound_ends_the_subscription() -> None:
    async with market({"subscriptions": {"upstream": {"event_bytes": 1024}}}) as shop, socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        shop.change(1, product="x" * 2000)
        lost = ended(LOST, "SUBGRAPH_UNAVAILABLE")
        assert await ws.hear() == {"id": "a", "type": "next", "payload": lost}
        await shop.prices.until(0)


async def test_what_the_subgraph_answers_instead_of_a_stream_is_the_only_response() -> None:
    async with market() as shop, socket(shop) as ws:
        await ws.subscribe("a", "subscription { myPriceAlert { price } lastPrice }")
        assert (await ws.hear())["type"] == "error"
        shop.graph.subgraphs["prices"].refuses_streams = True
        await ws.subscribe("b", PRICES)
        refused = await ws.hear()
        assert refused["payload"]["data"] == {"priceChanged": None}
        assert [error["extensions"]["code"] for error in refused["payload"]["errors"]] == ["TOO_MANY_STREAMS"]
        assert await ws.hear() == {"id": "b", "type": "complete"}


async def test_a_slow_client_is_dropped_with_a_code_and_holds_nobody_up() -> None:
    # given a client that reads nothing, and products that are long to tell, so that no socket buffers hold what waits
    settings, before = {"subscriptions": {"queue": 2, "patience": 0.05, "send_timeout": 20}}, dropped()
    async with market(settings) as shop, socket(shop) as slow, socket(shop) as quick:
        query = "subscription { priceChanged(id: 1) { price product { id } } }"
        await slow.subscribe("s", query)
        await quick.subscribe("q", query)
        await shop.prices.until(1)
        slow.connection.transport.pause_reading()

        # when more is published than may wait for it
        for price in range(150):
            shop.change(price, product="x" * 100_000)
            assert (await quick.hear())["payload"]["data"]["priceChanged"]["price"] == price

        # then it hears, once it reads, what was under way and why nothing follows; the other one missed nothing
        slow.connection.transport.resume_reading()
        prices: list[int] = []
        while "errors" not in (message := await slow.hear())["payload"]:
            prices.append(message["payload"]["data"]["priceChanged"]["price"])
        assert message["payload"] == ended(SLOW, "SLOW_CONSUMER")
        assert await slow.hear() == {"id": "s", "type": "complete"}
        assert prices == list(range(len(prices)))
        assert len(prices) < 150
        assert shop.prices.opened == 1
        assert dropped() == before + 1


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    settings = {"subscriptions": {"queue": 2, "patience": 0.05, "send_timeout": 0.2}}
    async with market(settings) as shop, socket(shop) as slow:
        await slow.subscribe("s", "subscription { priceChanged(id: 1) { price product { id } } }")
        await shop.prices.until(1)
        slow.connection.transport.pause_reading()
        for price in range(150):
            shop.change(price, product="x" * 100_000)
            await asyncio.sleep(0)
        await shop.prices.until(0)
        await gone(shop, "websocket")
        slow.connection.transport.abort()


@pytest.mark.parametrize(("transport", "accepted"), [("sse", SSE), ("multipart", MULTIPART)])
async def test_a_stream_that_nobody_reads_is_cut_off(transport: str, accepted: dict[str, str]) -> None:
    settings = {"subscriptions": {"queue": 2, "patience": 0.05, "send_timeout": 0.2}}
    query = "subscription { priceChanged(id: 1) { price product { id } } }"
    async with market(settings) as shop, post(shop, query, accepted) as stream:
        assert stream.answer.status_code == 200
        await shop.prices.until(1)
        for price in range(150):
            shop.change(price, product="x" * 100_000)
            await asyncio.sleep(0)
        await shop.prices.until(0)
        await gone(shop, transport)


async def gone(shop: Market, transport: str) -> None:
    line = f'\ngateway_stream_connections{{transport="{transport}"}} 0.0\n'
    for _ in range(1000):
        if line in (await shop.graph.client.get("/metrics")).text:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the connection stayed")


async def test_a_new_supergraph_ends_subscriptions_so_that_clients_come_back(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text(OLD)
    settings = {"watch": {"interval": 0.01}}
    async with market(settings, file=SupergraphFile(path)) as shop, socket(shop) as ws, socket(shop) as idle:
        await ws.subscribe("a", PRICES)
        async with post(shop, PRICES, SSE) as sse, post(shop, PRICES, MULTIPART) as multipart:
            await sse.expect(":\n\n")
            await multipart.expect("\r\n--graphql")
            await shop.prices.until(1)
            path.write_text(NEW)
            restarted = ended(CHANGED, "SUPERGRAPH_CHANGED")
            assert await ws.closed() == (1012, "SUPERGRAPH_CHANGED")
            await sse.expect(next_event(restarted))
            await sse.ends()
            await multipart.expect(part({"payload": None, **restarted}) + "--\r\n")
        await shop.prices.until(0)
        # then a connection without subscriptions stays, and sees the new graph
        await idle.subscribe("a", PRICES)
        await shop.prices.until(1)
        shop.change(7)
        assert await idle.hear() == {"id": "a", "type": "next", "payload": changed(7)}


async def test_a_mutation_under_way_gets_its_answer_before_its_connection_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text(OLD)
    started, release = asyncio.Event(), asyncio.Event()

    async def set_price(_root: object, _info: object, **named: Any) -> dict[str, Any]:
        started.set()
        await release.wait()
        return {"price": named["price"], "product": {"id": named["id"]}}

    settings = {"watch": {"interval": 0.01}}
    async with market(settings, file=SupergraphFile(path), set_price=set_price) as shop, socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        await ws.subscribe("m", "mutation { setPrice(id: 1, price: 3) { price } }")
        await started.wait()
        path.write_text(NEW)
        await shop.prices.until(0)
        release.set()
        assert await ws.hear() == {"id": "m", "type": "next", "payload": {"data": {"setPrice": {"price": 3}}}}
        assert await ws.hear() == {"id": "m", "type": "complete"}
        assert await ws.closed() == (1012, "SUPERGRAPH_CHANGED")
