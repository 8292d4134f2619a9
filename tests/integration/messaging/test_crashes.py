"""Killed at the worst moment, nothing is lost and nothing happens twice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.integration.messaging.flow import QUEUE, Flow, approved, running

EVENTS = 20


@asynccontextmanager
async def killed_while_holding(module: str, *arguments: str, **environment: str) -> AsyncIterator[None]:
    """Run the module until it says that it holds; the block looks around; then SIGKILL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.integration.messaging.{module}",
        *arguments,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            assert await process.stdout.readline() == b"holding\n"
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize(("point", "on_the_queue"), [("before_publish", 0), ("before_mark", EVENTS)])
async def test_a_relay_killed_on_the_way_loses_nothing_and_doubles_no_effect(
    flow: Flow, point: str, on_the_queue: int
) -> None:
    await flow.commit(*[approved() for _ in range(EVENTS)])
    urls = flow.addresses("sellers")
    for kill in range(1, 3):
        async with killed_while_holding("relay_process", point, **urls):
            assert await flow.count("sellers.outbox") == EVENTS
            assert await flow.depth(QUEUE) == on_the_queue * kill

    async with running(flow.relay(), flow.subscriber()):
        await flow.settled(effects=EVENTS)

    assert await flow.count("reviews.effect") == EVENTS
    assert await flow.admin.fetchval("SELECT count(DISTINCT event_id) FROM reviews.effect") == EVENTS
    assert await flow.count("sellers.event_log") == EVENTS


async def test_a_consumer_killed_between_its_effect_and_its_answer_doubles_no_effect(flow: Flow) -> None:
    await flow.commit(*[approved() for _ in range(3)])
    assert await flow.relay_all() == 3
    urls = flow.addresses("reviews")
    async with killed_while_holding("consumer_process", **urls):
        assert await flow.count("reviews.effect") >= 1

    async with running(flow.subscriber()):
        await flow.settled(effects=3)

    assert await flow.count("reviews.effect") == 3
    assert await flow.count("reviews.inbox") == 3
