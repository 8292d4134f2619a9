"""A Redis client with a span for each call of a recorded request or message: the command alone, neither keys nor values.

Own and not the instrumentor of OpenTelemetry's contrib packages, which writes keys into its spans and makes one for every call.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import SpanKind
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from shared.telemetry import span_names as names
from shared.telemetry.spans import below, is_recorded


class TracedRedis(Redis):
    """Takes the place of `Redis`; what is not recorded goes straight through."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        if not is_recorded():
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        command = str(args[0]).upper()
        attributes = {names.DB_SYSTEM: "redis", names.DB_OPERATION: command}
        with below(command, SpanKind.CLIENT, attributes):
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        return _TracedPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class _TracedPipeline(Pipeline):
    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        if not is_recorded():
            return await super().execute(raise_on_error)
        attributes: dict[str, str | int] = {
            names.DB_SYSTEM: "redis",
            names.DB_OPERATION: names.PIPELINE,
            names.DB_BATCH: len(self),
        }
        with below(names.PIPELINE, SpanKind.CLIENT, attributes):
            return await super().execute(raise_on_error)
