"""Sharing, retrying and leaving alone, against a client that is scripted."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from gateway.executor.subgraph_caller import SubgraphCaller
from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient, TransportError, TransportFault
from gateway.executor.traffic import SubgraphState, SubgraphTraffic

ENDPOINT = Endpoint.of("http://a/")
Step = HttpAnswer | TransportFault


class Client:
    """Takes one step of its script for each request, once the gate is open."""

    def __init__(self, *script: Step) -> None:
        self.script = list(script)
        self.sent: list[tuple[bytes, bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def send(self, _endpoint: Endpoint, body: bytes, *, headers: bytes, **_: bool) -> HttpAnswer:
        self.sent.append((body, headers))
        number = len(self.sent)
        await self.gate.wait()
        step = self.script.pop(0) if self.script else answer(number)
        if isinstance(step, TransportFault):
            raise TransportError(step, "scripted")
        return step


def answer(number: int = 1, status: int = 200, content_type: str = "application/json") -> HttpAnswer:
    return HttpAnswer(status, ((b"content-type", content_type.encode()),), b"%d" % number)


def caller(client: Client, name: str = "a", **traffic: Any) -> SubgraphCaller:
    traffic = {"retry": {"attempts": 0, "pause": 0}, **traffic}
    state = SubgraphState(name, SubgraphTraffic.model_validate(traffic))
    return SubgraphCaller(cast(SubgraphClient, client), ENDPOINT, state, draw=lambda: 0.5)


async def ask(called: SubgraphCaller, body: bytes = b"q", headers: bytes = b"", tracing: bytes = b"") -> bytes:
    return (await called.call(body, headers, tracing, True)).body


async def together(client: Client, *asked: Any) -> list[Any]:
    """All at the same time: the gate opens when everybody has asked."""
    client.gate.clear()
    tasks = [asyncio.ensure_future(one) for one in asked]
    await asyncio.sleep(0)
    client.gate.set()
    return await asyncio.gather(*tasks, return_exceptions=True)


async def test_identical_queries_in_flight_are_one_request() -> None:
    client = Client()
    called = caller(client, "shared")
    answers = await together(client, *(ask(called, tracing=b"%d" % turn) for turn in range(5)))
    assert answers == [b"1"] * 5
    assert client.sent == [(b"q", b"0")]
    assert REGISTRY.get_sample_value("gateway_subgraph_shared_total", {"subgraph": "shared"}) == 4
    assert await ask(called) == b"2"


@pytest.mark.parametrize(("body", "headers"), [(b"other", b"authorization: A\r\n"), (b"q", b"authorization: B\r\n")])
async def test_another_query_or_other_credentials_are_another_request(body: bytes, headers: bytes) -> None:
    client = Client()
    called = caller(client)
    answers = await together(client, ask(called, b"q", b"authorization: A\r\n"), ask(called, body, headers))
    assert answers == [b"1", b"2"]


async def test_mutations_are_never_shared() -> None:
    client = Client()
    called = caller(client)
    asked = [called.call(b"m", b"", b"", False) for _ in range(3)]
    assert {one.body for one in await together(client, *asked)} == {b"1", b"2", b"3"}


async def test_a_query_after_a_change_does_not_join_one_from_before() -> None:
    client = Client()
    called = caller(client)
    client.gate.clear()
    before = asyncio.ensure_future(ask(called))
    await asyncio.sleep(0)
    change = asyncio.ensure_future(called.call(b"m", b"", b"", False))
    await asyncio.sleep(0)
    client.gate.set()
    await change
    client.gate.clear()
    after = asyncio.ensure_future(ask(called))
    await asyncio.sleep(0)
    client.gate.set()
    assert (await before, await after) == (b"1", b"3")
    assert [body for body, _headers in client.sent] == [b"q", b"m", b"q"]


async def test_sharing_can_be_switched_off() -> None:
    client = Client()
    called = caller(client, share_in_flight=False)
    assert await together(client, ask(called), ask(called)) == [b"1", b"2"]


async def test_a_failure_is_everybodys_who_shares_it() -> None:
    client = Client(TransportFault.TIMEOUT)
    called = caller(client)
    first, second = await together(client, ask(called), ask(called))
    assert (first.fault, second.fault) == (TransportFault.TIMEOUT, TransportFault.TIMEOUT)
    assert first is not second
    assert len(client.sent) == 1


async def test_who_goes_away_leaves_the_request_to_the_others() -> None:
    client = Client()
    called = caller(client)
    client.gate.clear()
    tasks = [asyncio.ensure_future(ask(called)) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    client.gate.set()
    assert await asyncio.gather(*tasks[1:]) == [b"2", b"2"]
    assert len(client.sent) == 2


@pytest.mark.parametrize(
    ("steps", "sent"),
    [
        ([TransportFault.CONNECT, answer(9)], 2),
        ([TransportFault.CLOSED, TransportFault.CONNECT, answer(9)], 3),
        ([answer(0, 503), answer(9)], 2),
        ([answer(9, 503, "application/graphql-response+json")], 1),
        ([answer(9, 500)], 1),
    ],
)
async def test_a_query_is_tried_again_where_that_may_help(steps: list[Step], sent: int) -> None:
    client = Client(*steps)
    called = caller(client, retry={"attempts": 2, "pause": 0})
    assert await ask(called) == b"9"
    assert len(client.sent) == sent


@pytest.mark.parametrize("fault", [TransportFault.TIMEOUT, TransportFault.TOO_LARGE, TransportFault.PROTOCOL])
async def test_what_would_fail_again_or_costs_too_long_is_not_tried_again(fault: TransportFault) -> None:
    client = Client(fault)
    with pytest.raises(TransportError):
        await ask(caller(client, retry={"attempts": 2, "pause": 0}))
    assert len(client.sent) == 1


async def test_a_mutation_is_sent_once() -> None:
    client = Client(TransportFault.CONNECT)
    called = caller(client, retry={"attempts": 2, "pause": 0})
    with pytest.raises(TransportError):
        await called.call(b"m", b"", b"", False)
    assert len(client.sent) == 1


async def test_retries_stay_within_their_budget() -> None:
    client = Client(*[TransportFault.CONNECT] * 1000)
    called = caller(
        client, "spent", retry={"attempts": 1, "pause": 0, "ratio": 0.125, "reserve": 5}, breaker={"failures": 0}
    )
    for _ in range(100):
        with pytest.raises(TransportError):
            await ask(called)
    assert len(client.sent) == 117
    assert REGISTRY.get_sample_value("gateway_subgraph_retries_total", {"subgraph": "spent"}) == 17


async def test_an_open_circuit_sends_nothing() -> None:
    client = Client(*[TransportFault.TIMEOUT] * 3)
    called = caller(client, breaker={"failures": 3, "open_seconds": 1000})
    faults = []
    for _ in range(5):
        with pytest.raises(TransportError) as failed:
            await ask(called)
        faults.append(failed.value.fault)
    assert faults == [TransportFault.TIMEOUT] * 3 + [TransportFault.CIRCUIT_OPEN] * 2
    assert len(client.sent) == 3


async def test_an_answer_of_any_kind_closes_the_row_of_failures() -> None:
    gone, there = TransportFault.CONNECT, TransportFault.TOO_LARGE
    client = Client(gone, gone, there, gone, gone, answer(7, 500), gone, gone)
    called = caller(client, breaker={"failures": 3, "open_seconds": 1000})
    for _ in range(8):
        await asyncio.gather(ask(called), return_exceptions=True)
    assert len(client.sent) == 8
