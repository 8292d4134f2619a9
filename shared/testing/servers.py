"""Real servers for tests: one Postgres, Redis and RabbitMQ a session, each booted only when a test asks for it.

Loaded as a pytest plugin by tests/conftest.py; README.md shows what to ask for.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import redis

from shared.db.database import Database
from shared.devstack.addresses import with_login, with_path
from shared.devstack.bootstrap import bootstrap, copy_database, drop_database, protect_migration_table
from shared.devstack.migrate import migrate, migration_url
from shared.devstack.passwords import Passwords, new_passwords
from shared.devstack.ports import free_ports
from shared.devstack.servers.pgbouncer import PoolerServer
from shared.devstack.servers.postgres import PostgresServer
from shared.devstack.servers.rabbitmq import RabbitPorts, RabbitServer, RabbitTls
from shared.devstack.servers.redis import RedisServer
from shared.register import Register, load_register
from shared.testing.certificates import Authority

_TEMPLATE = "marketplace_template"
POOL_SIZE = 10
"""Connections that all processes of a role share, as in the stack: less than they open, so that transactions change theirs."""
_Server = TypeVar("_Server", PostgresServer, RedisServer, RabbitServer, PoolerServer)


def run_apart(work: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine to its end from synchronous code, also while a test's own event loop is running."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class DomainDatabase:
    """One domain's logins to a marketplace database: `url` is the run-time role's, `migrate_url` the owner's.

    Where it is `pooled`, `url` leads through a pgBouncer that pools by transaction; the others never do. `session_url` is the
    run-time role's past it, for what is about a session.
    """

    name: str
    url: str
    migrate_url: str
    admin_url: str
    session_url: str
    pooled: bool = False

    def open(self, application_name: str, *, pool_size: int = 5) -> Database:
        """As a process of the domain connects; for the caller to close."""
        return Database(self.url, application_name=application_name, pool_size=pool_size, pooler=self.pooled)


@dataclass(frozen=True, slots=True)
class MarketplaceDatabase:
    """A migrated copy that no other module sees, with every domain's schema. `admin_url` is the superuser's."""

    name: str
    admin_url: str
    register: Register
    passwords: Passwords
    pooler: PoolerServer | None = None

    def of(self, domain: str) -> DomainDatabase:
        """Raises KeyError where the register knows no such domain."""
        subgraph = self.register.get(domain)
        server, password = self.pooler.url if self.pooler else self.admin_url, self.passwords.postgres[domain]
        return DomainDatabase(
            name=self.name,
            url=with_login(server, domain, password, path=self.name),
            migrate_url=migration_url(subgraph, self.admin_url, self.passwords.postgres, self.name),
            admin_url=self.admin_url,
            session_url=with_login(self.admin_url, domain, password, path=self.name),
            pooled=self.pooler is not None,
        )


@dataclass(frozen=True, slots=True)
class Broker:
    """A virtual host that no other module sees, without users of domains or queues: the topology declares those."""

    amqp_url: str
    management_url: str
    virtual_host: str
    passwords: Passwords

    def url(self, domain: str) -> str:
        """The domain's own broker user, once the topology has declared it."""
        return with_login(self.amqp_url, domain, self.passwords.rabbitmq[domain])


