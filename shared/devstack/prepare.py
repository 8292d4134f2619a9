"""Makes the servers ready for the services: started, with roles, schemas, migrations, queues, users and rights."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx

from shared.devstack.addresses import without_password
from shared.devstack.backing import Backing
from shared.devstack.bootstrap import bootstrap, protect_migration_table
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.migrate import migrate
from shared.devstack.passwords import Passwords
from shared.devstack.screen import Screen
from shared.devstack.servers.named import require_postgres, require_rabbitmq, require_redis
from shared.devstack.servers.rabbitmq import require_installed
from shared.messaging.topology import TopologyRefused, declare_topology

_NAMED_BROKER = (
    "RABBITMQ_MANAGEMENT_URL names it: it wants an administrator's login, who may declare queues, users and rights."
)


def prepare(layout: Layout, backing: Backing, passwords: Passwords, screen: Screen) -> None:
    """All three side by side. Harmless where they are ready. Raises StackProblem."""
    with ThreadPoolExecutor(3) as pool:
        broker = pool.submit(_prepare_rabbitmq, layout, backing, passwords, screen)
        cache = pool.submit(_prepare_redis, backing, screen)
        database = pool.submit(_prepare_postgres, layout, backing, passwords, screen)
        for outcome in (database, cache, broker):
            outcome.result()


def _prepare_postgres(layout: Layout, backing: Backing, passwords: Passwords, screen: Screen) -> None:
    """Server, roles, schemas, migrations."""
    with screen.step("Postgres") as note:
        if backing.postgres:
            backing.postgres.start()
        else:
            asyncio.run(require_postgres(backing.addresses.postgres))
        url, logins = backing.addresses.postgres, passwords.postgres
        asyncio.run(bootstrap(layout.register, admin_url=url, passwords=logins))
        migrate(layout.register, admin_url=url, passwords=logins)
        asyncio.run(protect_migration_table(layout.register, admin_url=url))
        if backing.pooler:
            backing.pooler.start()
        pooled = ", pooled by transaction" if backing.addresses.postgres_pooler else ""
        note(f"{len(layout.register.subgraphs)} schemas migrated{pooled}")


def _prepare_redis(backing: Backing, screen: Screen) -> None:
    with screen.step("Redis"):
        if backing.redis:
            backing.redis.start()
        else:
            require_redis(backing.addresses.redis)


def _prepare_rabbitmq(layout: Layout, backing: Backing, passwords: Passwords, screen: Screen) -> None:
    """Server, exchange, queues, users and their rights."""
    with screen.step("RabbitMQ") as note:
        if backing.rabbitmq:
            require_installed()
            backing.rabbitmq.start()
        else:
            require_rabbitmq(backing.addresses.rabbitmq)
        _declare(layout, backing, passwords)
        queues = sum(len(user.queues) for user in layout.register.broker_users)
        note(f"{queues} queues, each with its dead-letter queue")


def _declare(layout: Layout, backing: Backing, passwords: Passwords) -> None:
    try:
        declare_topology(
            layout.register,
            amqp_url=backing.addresses.rabbitmq,
            management_url=backing.addresses.rabbitmq_management,
            passwords=passwords.rabbitmq,
        )
    except TopologyRefused as refusal:
        remedy = "./task reset forgets its queues." if backing.rabbitmq else _NAMED_BROKER
        raise StackProblem(f"RabbitMQ refuses the topology: {refusal}", remedy=remedy) from refusal
    except httpx.HTTPError as error:
        address = without_password(backing.addresses.rabbitmq_management)
        remedy = "" if backing.rabbitmq else _NAMED_BROKER
        raise StackProblem(f"RabbitMQ's management at {address} does not answer: {error}", remedy=remedy) from error
