"""A Redis that takes connections and never answers: a service gives it up after two tries, without a pause."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.exceptions import RedisError

from shared.runtime.resources import open_resources
from shared.settings import ServiceSettings


async def test_a_silent_redis_is_given_up_after_two_tries(tmp_path: Path) -> None:
    asked = 0

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    settings = ServiceSettings(
        postgres_url="postgresql://nobody@127.0.0.1:1/nowhere",
        redis_url=f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        rabbitmq_url="amqp://127.0.0.1:1",
        gateway_jwks_file=tmp_path / "none",
        sealing_public_key_file=tmp_path / "none",
    )
    async with server, open_resources("reviews", settings) as resources:
        with pytest.raises(RedisError):
            await resources.redis.get("anything")
    assert asked == 2
