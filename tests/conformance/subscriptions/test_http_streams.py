"""Subscriptions over HTTP: server-sent events in both modes of graphql-sse, and multipart as Apollo's clients read it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from tests.conformance.subgraph import END
from tests.conformance.subscriptions.market import PRICES, Market, changed, market
from tests.conformance.subscriptions.streams import COMPLETE, MULTIPART, SSE, listen, next_event, part, post

URQL = {"accept": "application/graphql-response+json, application/json, text/event-stream, multipart/mixed"}
LAMP = {"data": {"product": {"title": "Lamp"}}}


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Market]:
    async with market() as shop:
        yield shop


async def test_an_event_stream_ends_with_its_source(shop: Market) -> None:
    async with post(shop, PRICES, SSE) as stream:
        assert stream.answer.status_code == 200
        assert stream.answer.headers["content-type"] == "text/event-stream"
        assert stream.answer.headers["cache-control"] == "no-store"
        await stream.expect(":\n\n")
        await shop.prices.until(1)
        shop.change(11)
        await stream.expect(next_event(changed(11)))
        shop.prices.publish(END)
        await stream.expect(COMPLETE)
        await stream.ends()


async def test_a_client_that_goes_away_ends_the_upstream(shop: Market) -> None:
    async with post(shop, PRICES, SSE) as stream:
        await stream.expect(":\n\n")
        await shop.prices.until(1)
    await shop.prices.until(0)


async def test_an_event_stream_may_be_asked_for_by_get_and_mutations_may_not(shop: Market) -> None:
    async with shop.graph.client.stream("GET", f"/graphql?{urlencode({'query': PRICES})}", headers=SSE) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        await shop.prices.until(1)
    mutation = urlencode({"query": "mutation { setPrice(id: 1, price: 2) { price } }"})
    answer = await shop.graph.client.get(f"/graphql?{mutation}", headers=SSE)
    assert answer.status_code == 405
    await shop.prices.until(0)


async def test_one_answer_is_json_where_that_is_accepted_too(shop: Market) -> None:
    answer = await shop.graph.client.post("/graphql", json={"query": "{ product(id: 1) { title } }"}, headers=URQL)
    assert (answer.headers["content-type"], answer.json()) == ("application/graphql-response+json; charset=utf-8", LAMP)
    answer = await shop.graph.client.post("/graphql", json={"query": "{ product(id: 1) { title } }"}, headers=SSE)
    assert (answer.headers["content-type"], answer.text) == ("text/event-stream", ":\n\n" + next_event(LAMP) + COMPLETE)


async def test_a_document_that_is_not_valid_is_told_in_the_stream(shop: Market) -> None:
    answer = await shop.graph.client.post("/graphql", json={"query": "subscription { nothing }"}, headers=SSE)
    assert answer.status_code == 200
    _, event, complete, _ = answer.text.split("\n\n")
    assert event.startswith('event: next\ndata: {"errors":[{"message":"Cannot query field')
    assert complete == "event: complete\ndata:"


async def test_a_request_that_is_none_has_the_status_of_its_refusal(shop: Market) -> None:
    answer = await shop.graph.client.post("/graphql", json={}, headers=SSE)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    answer = await shop.graph.client.post("/graphql", content="{", headers=SSE)
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    foreign = await shop.graph.client.post(
        "/graphql", json={"query": PRICES}, headers={**SSE, "origin": "https://evil.test"}
    )
    assert (foreign.status_code, foreign.json()["errors"][0]["extensions"]["code"]) == (403, "CROSS_SITE_REQUEST")
    assert shop.prices.open == 0


async def test_a_subscription_without_a_stream_to_carry_it_is_refused(shop: Market) -> None:
    for accept in ("application/json", "multipart/mixed, application/json"):
        answer = await shop.graph.client.post("/graphql", json={"query": PRICES}, headers={"accept": accept})
        assert answer.json()["errors"][0]["extensions"]["code"] == "SUBSCRIPTIONS_UNSUPPORTED"
    answer = await shop.graph.client.post("/graphql", json={"query": PRICES}, headers={"accept": "multipart/mixed"})
    assert (answer.status_code, '"code":"SUBSCRIPTIONS_UNSUPPORTED"' in answer.text) == (200, True)
    answer = await shop.graph.client.post("/graphql", json={"query": PRICES}, headers={"accept": "multipart/related"})
    assert answer.status_code == 406


async def test_a_multipart_stream_sends_each_payload_with_its_boundary(shop: Market) -> None:
    async with post(shop, PRICES, MULTIPART) as stream:
        assert stream.answer.headers["content-type"] == 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
        await stream.expect("\r\n--graphql")
        await shop.prices.until(1)
        shop.change(11)
        await stream.expect(part({"payload": changed(11)}))
        shop.prices.publish(END)
        await stream.expect("--\r\n")
        await stream.ends()
    answer = await shop.graph.client.post("/graphql", json={"query": "{ product(id: 1) { title } }"}, headers=MULTIPART)
    assert (answer.headers["content-type"], answer.json()) == ("application/json; charset=utf-8", LAMP)


async def test_silence_is_broken_by_heartbeats() -> None:
    async with market({"subscriptions": {"heartbeat": 0.02}}) as shop:
        async with post(shop, PRICES, SSE) as stream:
            await stream.expect(":\n\n" * 3)
        async with post(shop, PRICES, MULTIPART) as stream:
            await stream.expect("\r\n--graphql" + part({}) * 2)


async def reserved(shop: Market) -> dict[str, str]:
    answer = await shop.graph.client.put("/graphql")
    assert answer.status_code == 201
    return {"x-graphql-event-stream-token": answer.text}


def operation(id: str, query: str) -> dict[str, object]:
    return {"query": query, "extensions": {"operationId": id}}


async def test_one_stream_carries_the_operations_that_are_added(shop: Market) -> None:
    token = await reserved(shop)
    async with listen(shop, {**SSE, **token}) as stream:
        await stream.expect(":\n\n")
        for name, query in (("p", PRICES), ("q", "{ product(id: 1) { title } }")):
            answer = await shop.graph.client.post("/graphql", json=operation(name, query), headers=token)
            assert (answer.status_code, answer.content) == (202, b"")
        await stream.expect(next_event({"id": "q", "payload": LAMP}))
        await stream.expect('event: complete\ndata: {"id":"q"}\n\n')
        await shop.prices.until(1)
        shop.change(4)
        await stream.expect(next_event({"id": "p", "payload": changed(4)}))
        twice = await shop.graph.client.post("/graphql", json=operation("p", PRICES), headers=token)
        assert (twice.status_code, twice.json()["errors"][0]["extensions"]["code"]) == (409, "OPERATION_EXISTS")
        ended = await shop.graph.client.delete("/graphql", params={"operationId": "p"}, headers=token)
        assert ended.status_code == 200
        await shop.prices.until(0)
        await shop.graph.client.post("/graphql", json=operation("r", PRICES), headers=token)
        await shop.prices.until(1)
    await shop.prices.until(0)
    late = await shop.graph.client.post("/graphql", json=operation("s", PRICES), headers=token)
    assert (late.status_code, late.json()["errors"][0]["extensions"]["code"]) == (404, "STREAM_NOT_FOUND")


async def test_a_reservation_is_for_one_stream_and_its_operations_are_bounded(shop: Market) -> None:
    token = await reserved(shop)
    assert (
        await shop.graph.client.get("/graphql", headers={**SSE, "x-graphql-event-stream-token": "no"})
    ).status_code == 404
    async with listen(shop, {**SSE, **token}) as stream:
        assert stream.answer.status_code == 200
        taken = await shop.graph.client.get("/graphql", headers={**SSE, **token})
        assert (taken.status_code, taken.json()["errors"][0]["extensions"]["code"]) == (409, "STREAM_TAKEN")
        nameless = await shop.graph.client.post("/graphql", json={"query": PRICES}, headers=token)
        assert nameless.status_code == 400
        refused = await shop.graph.client.post("/graphql", json=operation("x", "{ nothing }"), headers=token)
        assert refused.json()["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        opened = shop.prices.opened
        for number in range(100):
            answer = await shop.graph.client.post("/graphql", json=operation(str(number), PRICES), headers=token)
            assert answer.status_code == 202
        many = await shop.graph.client.post("/graphql", json=operation("100", PRICES), headers=token)
        assert (many.status_code, many.json()["errors"][0]["extensions"]["code"]) == (429, "TOO_MANY_SUBSCRIPTIONS")
        await shop.prices.until(1)
        assert shop.prices.opened == opened + 1
    await shop.prices.until(0)
