"""Servers that the environment names: each wrong word in their URLs is told, with what to do, before anything is begun."""

from __future__ import annotations

import asyncpg
import pytest

from shared.devstack.addresses import with_login
from shared.devstack.errors import StackProblem
from shared.devstack.ports import free_ports
from shared.devstack.servers.named import require_postgres, require_rabbitmq, require_redis
from shared.testing.servers import Broker, Servers


async def test_servers_that_serve_are_taken(servers: Servers, redis_url: str, broker: Broker) -> None:
    await require_postgres(servers.new_database().admin_url)
    require_redis(redis_url)
    require_rabbitmq(broker.amqp_url)


async def test_a_postgres_that_lets_nobody_in_is_named_without_its_password(servers: Servers) -> None:
    url = servers.new_database().admin_url
    (closed,) = free_ports(1)
    for wrong in (
        with_login(url, "postgres", "not-the-word"),
        f"postgresql://postgres:not-the-word@127.0.0.1:{closed}/postgres",
        "not-the-word",
    ):
        with pytest.raises(StackProblem) as raised:
            await require_postgres(wrong)
        assert raised.value.message.startswith("POSTGRES_URL is set, and ")
        assert "unset it for a private server" in raised.value.remedy
        assert wrong == "not-the-word" or "not-the-word" not in raised.value.message


async def test_a_login_that_may_not_make_roles_is_refused_before_anything_is_made(servers: Servers) -> None:
    url = servers.new_database().admin_url
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE ROLE passer_by LOGIN PASSWORD 'word'")
        await connection.execute(f'GRANT CONNECT ON DATABASE "{url.rpartition("/")[2]}" TO passer_by')
        with pytest.raises(StackProblem, match="may not make roles and databases"):
            await require_postgres(with_login(url, "passer_by", "word"))
    finally:
        await connection.execute("DROP OWNED BY passer_by")
        await connection.execute("DROP ROLE passer_by")
        await connection.close()


def test_a_redis_that_does_not_let_in_or_does_not_answer_is_named(redis_url: str) -> None:
    (closed,) = free_ports(1)
    for wrong in (with_login(redis_url, "", "not-the-word"), f"redis://127.0.0.1:{closed}/0", "127.0.0.1"):
        with pytest.raises(StackProblem, match="REDIS_URL is set, and "):
            require_redis(wrong)


def test_a_broker_that_does_not_answer_is_named() -> None:
    (closed,) = free_ports(1)
    for wrong in (f"amqp://guest:guest@127.0.0.1:{closed}/", "http://127.0.0.1/", "127.0.0.1"):
        with pytest.raises(StackProblem, match="RABBITMQ_URL is set, and "):
            require_rabbitmq(wrong)
