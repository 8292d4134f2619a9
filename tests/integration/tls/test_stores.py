"""Whoever connects to Postgres, RabbitMQ or Redis by TLS speaks to that server, or says nothing at all."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator

import pytest

from shared.devstack.ports import free_ports
from shared.devstack.servers.redis import RedisServer, RedisTls
from shared.testing.certificates import Authority, Issued
from shared.testing.servers import Broker, DomainDatabase, Servers
from shared.tls import server_context
from tests.integration.tls.clients import AMQP, POSTGRES, REDIS, REFUSALS, Client, by_tls, declare
from tests.integration.tls.impostors import impostor
from tests.integration.tls.postgres import postgres_with_tls

SECRET = "a-pass-word-nobody-hears"
LOGINS = {
    "postgresql": f"postgresql://orders:{SECRET}@host/marketplace",
    "amqp": f"amqp://orders:{SECRET}@host/",
    "http": f"http://admin:{SECRET}@host",
    "redis": f"redis://:{SECRET}@host/0",
}
CLIENTS = [
    *(("postgresql", name, client) for name, client in POSTGRES.items()),
    *(("amqp", name, client) for name, client in AMQP.items()),
    ("http", "topology", lambda url: declare("amqp://guest@127.0.0.1/", url, {})),
    *(("redis", name, client) for name, client in REDIS.items()),
]


@pytest.fixture(scope="module")
def authority(servers: Servers) -> Authority:
    return servers.authority


@pytest.fixture(scope="module")
def impostors(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, ssl.SSLContext | None]:
    """What somebody in a server's place may show."""
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    return {
        "another authority": server_context(stranger.issue("stranger").files),
        "another name": server_context(authority.issue("elsewhere", hosts=["elsewhere.example"]).files),
        "an old certificate": server_context(authority.issue("old", days=-1).files),
        "no TLS": None,
    }


@pytest.mark.parametrize("shown", ["another authority", "another name", "an old certificate", "no TLS"])
@pytest.mark.parametrize(
    ("scheme", "name", "client"), CLIENTS, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_nothing_is_said_to_a_server_that_cannot_show_who_it_is(
    scheme: str,
    name: str,
    client: Client,
    shown: str,
    impostors: dict[str, ssl.SSLContext | None],
    authority: Authority,
) -> None:
    async with impostor(impostors[shown], postgres=scheme == "postgresql") as found:
        with pytest.raises(REFUSALS):
            await client(by_tls(LOGINS[scheme], port=found.port, authorities=authority.file))
    if shown != "no TLS":
        assert found.heard == b""
    elif scheme == "postgresql":
        assert found.heard == b"", "told that there is no TLS, it leaves"
    else:
        assert found.heard[:1] == b"\x16", "a TLS handshake, and no other word"
        assert SECRET.encode() not in found.heard


@pytest.fixture(scope="module")
def own(authority: Authority) -> Issued:
    """For the address by which tests reach the servers, and for no name."""
    return authority.issue("store", hosts=["127.0.0.1"])


async def test_every_client_of_postgres_reaches_it_by_tls_and_under_its_own_name_alone(
    servers: Servers, own: Issued, authority: Authority, database_for: Callable[[str], DomainDatabase]
) -> None:
    database, port = database_for("orders"), servers.postgres.port
    logins = dict.fromkeys(POSTGRES, database.url) | {
        "administrator": database.admin_url,
        "migration": database.migrate_url,
    }
    async with postgres_with_tls(servers, own):
        for name, client in POSTGRES.items():
            assert await client(by_tls(logins[name], port=port, authorities=authority.file)) is True, name
            with pytest.raises(REFUSALS):
                await client(by_tls(logins[name], port=port, authorities=authority.file, host="localhost"))
    with pytest.raises(REFUSALS):
        await POSTGRES["service"](by_tls(database.url, port=port, authorities=authority.file))


async def test_every_client_of_the_broker_reaches_it_by_tls_and_under_its_own_name_alone(
    servers: Servers, broker: Broker
) -> None:
    tls, trusted = servers.rabbitmq.tls, servers.authority.file
    assert tls is not None
    amqp = by_tls(broker.amqp_url, port=tls.amqp, authorities=trusted)
    passwords = broker.passwords.rabbitmq
    management = by_tls(broker.management_url, port=tls.management, authorities=trusted)
    await declare(amqp, management, passwords)
    with pytest.raises(REFUSALS):
        await declare(amqp, management.replace("127.0.0.1", "localhost"), passwords)
    for name, client in AMQP.items():
        login = broker.amqp_url if name == "operator" else broker.url("orders")
        assert await client(by_tls(login, port=tls.amqp, authorities=trusted)), name
        with pytest.raises(REFUSALS):
            await client(by_tls(login, port=tls.amqp, authorities=trusted, host="localhost"))


@pytest.fixture(scope="module")
def redis_with_tls(tmp_path_factory: pytest.TempPathFactory, own: Issued) -> Iterator[RedisServer]:
    folder, (port, tls_port) = tmp_path_factory.mktemp("redis"), free_ports(2)
    tls = RedisTls(tls_port, own.certificate, own.key)
    server = RedisServer(folder, port, "word", folder / "redis.log", tied=True, tls=tls)
    server.start()
    yield server
    server.stop()


async def test_every_client_of_redis_reaches_it_by_tls_and_under_its_own_name_alone(
    redis_with_tls: RedisServer, authority: Authority
) -> None:
    assert redis_with_tls.tls is not None
    port = redis_with_tls.tls.port
    for name, client in REDIS.items():
        assert await client(by_tls(redis_with_tls.url, port=port, authorities=authority.file)) is True, name
        with pytest.raises(REFUSALS):
            await client(by_tls(redis_with_tls.url, port=port, authorities=authority.file, host="localhost"))
