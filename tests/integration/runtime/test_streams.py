"""Subscriptions over HTTP between real processes: a worker commits, every replica of the API hears it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aio_pika
import httpx
import orjson
import pytest

from shared.auth.actor import ANONYMOUS, Actor
from shared.register import EXCHANGE
from shared.testing.eventually import eventually
from shared.testing.subgraph import subgraph_under_test
from tests.fixtures.processes import ServiceProcess, Services
from tests.integration.orders.market import Market, a_buyer
from tests.integration.runtime.wire import a_message, a_token, subscribed

UPDATES = "subscription { orderUpdated { id orderGroup { status } } }"


@pytest.fixture(scope="module")
async def market(services: Services) -> AsyncIterator[Market]:
    """Orders in this process, over the database of those that are started."""
    database, redis_url = services.database.of("orders"), services.redis_url
    async with subgraph_under_test("orders", database, redis_url) as orders:
        yield Market(orders)


@pytest.fixture(scope="module")
async def api(services: Services) -> ServiceProcess:
    """One replica of orders, with room for two streams."""
    return await services.start("api", "orders", MAX_STREAMS="2")


def token_of(services: Services, actor: Actor) -> str:
    return a_token(services.secrets, audience="subgraph:orders", actor=actor)


async def publish(services: Services, name: str, payload: dict[str, Any]) -> None:
    async with await aio_pika.connect(services.broker.amqp_url) as connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(a_message(name, payload), name)


async def test_what_a_worker_commits_reaches_its_buyers_streams_at_every_replica(
    services: Services, market: Market, api: ServiceProcess
) -> None:
    # given two replicas and a worker, and two buyers with an order each
    replica, _ = await services.start("api", "orders"), await services.start("worker", "orders")
    goods, buyer, other = await market.sell(), a_buyer(), a_buyer()
    group, others = await market.checkout(buyer, goods), await market.checkout(other, goods)
    mine, theirs = token_of(services, buyer), token_of(services, other)
    async with (
        subscribed(api.port, mine, UPDATES) as here,
        subscribed(replica.port, mine, UPDATES) as there,
        subscribed(replica.port, theirs, UPDATES) as of_other,
    ):
        assert [stream.response.headers["content-type"] for stream in (here, there)] == ["text/event-stream"] * 2
        # when the stock of the one's order is reserved, and then the other's
        await publish(services, "inventory.reserved", market.saga_payload("inventory.reserved", group))
        expected = {"id": group["orders"][0]["id"], "orderGroup": {"status": "AWAITING_PAYMENT"}}
        assert await here.next_data() == {"orderUpdated": expected}
        assert await there.next_data() == {"orderUpdated": expected}
        await publish(services, "inventory.reserved", market.saga_payload("inventory.reserved", others))
        # then each has heard of their own, and first of that
        assert await of_other.next_data() == {
            "orderUpdated": {"id": others["orders"][0]["id"], "orderGroup": {"status": "AWAITING_PAYMENT"}}
        }


async def test_a_refusal_is_a_plain_answer(services: Services, api: ServiceProcess) -> None:
    asked = [
        (token_of(services, ANONYMOUS), UPDATES, 200, "UNAUTHENTICATED"),
        (token_of(services, a_buyer()), "{ myCart { id } }", 200, "GRAPHQL_VALIDATION_FAILED"),
        (token_of(services, a_buyer()), "subscription {", 200, "GRAPHQL_VALIDATION_FAILED"),
        ("no-token", UPDATES, 401, "INTERNAL_TOKEN_INVALID"),
        (a_token(services.secrets, audience="subgraph:reviews"), UPDATES, 401, "INTERNAL_TOKEN_INVALID"),
    ]
    for token, query, status, code in asked:
        async with subscribed(api.port, token, query) as refused:
            answer = orjson.loads(await refused.response.aread())
            assert (refused.response.status_code, refused.response.headers["content-type"]) == (
                status,
                "application/json",
            )
            assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


async def test_a_client_that_goes_away_makes_room(services: Services, api: ServiceProcess) -> None:
    token = token_of(services, a_buyer())

    async def opens() -> bool:
        async with subscribed(api.port, token, UPDATES) as stream:
            return stream.response.headers["content-type"] == "text/event-stream"

    async def none_open() -> bool:
        async with httpx.AsyncClient(trust_env=False) as client:
            metrics = (await client.get(f"http://127.0.0.1:{api.operations_port}/metrics")).text
        return 'live_streams{domain="orders"} 0.0' in metrics

    await eventually("the streams of earlier tests to be gone", none_open)
    async with subscribed(api.port, token, UPDATES):
        async with subscribed(api.port, token, UPDATES), subscribed(api.port, token, UPDATES) as third:
            # given all room taken, a third is refused
            (error,) = orjson.loads(await third.response.aread())["errors"]
            assert error["extensions"] == {"code": "TOO_MANY_STREAMS"}
        # when one of the two clients goes away, then another may come
        assert await eventually("room for another", opens)


async def test_a_process_that_is_stopped_completes_its_streams(services: Services, api: ServiceProcess) -> None:
    async with subscribed(api.port, token_of(services, a_buyer()), UPDATES) as stream:
        api.stop()
        assert await stream.next_event() == ("complete", "")
    assert api.popen.returncode == 0
    assert '"exception"' not in api.log.read_text(encoding="utf-8")
