"""The worker process of a domain: its consumers, its relay, its jobs, and its operations port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

from shared.db.activity import measure_connections
from shared.http.operations import operations_app
from shared.messaging.outbox_figures import measure_outbox
from shared.messaging.relay import Relay
from shared.messaging.retention import purge
from shared.messaging.routing import own_events
from shared.messaging.schemas import EventSchemas
from shared.messaging.subscriber import Subscriber
from shared.messaging.wake import RelayWake
from shared.register import load_register
from shared.runtime.server import DRAIN_SECONDS, serve, stop_on_signal
from shared.runtime.subgraph import Job, Resources, Subgraph
from shared.settings import ServiceSettings
from shared.telemetry.metrics import TASK_FAILURES, TASK_INTERVAL, TASK_SUCCEEDED

log = logging.getLogger(__name__)
PURGE_EVERY = timedelta(hours=6)
MEASURE_EVERY = timedelta(seconds=5)


async def run_worker(resources: Resources[ServiceSettings], subgraph: Subgraph) -> None:
    """Run until the process is told to stop; what is in hand is finished."""
    stopped = stop_on_signal()
    settings = resources.settings
    schemas = EventSchemas()
    subscriber = Subscriber(resources.database, settings.rabbitmq_url, subgraph.consumers, schemas)
    wake = RelayWake(resources.redis, resources.domain)
    relay = Relay(
        resources.database,
        settings.rabbitmq_url,
        resources.domain,
        wake=wake,
        events=own_events(load_register().get(resources.domain), schemas.names),
    )

    checks = {"postgres": resources.database.ping, "rabbitmq": subscriber.check}
    operations = operations_app(checks, stopped=stopped)
    consumption = asyncio.create_task(subscriber.run(), name="subscriber")
    relaying = asyncio.create_task(relay.run(), name="relay")
    repeating = [
        asyncio.create_task(repeat(job, resources.domain, stopped), name=job.name) for job in _jobs(resources, subgraph)
    ]
    for task in (consumption, relaying, *repeating):
        # None of these ends by itself: where one does, the process stops and is started afresh.
        task.add_done_callback(lambda ended: _ended(ended, stopped))

    async def drain() -> None:
        # Consumers first: what they finish, the relay still carries to the broker.
        consumption.cancel()
        await asyncio.wait([consumption])
        relay.stop()
        await _finish([relaying, *repeating])

    await serve(
        {settings.operations_port: operations}, host=settings.host, stopped=stopped, drain=drain, tls=settings.tls
    )


def _jobs(resources: Resources[ServiceSettings], subgraph: Subgraph) -> tuple[Job, ...]:
    """The domain's own, and what every worker does."""

    async def purge_delivery_tables() -> None:
        await purge(resources.database, resources.clock)

    async def measure() -> None:
        await measure_outbox(resources.database, resources.domain)
        await measure_connections(resources.database, resources.domain)

    return (
        *subgraph.jobs,
        Job("measure", MEASURE_EVERY, measure),
        Job("purge delivery tables", PURGE_EVERY, purge_delivery_tables),
    )


async def _finish(work: Sequence[asyncio.Task[None]]) -> None:
    """Lets each come to the end of its round; what takes too long is cut off, and done again by somebody else."""
    _, late = await asyncio.wait(work, timeout=DRAIN_SECONDS)
    for task in late:
        log.warning("cut off at the stop", extra={"task": task.get_name()})
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


def _ended(task: asyncio.Task[None], stopped: asyncio.Event) -> None:
    if task.cancelled() or stopped.is_set():
        return
    log.error("worker task ended", extra={"task": task.get_name()}, exc_info=task.exception())
    stopped.set()


async def repeat(job: Job, domain: str, stopped: asyncio.Event) -> None:
    """Run the job until the stop; a failing round is logged and counted, and the next one comes all the same."""
    succeeded, failures = TASK_SUCCEEDED.labels(domain, job.name), TASK_FAILURES.labels(domain, job.name)
    TASK_INTERVAL.labels(domain, job.name).set(job.every.total_seconds())
    while not stopped.is_set():
        try:
            await job.run()
            succeeded.set_to_current_time()
        except Exception:
            failures.inc()
            log.exception("job failed", extra={"job": job.name})
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), job.every.total_seconds())
