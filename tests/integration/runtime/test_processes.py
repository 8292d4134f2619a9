"""The two processes of a domain, really running: who gets in, and what comes through the broker into its tables."""

from __future__ import annotations

import aio_pika
import httpx

from shared.ids import new_id
from shared.register import EXCHANGE
from shared.testing.eventually import eventually
from shared.testing.sql import rows
from tests.fixtures.processes import Services
from tests.integration.runtime.wire import a_token, order_delivered


async def test_only_the_gateways_token_opens_the_endpoint(services: Services) -> None:
    # given the API of a domain
    api = await services.start("api", "reviews")
    questions = [
        {"query": "{ __typename }"},
        {"query": "{ _service { sdl } }"},
        {"query": '{ _entities(representations: [{__typename: "Product", id: "x"}]) { __typename } }'},
    ]
    refused = {
        "none": {},
        "expired": {"authorization": f"Bearer {a_token(services.secrets, expires_in=-60)}"},
        "for another subgraph": {"authorization": f"Bearer {a_token(services.secrets, audience='subgraph:orders')}"},
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", trust_env=False) as client:
        # when it is asked without the gateway's token, then it refuses whatever the question
        statuses = [
            (await client.post("/graphql", json=question, headers=headers)).status_code
            for question in questions
            for headers in refused.values()
        ]
        assert statuses == [401] * 9
        # and with it, it answers
        allowed = {"authorization": f"Bearer {a_token(services.secrets)}"}
        answer = await client.post("/graphql", json=questions[0], headers=allowed)
        assert (answer.status_code, answer.json()) == (200, {"data": {"__typename": "Query"}})
    # and health and metrics are on a port of their own
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.operations_port}", trust_env=False) as operations:
        assert (await operations.get("/health/live")).text == "live"
        line = 'graphql_operations_total{domain="reviews",field="other",outcome="ok"} 1.0'
        assert line in (await operations.get("/metrics")).text


async def test_an_event_on_the_broker_takes_effect_once_however_often_it_comes(services: Services) -> None:
    # given the worker of a domain and an event for it
    await services.start("worker", "reviews")
    event_id, product_id = new_id(), new_id()
    message = order_delivered(event_id, product_id)
    # when the event is published three times, and then another
    connection = await aio_pika.connect(services.broker.amqp_url)
    async with connection:
        exchange = await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
        for _ in range(3):
            await exchange.publish(message, "order.delivered")
        last = new_id()
        await exchange.publish(order_delivered(last, product_id), "order.delivered")
    # then both took effect once
    database = services.database.of("reviews")
    await eventually("the last event", lambda: rows(database, "SELECT 1 FROM inbox WHERE event_id = :e", e=last))
    taken = await rows(database, "SELECT count(*) AS n FROM inbox WHERE event_id IN (:a, :b)", a=event_id, b=last)
    lines = await rows(database, "SELECT count(*) AS n FROM delivered_line WHERE product_id = :p", p=product_id)
    assert (taken, lines) == ([{"n": 2}], [{"n": 2}])
