"""graphql-transport-ws, message by message."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.conformance.subgraph import END
from tests.conformance.subscriptions.market import PRICES, Market, changed, market, socket


@pytest.fixture(scope="module")
async def shop() -> AsyncIterator[Market]:
    async with market({"subscriptions": {"init_timeout": 0.2}}) as shop:
        yield shop


async def test_each_event_is_completed_by_the_other_subgraphs(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        shop.change(11)
        shop.change(12)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": changed(11)}
        assert await ws.hear() == {"id": "a", "type": "next", "payload": changed(12)}
        shop.prices.publish(END)
        assert await ws.hear() == {"id": "a", "type": "complete"}
    await shop.prices.until(0)


async def test_an_event_that_fails_is_reported_and_the_next_one_comes(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        shop.change(11, product="9")
        shop.change(12, product="2")
        failed = (await ws.hear())["payload"]
        assert failed["data"] == {"priceChanged": None}
        assert [error["extensions"]["code"] for error in failed["errors"]] == ["INTERNAL_SERVER_ERROR"]
        assert await ws.hear() == {"id": "a", "type": "next", "payload": changed(12, "Desk")}


async def test_queries_and_mutations_have_one_answer_and_variables(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("q", "query($id: ID!) { product(id: $id) { title } }", variables={"id": "2"})
        assert await ws.hear() == {"id": "q", "type": "next", "payload": {"data": {"product": {"title": "Desk"}}}}
        assert await ws.hear() == {"id": "q", "type": "complete"}
        await ws.subscribe("q", "mutation { setPrice(id: 1, price: 7) { price product { title } } }")
        quote = {"price": 7, "product": {"title": "Lamp"}}
        assert await ws.hear() == {"id": "q", "type": "next", "payload": {"data": {"setPrice": quote}}}
        assert await ws.hear() == {"id": "q", "type": "complete"}


async def test_what_cannot_be_executed_is_an_error_of_its_operation(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", "subscription { priceChanged(id: 1) { price } lastPrice }")
        refused = await ws.hear()
        assert (refused["id"], refused["type"]) == ("a", "error")
        assert [error["extensions"]["code"] for error in refused["payload"]] == ["GRAPHQL_VALIDATION_FAILED"]
        await ws.say(id="b", type="subscribe", payload={"query": 1})
        assert (await ws.hear())["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        await ws.subscribe("a", "{ product(id: 1) { title } }")
        assert (await ws.hear())["type"] == "next"


async def test_a_completed_operation_ends_its_upstream_and_frees_its_id(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        await ws.say(id="a", type="complete")
        await shop.prices.until(0)
        await ws.subscribe("a", PRICES)
        await shop.prices.until(1)
        shop.change(3)
        assert await ws.hear() == {"id": "a", "type": "next", "payload": changed(3)}


async def test_a_ping_is_answered_with_its_payload_before_and_after_the_initialisation(shop: Market) -> None:
    async with socket(shop, said=False) as ws:
        await ws.say(type="ping")
        assert await ws.hear() == {"type": "pong"}
        await ws.say(type="connection_init")
        assert await ws.hear() == {"type": "connection_ack"}
        await ws.say(type="pong")
        await ws.say(type="ping", payload={"a": 1})
        assert await ws.hear() == {"type": "pong", "payload": {"a": 1}}


async def test_who_never_initialises_is_closed_out(shop: Market) -> None:
    async with socket(shop, said=False) as ws:
        assert await ws.closed() == (4408, "Connection initialisation timeout")


async def test_a_subscription_before_the_initialisation_asks_no_subgraph(shop: Market) -> None:
    opened = shop.prices.opened
    async with socket(shop, said=False) as ws:
        await ws.subscribe("a", PRICES)
        assert await ws.closed() == (4401, "Unauthorized")
    assert shop.prices.opened == opened


async def test_an_id_in_use_and_a_second_initialisation_close_the_connection(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", PRICES)
        await ws.subscribe("a", PRICES)
        assert await ws.closed() == (4409, "Subscriber for a already exists")
    async with socket(shop) as ws:
        await ws.say(type="connection_init")
        assert await ws.closed() == (4429, "Too many initialisation requests")
    await shop.prices.until(0)


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        '{"type": 1}',
        '{"type": "next", "id": "a", "payload": {}}',
        '{"type": "subscribe", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}}',
        '{"type": "subscribe", "id": "a", "payload": "{ __typename }"}',
        '{"type": "complete"}',
        b'{"type": "ping"}',
    ],
)
async def test_a_message_out_of_the_protocol_closes_the_connection(shop: Market, message: str | bytes) -> None:
    async with socket(shop) as ws:
        await ws.connection.send(message)
        code, reason = await ws.closed()
        assert code == 4400
        assert reason is not None
        assert reason.startswith("Invalid message: ")


async def test_another_subprotocol_is_not_acceptable(shop: Market) -> None:
    async with connect(shop.url.replace("http", "ws", 1), proxy=None) as connection:
        await connection.wait_closed()
        assert (connection.close_code, connection.close_reason) == (4406, "Subprotocol not acceptable")


async def test_a_message_past_the_body_limit_closes_the_connection(shop: Market) -> None:
    async with socket(shop) as ws:
        await ws.subscribe("a", "{ product(id: 1) { title } }" + " " * 100_000)
        assert (await ws.closed())[0] == 1009


async def test_a_foreign_page_gets_no_connection(shop: Market) -> None:
    for headers in ({"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}):
        with pytest.raises(InvalidStatus) as refused:
            async with socket(shop, headers=headers):
                pass
        assert refused.value.response.status_code == 403
    async with socket(shop, headers={"origin": shop.url.removesuffix("/graphql")}):
        pass


async def test_the_operation_past_the_bound_is_refused_and_the_others_go_on(shop: Market) -> None:
    opened = shop.prices.opened
    async with socket(shop) as ws:
        for number in range(101):
            await ws.subscribe(str(number), PRICES)
        refused = await ws.hear()
        assert (refused["id"], refused["type"]) == ("100", "error")
        assert refused["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await shop.prices.until(1)
        shop.change(5)
        heard = [await ws.hear() for _ in range(100)]
        assert sorted(int(message["id"]) for message in heard) == list(range(100))
        assert {json.dumps(message["payload"]) for message in heard} == {json.dumps(changed(5))}
    await shop.prices.until(0)
    assert shop.prices.opened == opened + 1


async def test_an_idle_connection_is_closed_and_one_that_listens_is_not() -> None:
    async with (
        market({"subscriptions": {"idle_timeout": 0.05}}) as shop,
        socket(shop) as idle,
        socket(shop) as listening,
    ):
        await listening.subscribe("a", PRICES)
        assert await idle.closed() == (1000, "Idle for too long")
        await shop.prices.until(1)
        shop.change(5)
        assert await listening.hear() == {"id": "a", "type": "next", "payload": changed(5)}


async def test_connections_and_subscriptions_of_one_client_are_bounded() -> None:
    bounds = {"connections_per_client": 2, "per_client": 1}
    async with market({"subscriptions": bounds}) as shop, socket(shop) as one, socket(shop) as two:
        with pytest.raises(InvalidStatus) as refused:
            async with socket(shop):
                pass
        assert refused.value.response.status_code == 403
        await one.subscribe("a", PRICES)
        await shop.prices.until(1)
        await two.subscribe("b", PRICES)
        assert (await two.hear())["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"
        await one.say(id="a", type="complete")
        await shop.prices.until(0)
        await two.subscribe("b", PRICES)
        await shop.prices.until(1)


async def test_where_subscriptions_are_switched_off_there_is_no_websocket() -> None:
    async with market({"subscriptions": {"enabled": False}}) as shop:
        with pytest.raises(InvalidStatus) as refused:
            async with socket(shop):
                pass
        assert refused.value.response.status_code == 403
        answer = await shop.graph.ask(PRICES)
        assert answer["errors"][0]["extensions"]["code"] == "SUBSCRIPTIONS_UNSUPPORTED"
