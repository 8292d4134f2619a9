"""The servers under the services: private ones, or those that the environment names."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.passwords import Passwords, write_secret
from shared.devstack.servers.pgbouncer import PoolerServer
from shared.devstack.servers.postgres import PostgresServer
from shared.devstack.servers.rabbitmq import RabbitServer
from shared.devstack.servers.redis import RedisServer
from shared.devstack.services import Addresses

_POOL_SIZE = 10
"""Connections to Postgres for each role, whatever number of its processes there is."""


@dataclass(frozen=True, slots=True)
class Backing:
    """`None` stands for a server of somebody else's: used, never started or stopped."""

    addresses: Addresses
    postgres: PostgresServer | None
    redis: RedisServer | None
    rabbitmq: RabbitServer | None
    pooler: PoolerServer | None = None

    @property
    def servers(self) -> list[PostgresServer | RedisServer | RabbitServer | PoolerServer]:
        return [server for server in (self.postgres, self.redis, self.rabbitmq, self.pooler) if server]


def backing_of(
    layout: Layout, passwords: Passwords, environment: Mapping[str, str], *, with_pooler: bool = False
) -> Backing:
    """`POSTGRES_URL`, `REDIS_URL` and `RABBITMQ_URL` with `RABBITMQ_MANAGEMENT_URL` replace the private servers.

    The Postgres and RabbitMQ logins in them are administrators': they make the services' own. `POSTGRES_POOLER_URL` is
    a pgBouncer before that Postgres: the services then connect there. `with_pooler` puts a private one before it.
    """
    here, logs = layout.directory, layout.logs
    postgres = PostgresServer(here / "postgres", layout.postgres_port, passwords.postgres_admin, logs / "postgres.log")
    redis = RedisServer(here / "redis", layout.redis_port, passwords.redis, logs / "redis.log")
    rabbitmq = RabbitServer(here / "rabbitmq", layout.rabbit_ports, passwords.rabbitmq_admin, logs / "rabbitmq.log")
    given = {name: environment.get(name, "") for name in ("POSTGRES_URL", "REDIS_URL", "RABBITMQ_URL")}
    management = environment.get("RABBITMQ_MANAGEMENT_URL", "")
    if given["RABBITMQ_URL"] and not management:
        raise StackProblem(
            "RABBITMQ_URL is set and RABBITMQ_MANAGEMENT_URL is not; users and rights are declared through the latter.",
            remedy="For example RABBITMQ_MANAGEMENT_URL=http://guest:guest@127.0.0.1:15672",
        )
    pooler_url = environment.get("POSTGRES_POOLER_URL", "")
    if pooler_url and with_pooler:
        raise StackProblem(
            "POSTGRES_POOLER_URL names a pgBouncer and --pgbouncer asks for a private one.", remedy="Leave out either."
        )
    pooler = private_pooler(layout, given["POSTGRES_URL"] or postgres.url) if with_pooler else None
    return Backing(
        addresses=Addresses(
            postgres=given["POSTGRES_URL"] or postgres.url,
            redis=given["REDIS_URL"] or redis.url,
            rabbitmq=given["RABBITMQ_URL"] or rabbitmq.url,
            rabbitmq_management=management or rabbitmq.management_url,
            postgres_pooler=pooler.url if pooler else pooler_url,
        ),
        postgres=None if given["POSTGRES_URL"] else postgres,
        redis=None if given["REDIS_URL"] else redis,
        rabbitmq=None if given["RABBITMQ_URL"] else rabbitmq,
        pooler=pooler,
    )


def private_pooler(layout: Layout, postgres_url: str) -> PoolerServer:
    """The stack's own, started or not, before the Postgres of that address."""
    log = layout.logs / "pgbouncer.log"
    return PoolerServer(layout.directory / "pgbouncer", layout.pooler_port, postgres_url, _POOL_SIZE, log)


def remember(layout: Layout, addresses: Addresses) -> None:
    """So that `status`, `run` and `down` find the servers that `up` has used."""
    write_secret(layout.secrets / "addresses.json", json.dumps(asdict(addresses), indent=1).encode())


def find_remembered(layout: Layout) -> Addresses | None:
    """What the last `up` has used; None before the first."""
    file = layout.secrets / "addresses.json"
    return Addresses(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def remembered(layout: Layout) -> Addresses:
    """Raises StackProblem before the first `up`."""
    addresses = find_remembered(layout)
    if addresses is None:
        raise StackProblem("The stack has never been up.", remedy="Start it: ./task up")
    return addresses


def remembered_backing(layout: Layout, passwords: Passwords) -> Backing:
    """What `up` has used, ours and not ours."""
    addresses, private = remembered(layout), backing_of(layout, passwords, {})
    pooler = private_pooler(layout, addresses.postgres)
    return Backing(
        addresses,
        private.postgres if addresses.postgres == private.addresses.postgres else None,
        private.redis if addresses.redis == private.addresses.redis else None,
        private.rabbitmq if addresses.rabbitmq == private.addresses.rabbitmq else None,
        pooler if addresses.postgres_pooler == pooler.url else None,
    )
