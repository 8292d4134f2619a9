"""A pool of connections whose use is told to Prometheus: how many it may hold, what they do, how long callers wait."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from sqlalchemy.pool import AsyncAdaptedQueuePool, PoolProxiedConnection

from shared.telemetry.metrics import DB_POOL_CONNECTIONS, DB_POOL_SIZE, DB_POOL_WAIT_SECONDS


class MeasuredPool(AsyncAdaptedQueuePool):
    """`logging_name` is `<domain>/<pool>`, as in `orders/replica`.

    SQLAlchemy makes pools itself, also afresh after a dispose, and hands on no other word to them.
    """

    def __init__(self, *arguments: Any, logging_name: str, **options: Any) -> None:
        super().__init__(*arguments, logging_name=logging_name, **options)
        domain, _, name = logging_name.partition("/")
        labels = (domain, name)
        self._wait = DB_POOL_WAIT_SECONDS.labels(*labels)
        # Read when Prometheus asks, so that they cannot drift from what the pool counts itself.
        DB_POOL_SIZE.labels(*labels).set_function(self.size)
        DB_POOL_CONNECTIONS.labels(*labels, "in_use").set_function(self.checkedout)
        DB_POOL_CONNECTIONS.labels(*labels, "idle").set_function(self.checkedin)
        DB_POOL_CONNECTIONS.labels(*labels, "overflow").set_function(lambda: max(0, self.overflow()))

    def connect(self) -> PoolProxiedConnection:
        started = perf_counter()
        try:
            return super().connect()
        finally:
            self._wait.observe(perf_counter() - started)
