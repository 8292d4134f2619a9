"""Automatic persisted queries: a client sends a hash, and the text with it once. Kept in Redis, so that every replica knows."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from redis.exceptions import RedisError

from gateway.persisted.config import AutomaticConfig
from gateway.persisted.manifest import sha256_of
from gateway.telemetry.metrics import AUTOMATIC
from shared.cache.impatient import impatient_redis

logger = logging.getLogger(__name__)

_PREFIX = "apq"
_CONNECTIONS = 16
_OUTCOMES = {name: AUTOMATIC.labels(name) for name in ("found", "not_found", "kept", "too_large", "redis_away")}


class AutomaticOperations:
    """Texts by their SHA-256. Redis away, emptied or slow means not found, never an error. Call `close` when done."""

    def __init__(self, config: AutomaticConfig, clock: Callable[[], float] = monotonic) -> None:
        self._config = config
        self._clock = clock
        self._away_until = float("-inf")
        # The one string a hash stands for: what is prepared is looked up by it, without hashing it again.
        self._here: OrderedDict[str, str] = OrderedDict()
        self._redis = impatient_redis(config.redis_url, timeout=config.timeout, connections=_CONNECTIONS)

    async def close(self) -> None:
        await self._redis.aclose()

    async def find(self, digest: str) -> str | None:
        """The text of that hash, if it was kept. What lies in Redis is not believed without hashing it."""
        text = self._here.get(digest)
        if text is None:
            text = await self._find_there(digest)
            if text is None or sha256_of(text) != digest:
                _OUTCOMES["not_found"].inc()
                return None
            self._keep_here(digest, text)
        else:
            self._here.move_to_end(digest)
        _OUTCOMES["found"].inc()
        return text

    async def keep(self, digest: str, text: str) -> None:
        """Keep a text whose hash was checked. One that is too large is left alone."""
        content = text.encode()
        if len(content) > self._config.max_bytes:
            _OUTCOMES["too_large"].inc()
            return
        self._keep_here(digest, text)
        if self._is_away():
            return
        try:
            await self._redis.set(f"{_PREFIX}:{digest}", content, ex=self._config.ttl)
            _OUTCOMES["kept"].inc()
        except (RedisError, OSError) as error:
            self._leave_alone(error)

    async def _find_there(self, digest: str) -> str | None:
        if self._is_away():
            return None
        try:
            content = await self._redis.get(f"{_PREFIX}:{digest}")
        except (RedisError, OSError) as error:
            self._leave_alone(error)
            return None
        if not isinstance(content, bytes) or len(content) > self._config.max_bytes:
            return None
        return content.decode(errors="replace")

    def _keep_here(self, digest: str, text: str) -> None:
        self._here[digest] = text
        if len(self._here) > self._config.kept_here:
            self._here.popitem(last=False)

    def _is_away(self) -> bool:
        return self._clock() < self._away_until

    def _leave_alone(self, error: Exception) -> None:
        _OUTCOMES["redis_away"].inc()
        self._away_until = self._clock() + self._config.pause
        logger.warning("automatic operations cannot reach Redis", extra={"error": error})
