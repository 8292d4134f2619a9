"""Whoever watches a worker sees which of its tasks by the clock still run."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

from prometheus_client import REGISTRY

from shared.runtime.subgraph import Job
from shared.runtime.worker import repeat


def figure(name: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"domain": "watched", "task": "sweep"})


async def test_a_task_tells_how_often_it_is_to_run_when_it_last_succeeded_and_how_often_it_failed() -> None:
    # given a task that fails twice and then succeeds
    rounds = 0
    successes: list[float | None] = []
    done = asyncio.Event()

    async def sweep() -> None:
        nonlocal rounds
        rounds += 1
        if rounds <= 2:
            raise ValueError("not yet")
        if rounds == 3:
            successes.append(figure("worker_task_last_success_timestamp_seconds"))
            return
        done.set()
        await asyncio.Event().wait()

    # when it is repeated
    running = asyncio.create_task(repeat(Job("sweep", timedelta(milliseconds=1), sweep), "watched", asyncio.Event()))
    await done.wait()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    # then its figures say so
    assert successes == [0]
    assert figure("worker_task_failures_total") == 2
    assert figure("worker_task_interval_seconds") == 0.001
    assert (figure("worker_task_last_success_timestamp_seconds") or 0) > 0