@dataclass
class Servers:
    """The session's private servers. Each starts at the first use and ends with the session, or with its process."""

    directory: Path
    register: Register
    passwords: Passwords
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _running: list[PostgresServer | RedisServer | RabbitServer | PoolerServer] = field(default_factory=list)

    @cached_property
    def postgres(self) -> PostgresServer:
        (port,) = free_ports(1)
        return self._started(
            PostgresServer(
                self.directory / "postgres",
                port,
                self.passwords.postgres_admin,
                self.directory / "postgres.log",
                tied=True,
            )
        )

    @cached_property
    def pooler(self) -> PoolerServer:
        """A pgBouncer before the session's Postgres."""
        (port,) = free_ports(1)
        home, log = self.directory / "pgbouncer", self.directory / "pgbouncer.log"
        return self._started(PoolerServer(home, port, self.postgres.url, POOL_SIZE, log, tied=True))

    @cached_property
    def redis(self) -> RedisServer:
        (port,) = free_ports(1)
        return self._started(
            RedisServer(self.directory / "redis", port, self.passwords.redis, self.directory / "redis.log", tied=True)
        )

    @cached_property
    def rabbitmq(self) -> RabbitServer:
        *ports, amqp, management = free_ports(7)
        shown = self.authority.issue("rabbitmq", hosts=["127.0.0.1"])
        return self._started(
            RabbitServer(
                self.directory / "rabbitmq",
                RabbitPorts(*ports),
                self.passwords.rabbitmq_admin,
                self.directory / "rabbitmq.log",
                tied=True,
                # A boot of its own for the few tests of TLS would cost more than a second pair of ports.
                tls=RabbitTls(amqp, management, shown.certificate, shown.key),
            )
        )

    @cached_property
    def authority(self) -> Authority:
        """Issues what the servers of this session show where they speak TLS."""
        folder = self.directory / "certificates"
        folder.mkdir()
        return Authority(folder)

    @cached_property
    def template(self) -> str:
        """The migrated database that every test database is a copy of; nobody may stay connected to it."""
        url, logins = self.postgres.url, self.passwords.postgres
        run_apart(bootstrap(self.register, admin_url=url, passwords=logins, database=_TEMPLATE))
        migrate(self.register, admin_url=url, passwords=logins, database=_TEMPLATE)
        run_apart(protect_migration_table(self.register, admin_url=url, database=_TEMPLATE))
        return _TEMPLATE

    def new_database(self, *, pooled: bool = False) -> MarketplaceDatabase:
        """A fresh migrated copy, in about 0.1 s; behind a pgBouncer where it is `pooled` or TEST_POOLER is set."""
        template, name = self.template, f"marketplace_{next(self._numbers)}"
        run_apart(copy_database(self.register, admin_url=self.postgres.url, template=template, name=name))
        pooler = self.pooler if pooled or os.environ.get("TEST_POOLER") else None
        return MarketplaceDatabase(name, with_path(self.postgres.url, name), self.register, self.passwords, pooler)

    def drop(self, database: MarketplaceDatabase) -> None:
        run_apart(drop_database(admin_url=self.postgres.url, name=database.name))

    def new_broker(self) -> Broker:
        """A fresh virtual host on the session's node."""
        server, name = self.rabbitmq, f"marketplace_{next(self._numbers)}"
        with httpx.Client(base_url=f"{server.management_url}/api", trust_env=False, timeout=30) as api:
            api.put(f"/vhosts/{name}").raise_for_status()
            everything = {"configure": ".*", "write": ".*", "read": ".*"}
            api.put(f"/permissions/{name}/admin", json=everything).raise_for_status()
        return Broker(with_path(server.url, name), server.management_url, name, self.passwords)

    def remove(self, broker: Broker) -> None:
        address = f"{broker.management_url}/api/vhosts/{broker.virtual_host}"
        httpx.delete(address, trust_env=False, timeout=30).raise_for_status()

    def stop(self) -> None:
        for server in reversed(self._running):
            server.stop()
            if isinstance(server, PostgresServer):
                # In a closed checkout its programs lie outside of our folder.
                server.remove()

    def _started(self, server: _Server) -> _Server:
        self._running.append(server)
        server.start()
        return server


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The private servers of this session, each booted at its first use."""
    directory = Path(tempfile.mkdtemp(prefix="marketplace-tests-"))
    directory.chmod(0o755)
    register = load_register()
    running = Servers(directory, register, new_passwords(register))
    try:
        yield running
    finally:
        running.stop()
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def database(servers: Servers, request: pytest.FixtureRequest) -> Iterator[MarketplaceDatabase]:
    """A migrated marketplace database of this module's own; behind a pgBouncer where the module is marked `pooled`."""
    fresh = servers.new_database(pooled=request.node.get_closest_marker("pooled") is not None)
    yield fresh
    servers.drop(fresh)


@pytest.fixture(scope="module")
def database_for(database: MarketplaceDatabase) -> Callable[[str], DomainDatabase]:
    """`database_for("orders")`: that domain's logins to this module's database."""
    return database.of


@pytest.fixture(scope="module")
def redis_url(servers: Servers) -> str:
    """The session's Redis, emptied for this module."""
    with redis.Redis.from_url(servers.redis.url) as client:
        client.flushall()
    return servers.redis.url


@pytest.fixture(scope="module")
def broker(servers: Servers) -> Iterator[Broker]:
    """An empty virtual host of this module's own."""
    fresh = servers.new_broker()
    yield fresh
    servers.remove(fresh)
