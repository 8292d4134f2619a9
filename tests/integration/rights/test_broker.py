"""Who may do what at the broker: every user of the register against every queue, exchange and prefix, by real attempts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import aio_pika
import httpx
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from aio_pika.exceptions import AMQPError
from aiormq.exceptions import ChannelAccessRefused

from shared.devstack.addresses import with_login, with_path
from shared.messaging.topology import declare_topology
from shared.register import DEAD_LETTER_EXCHANGE, EXCHANGE, BrokerUser, dead_letter_queue, load_register
from shared.testing.servers import Broker, Servers

REGISTER = load_register()
QUEUES = [name for user in REGISTER.broker_users for own in user.queues for name in (own, dead_letter_queue(own))]
PREFIXES = sorted(prefix for user in REGISTER.broker_users for prefix in user.publishes)
EXCHANGES = [
    EXCHANGE,
    DEAD_LETTER_EXCHANGE,
    *(f"amq.{kind}" for kind in ("direct", "fanout", "headers", "topic", "match")),
]
USERS = pytest.mark.parametrize("user", REGISTER.broker_users, ids=lambda user: user.name)
Attempt = Callable[[AbstractChannel], Awaitable[object]]


@pytest.fixture(scope="module")
def declared(broker: Broker) -> Broker:
    declare_topology(
        REGISTER, amqp_url=broker.amqp_url, management_url=broker.management_url, passwords=broker.passwords.rabbitmq
    )
    return broker


async def succeeded(broker: Broker, user: str, attempts: Mapping[str, Attempt]) -> set[str]:
    """The attempts that the broker did not refuse. A refusal closes the channel, not the connection."""
    allowed = set()
    async with await aio_pika.connect(broker.url(user)) as connection:
        channel = await connection.channel()
        for name, attempt in attempts.items():
            if channel.is_closed:
                channel = await connection.channel()
            try:
                await attempt(channel)
                allowed.add(name)
            except ChannelAccessRefused:
                continue
    return allowed


async def nothing(_: AbstractIncomingMessage) -> None:
    """What comes is not looked at."""


def on_queue(name: str) -> dict[str, Attempt]:
    async def get(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).get(fail=False, no_ack=True)

    async def consume(channel: AbstractChannel) -> None:
        queue = await channel.get_queue(name, ensure=False)
        await queue.cancel(await queue.consume(nothing, no_ack=True))

    async def purge(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).purge()

    async def bind(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).bind(EXCHANGE, "user.registered")

    async def unbind(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).unbind(EXCHANGE, "user.registered")

    async def delete(channel: AbstractChannel) -> None:
        await (await channel.get_queue(name, ensure=False)).delete(if_unused=False, if_empty=False)

    async def send(channel: AbstractChannel) -> None:
        await channel.default_exchange.publish(aio_pika.Message(b"{}"), name, mandatory=False)

    def declare(channel: AbstractChannel) -> Awaitable[object]:
        return channel.declare_queue(name, durable=True)

    reads: dict[str, Attempt] = {"get": get, "consume": consume, "purge": purge}
    return reads | {"bind": bind, "unbind": unbind, "delete": delete, "send": send, "declare": declare}


def on_exchange(name: str) -> dict[str, Attempt]:
    async def publish(channel: AbstractChannel) -> None:
        exchange = await channel.get_exchange(name, ensure=False)
        await exchange.publish(aio_pika.Message(b"{}"), "of.nobody", mandatory=False)

    async def bind(channel: AbstractChannel) -> None:
        await (await channel.get_exchange(name, ensure=False)).bind(EXCHANGE, "user.registered")

    async def delete(channel: AbstractChannel) -> None:
        await (await channel.get_exchange(name, ensure=False)).delete()

    return {"publish": publish, "bind": bind, "delete": delete}


def publishing(key: str) -> Attempt:
    async def publish(channel: AbstractChannel) -> None:
        exchange = await channel.get_exchange(EXCHANGE, ensure=False)
        await exchange.publish(aio_pika.Message(b"{}"), key, mandatory=False)

    return publish


@USERS
async def test_a_user_reads_its_own_queues_and_does_nothing_else_with_any(declared: Broker, user: BrokerUser) -> None:
    attempts = {f"{name} {queue}": attempt for queue in QUEUES for name, attempt in on_queue(queue).items()}

    allowed = await succeeded(declared, user.name, attempts)

    assert allowed == {f"{name} {queue}" for queue in user.queues for name in ("get", "consume", "purge")}


@USERS
async def test_a_user_publishes_its_own_prefixes_whole_and_to_one_exchange(declared: Broker, user: BrokerUser) -> None:
    by_prefix = {f"{prefix}.nobody_listens_to_this": prefix for prefix in PREFIXES}
    # Beside each prefix what only looks like it, and what a pattern would take for it.
    alike = [
        key for prefix in PREFIXES for key in (prefix, f"{prefix}_.x", f"x{prefix}.x", f"x.{prefix}.x", f"\n{prefix}.x")
    ]
    attempts = {key: publishing(key) for key in [*by_prefix, *alike, "", "#", "*.created"]}
    attempts |= {f"{name} {exchange}": each for exchange in EXCHANGES for name, each in on_exchange(exchange).items()}

    allowed = await succeeded(declared, user.name, attempts)

    assert allowed == {key for key, prefix in by_prefix.items() if prefix in user.publishes}


@USERS
async def test_a_user_makes_nothing_of_its_own(declared: Broker, user: BrokerUser) -> None:
    attempts: dict[str, Attempt] = {
        "queue": lambda channel: channel.declare_queue(f"{user.name}.own", durable=True),
        "nameless queue": lambda channel: channel.declare_queue(exclusive=True),
        "exchange": lambda channel: channel.declare_exchange(f"{user.name}.own", durable=True),
        "known exchange": lambda channel: channel.declare_exchange(EXCHANGE, aio_pika.ExchangeType.TOPIC, durable=True),
    }
    assert await succeeded(declared, user.name, attempts) == set()


@USERS
async def test_a_user_has_no_other_virtual_host_and_no_management(
    servers: Servers, declared: Broker, user: BrokerUser
) -> None:
    other = servers.new_broker()
    try:
        for host in (other.virtual_host, "%2F"):
            with pytest.raises(AMQPError, match=r"got <Connection\.Close"):
                await aio_pika.connect(with_path(declared.url(user.name), host))
    finally:
        servers.remove(other)
    login = with_login(declared.management_url, user.name, declared.passwords.rabbitmq[user.name])
    paths = ("whoami", "overview", "queues", "users", "definitions", f"queues/{declared.virtual_host}/{QUEUES[0]}")
    async with httpx.AsyncClient(base_url=f"{login}/api/", trust_env=False) as client:
        answers = {path: (await client.get(path)).status_code for path in paths}
    assert answers == dict.fromkeys(paths, 401)
