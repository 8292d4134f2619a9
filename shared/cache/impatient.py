"""A Redis for what can go on without: it answers in time or counts as away, and is never asked a second time."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.cache.traced_redis import TracedRedis


def impatient_redis(url: str, *, timeout: float, connections: int) -> Redis:
    """`timeout` in seconds is for each of connecting, waiting for one of `connections`, and an answer. Close it when done."""
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=connections,
        timeout=timeout,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        # A failure is an answer: there is no time to try again.
        retry=Retry(NoBackoff(), 0),
    )
    return TracedRedis.from_pool(pool)
