"""Each private server boots, serves and ends, and the second start of a running one changes nothing."""

from __future__ import annotations

import asyncpg
import httpx
import redis

from shared.testing.servers import Broker, Servers


async def test_postgres_serves_in_utc_with_the_extensions_of_the_marketplace(servers: Servers) -> None:
    connection = await asyncpg.connect(servers.new_database().admin_url)
    try:
        assert await connection.fetchval("SHOW timezone") == "UTC"
        assert await connection.fetchval("SELECT extensions.unaccent('Crème brûlée')") == "Creme brulee"
        assert await connection.fetchval("SELECT round(extensions.similarity('word', 'wort')::numeric, 1)") > 0
    finally:
        await connection.close()


def test_redis_refuses_a_client_without_the_password(redis_url: str, servers: Servers) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set("product:1", "x", nx=True) is True
        assert client.set("product:1", "y", nx=True) is None

    with redis.Redis(host="127.0.0.1", port=servers.redis.port) as stranger:
        try:
            answer = stranger.get("product:1")
        except redis.AuthenticationError as refusal:
            answer = type(refusal).__name__
    assert answer == "AuthenticationError"


def test_rabbitmq_serves_a_virtual_host_of_the_modules_own_and_its_metrics(broker: Broker, servers: Servers) -> None:
    hosts = httpx.get(f"{broker.management_url}/api/vhosts", trust_env=False).json()
    assert broker.virtual_host in [host["name"] for host in hosts]

    depths = httpx.get(
        f"{servers.rabbitmq.metrics_url}/detailed", params={"family": "queue_coarse_metrics"}, trust_env=False
    )
    assert depths.status_code == 200


def test_a_running_server_is_not_started_twice(servers: Servers) -> None:
    for server in (servers.postgres, servers.redis, servers.rabbitmq):
        before = server.process.find()
        server.start()
        assert before is not None
        assert server.process.find() == before
