"""A hint to the relay that something was committed. It only shortens the wait for the next poll: Redis may be away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from redis.asyncio import Redis
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

_RECONNECT_SECONDS = 1.0


class RelayWake:
    """Redis publish/subscribe on one channel a domain, since the process that commits is seldom the one that relays."""

    def __init__(self, redis: Redis, domain: str) -> None:
        self._redis = redis
        self._channel = f"relay:{domain}"

    async def send(self) -> None:
        """Never raises for Redis' sake: the relay polls anyway."""
        try:
            await self._redis.publish(self._channel, b"")
        except (RedisError, OSError) as error:
            log.debug("relay not woken", extra={"error": error})

    async def listen(self, on_wake: Callable[[], None]) -> None:
        """Call `on_wake` for each hint, until cancelled; reconnects where Redis goes away."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(self._channel)
                    async for _ in subscription.listen():
                        on_wake()
            except (RedisError, OSError) as error:
                log.debug("relay hint channel lost", extra={"error": error})
            await asyncio.sleep(_RECONNECT_SECONDS)
