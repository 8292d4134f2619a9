"""Reports on a real streaming replica: read there while it is fresh, on the primary else, and nobody notices the change."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.actor import Actor, Role
from shared.db.database import Database
from shared.devstack.addresses import with_login, with_path
from shared.devstack.keys import ensure_keys
from shared.devstack.ports import free_ports
from shared.devstack.servers.postgres import PostgresServer
from shared.devstack.servers.replica import start_replica
from shared.errors import InvalidInput
from shared.graphql.late_writers import LateWriters
from shared.ids import new_id
from shared.register import load_register
from shared.telemetry.metrics import REPLICA_READS
from shared.testing.eventually import eventually
from shared.testing.servers import MarketplaceDatabase, Servers
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from tests.integration.accounts.people import a_member_of_staff

LITTLE, MUCH = 0.5, 60.0
"""Seconds that a replica may be behind: soon too old, or never in the time of a test."""
FINANCE, COLLEAGUE = (Actor(user_id=new_id(), roles=frozenset({Role.FINANCE})) for _ in range(2))
SET_RULE = """mutation($input: SetCommissionRuleInput!) {
  setCommissionRule(input: $input) { commissionRule { rateBps } userErrors { code } } }"""
RULES = "{ commissionRules(first: 1) { totalCount edges { node { rateBps } } } }"

VISITOR, BUYER = Actor(), Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))
STAFF = Actor(user_id=new_id(), roles=frozenset({Role.ADMIN, Role.SUPPORT, Role.FINANCE}))
SELLER = Actor(user_id=new_id(), roles=frozenset({Role.SELLER}), seller_id=new_id())
PAGE = "{ totalCount edges { node { id } } }"
SALES = '{ ... on Seller { salesReport(from: "2026-01-01T00:00Z", to: "2026-02-01T00:00Z") { rows { orders } } } }'
REPORTS: dict[str, tuple[Actor, tuple[str, ...]]] = {
    "accounts": (
        STAFF,
        (
            f"users {PAGE}",
            f"apiClients {PAGE}",
        ),
    ),
    "audit": (
        STAFF,
        (
            f"auditLog {PAGE}",
            "verifyAuditChain { intact }",
        ),
    ),
    "catalog": (STAFF, (f"products(filter: {{status: [DRAFT]}}) {PAGE}",)),
    "inventory": (
        SELLER,
        (
            f"stockLocations {PAGE}",
            f"stockItems {PAGE}",
            f"stockMovements {PAGE}",
        ),
    ),
    "orders": (
        SELLER,
        (
            f"sellerOrders {PAGE}",
            f'_entities(representations: [{{__typename: "Seller", id: "{SELLER.seller_id}"}}]) {SALES}',
        ),
    ),
    "payments": (
        STAFF,
        (
            f"payouts {PAGE}",
            f"ledger {PAGE}",
            "trialBalance { total { amount } }",
        ),
    ),
    "reviews": (STAFF, (f"moderationQueue {PAGE}",)),
    "sellers": (
        STAFF,
        (
            f"sellers {PAGE}",
            f"verificationQueue {PAGE}",
            f"commissionRules {PAGE}",
        ),
    ),
}
"""Lists of staff and what sellers read of their own business, by domain and reader."""
NO_REPORTS = {
    "catalog": (VISITOR, f"products {PAGE}"),
    "orders": (BUYER, f"orders {PAGE}"),
    "sellers": (VISITOR, f"sellers {PAGE}"),
}


@pytest.fixture(scope="module")
def replica(servers: Servers, database: MarketplaceDatabase) -> Iterator[PostgresServer]:
    """A standby of the session's Postgres, with this module's database in it."""
    (port,) = free_ports(1)
    standby = start_replica(servers.postgres, servers.directory / "replica", port, servers.directory / "replica.log")
    yield standby
    standby.stop()
    standby.remove()


def on(replica: PostgresServer, database: MarketplaceDatabase, domain: str = "reviews") -> str:
    """The domain's own login to the same database on the replica."""
    return with_login(with_path(replica.url, database.name), domain, database.passwords.postgres[domain])


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is slow for a second shall not look like a replica that is away."""
    monkeypatch.setattr("shared.db.replica._PROBE_SECONDS", 20.0)


@pytest.fixture
async def reviews(servers: Servers, database: MarketplaceDatabase, replica: PostgresServer) -> AsyncIterator[Database]:
    """With a replica that is fresh whatever happens."""
    await replayed(servers.postgres, replica, database)
    async with opened(database, on(replica, database), MUCH) as reading:
        assert await reads_on(reading, replica.port)
        yield reading


@pytest.fixture
async def wary(database: MarketplaceDatabase, replica: PostgresServer) -> AsyncIterator[Database]:
    """With a replica that is soon too old."""
    async with opened(database, on(replica, database), LITTLE) as reading:
        yield reading


@asynccontextmanager
async def opened(database: MarketplaceDatabase, replica_url: str, staleness: float) -> AsyncIterator[Database]:
    primary = database.of("reviews")
    reading = Database(
        primary.url,
        application_name="reviews",
        pooler=primary.pooled,
        replica_url=replica_url,
        replica_staleness=staleness,
    )
    try:
        yield reading
    finally:
        await reading.close()


async def where(session: AsyncSession) -> int:
    """The port of the server that answers."""
    port: int = await session.scalar(text("SELECT inet_server_port()"))
    return port


async def reads_on(database: Database, port: int) -> bool:
    return await database.report(where) == port


def counted(outcome: str, domain: str = "reviews") -> float:
    return float(REPLICA_READS.labels(domain, outcome)._value.get())


async def run(server: PostgresServer, database: MarketplaceDatabase, statement: str) -> Any:
    connection = await asyncpg.connect(with_path(server.url, database.name))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def pause(replica: PostgresServer, database: MarketplaceDatabase) -> None:
    await run(replica, database, "SELECT pg_wal_replay_pause()")
    await eventually("paused", lambda: run(replica, database, "SELECT pg_get_wal_replay_pause_state() = 'paused'"))


async def replayed(primary: PostgresServer, replica: PostgresServer, database: MarketplaceDatabase) -> None:
    """Returns once the replica has a commit of this moment."""
    mark = f"reviews.mark_{new_id().hex}"
    await run(primary, database, f"CREATE TABLE {mark} ()")
    await eventually("replayed", lambda: run(replica, database, f"SELECT to_regclass('{mark}') IS NOT NULL"))


@contextmanager
def halted(server: PostgresServer) -> Iterator[None]:
    """Every process of the server stands still: its connections are open and nothing answers on them."""
    leader = server.process.find()
    assert leader is not None
    processes = [leader, *leader.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            if process.is_running():
                process.send_signal(signal.SIGCONT)


async def test_reports_are_read_on_the_replica_in_transactions_that_write_nothing(
    reviews: Database, replica: PostgresServer, database: MarketplaceDatabase
) -> None:
    async def look(session: AsyncSession) -> tuple[str, str]:
        names = "SELECT string_agg(DISTINCT application_name, ',') FROM pg_stat_activity WHERE usename = current_user"
        return await session.scalar(text("SHOW transaction_read_only")), await session.scalar(text(names))

    # when a report is read, then it is on the replica, as this service, and read-only
    before = counted("replica")
    assert await reviews.report(look) == ("on", "reviews")
    assert counted("replica") == before + 1
    # and what only the primary can do is not even tried there
    async with reviews.read() as session:
        assert await where(session) != replica.port


async def test_a_primary_where_nothing_happens_is_no_lag(
    wary: Database, replica: PostgresServer, servers: Servers, database: MarketplaceDatabase
) -> None:
    # given a primary whose last commit is older than a replica may be
    await replayed(servers.postgres, replica, database)
    age = "SELECT EXTRACT(EPOCH FROM now() - pg_last_xact_replay_timestamp())"

    async def old_and_used() -> bool:
        return await reads_on(wary, replica.port) and await run(replica, database, age) > 2 * LITTLE

    # then the replica, which has all there is, is used all the same
    await eventually("the idle replica is used", old_and_used)


async def test_a_replica_that_falls_behind_gives_way_and_comes_back(
    wary: Database, replica: PostgresServer, servers: Servers, database: MarketplaceDatabase
) -> None:
    await eventually("the replica is used", lambda: reads_on(wary, replica.port))
    # given a replica that no longer replays what is committed
    await pause(replica, database)
    await run(servers.postgres, database, "CREATE TABLE reviews.told ()")
    stale = counted("stale")
    try:
        # then, once it is further behind than it may be, the primary answers
        await eventually("the primary is asked", lambda: reads_on(wary, servers.postgres.port))
        assert await reads_on(wary, servers.postgres.port)
        assert counted("stale") >= stale + 2
    finally:
        await run(replica, database, "SELECT pg_wal_replay_resume()")
    # and the replica again as soon as it has caught up
    await eventually("the replica is used", lambda: reads_on(wary, replica.port))


async def test_a_replica_that_dies_under_reports_fails_none_of_them(
    reviews: Database, replica: PostgresServer, servers: Servers
) -> None:
    await eventually("the replica is used", lambda: reads_on(reviews, replica.port))
    # given reports under way, each of them longer than a moment
    ports: list[int] = []
    dead = asyncio.Event()

    async def slow(session: AsyncSession) -> int:
        await session.execute(text("SELECT pg_sleep(0.01)"))
        return await where(session)

    async def go_on() -> None:
        while not dead.is_set() or ports[-1] == replica.port:
            ports.append(await reviews.report(slow))

    reporting = [asyncio.create_task(go_on()) for _ in range(4)]

    async def several() -> bool:
        return ports.count(replica.port) > 10

    await eventually("reports on the replica", several)
    # when the replica is killed in the middle of them
    leader = replica.process.find()
    assert leader is not None
    leader.kill()
    await asyncio.to_thread(leader.wait)
    dead.set()
    await asyncio.gather(*reporting)
    # then none failed, and the primary answered the rest
    assert set(ports) == {replica.port, servers.postgres.port}
    # and the replica is used again when it is back
    await asyncio.to_thread(replica.start)
    await eventually("the replica is used", lambda: reads_on(reviews, replica.port))


async def test_a_replica_that_says_nothing_holds_up_one_report_a_while(
    reviews: Database, replica: PostgresServer, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.replica._PROBE_SECONDS", 1.0)
    monkeypatch.setattr("shared.db.replica._REST_SECONDS", MUCH)
    failed, resting = counted("failed"), counted("resting")
    with halted(replica):
        assert [await reads_on(reviews, servers.postgres.port) for _ in range(3)] == [True] * 3
    assert (counted("failed"), counted("resting")) == (failed + 1, resting + 2)


async def test_an_address_that_is_no_replica_is_never_read(servers: Servers, database: MarketplaceDatabase) -> None:
    # given the primary's own address, as after a promotion, and one where nobody listens
    (nobody,) = free_ports(1)
    here = database.of("reviews").url
    for url in (here, here.replace(str(servers.postgres.port), str(nobody))):
        async with opened(database, url, MUCH) as reading:
            before = counted("replica")
            # then the primary answers
            assert await reads_on(reading, servers.postgres.port)
            assert counted("replica") == before


async def test_what_the_read_itself_refuses_is_not_read_again(reviews: Database, replica: PostgresServer) -> None:
    reads = 0

    async def refuse(_: AsyncSession) -> None:
        nonlocal reads
        reads += 1
        raise InvalidInput("INVALID_CURSOR", "no")

    with pytest.raises(InvalidInput):
        await reviews.report(refuse)
    assert reads == 1

    async def broken(session: AsyncSession) -> None:
        nonlocal reads
        reads += 1
        await session.execute(text("SELECT nothing FROM nowhere"))

    # but a failing statement is the primary's to judge
    with pytest.raises(DBAPIError):
        await reviews.report(broken)
    assert reads == 3


async def test_staff_read_their_own_write_on_the_primary_and_their_colleagues_on_the_replica(
    servers: Servers, database: MarketplaceDatabase, replica: PostgresServer, redis_url: str
) -> None:
    url = on(replica, database, "sellers")
    async with subgraph_under_test(
        "sellers", database.of("sellers"), redis_url, postgres_replica_url=url, postgres_replica_staleness=30.0
    ) as sellers:
        # given a replica that lags, within what it may
        await replayed(servers.postgres, replica, database)
        await pause(replica, database)
        rules = (await sellers.data(RULES, actor=COLLEAGUE))["commissionRules"]
        # when somebody of finance changes the default rate
        wanted = {"idempotencyKey": str(new_id()), "rateBps": 1234}
        changed = (await sellers.data(SET_RULE, {"input": wanted}, actor=FINANCE))["setCommissionRule"]
        assert (changed["userErrors"], changed["commissionRule"]["rateBps"]) == ([], 1234)
        # then the writer sees it, and a colleague what was there before
        seen = (await sellers.data(RULES, actor=FINANCE))["commissionRules"]
        assert seen["edges"] == [{"node": {"rateBps": 1234}}]
        assert (await sellers.data(RULES, actor=COLLEAGUE))["commissionRules"] == rules
        await run(replica, database, "SELECT pg_wal_replay_resume()")


@asynccontextmanager
async def reporting(
    domain: str, database: MarketplaceDatabase, replica: PostgresServer, redis_url: str, secrets: Path
) -> AsyncIterator[SubgraphUnderTest]:
    """The domain with a replica that counts as fresh all the while."""
    ensure_keys(secrets, load_register())
    files = {variable.lower(): secrets / file for variable, file in load_register().get(domain).secrets.items()}
    own = {"postgres_replica_url": on(replica, database, domain), "postgres_replica_staleness": 3600.0}
    settings: dict[str, Any] = {"sealing_public_key_file": secrets / "sealing.pub", **files, **own}
    async with subgraph_under_test(domain, database.of(domain), redis_url, **settings) as subgraph:
        yield subgraph


@pytest.mark.parametrize("domain", REPORTS)
async def test_lists_of_staff_and_sellers_figures_are_read_on_the_replica(
    domain: str,
    servers: Servers,
    database: MarketplaceDatabase,
    replica: PostgresServer,
    redis_url: str,
    tmp_path: Path,
) -> None:
    async with reporting(domain, database, replica, redis_url, tmp_path) as subgraph:
        reader, reports = REPORTS[domain]
        if domain == "accounts":
            reader = (await a_member_of_staff(subgraph, Role.ADMIN)).actor
        await replayed(servers.postgres, replica, database)
        for report in reports:
            # when it is asked, then each of its reads is on the replica
            before, parts = counted("replica", domain), 2 if PAGE in report else 1
            await subgraph.data(f"{{ {report} }}", actor=reader)
            assert counted("replica", domain) == before + parts, report


@pytest.mark.parametrize("domain", NO_REPORTS)
async def test_what_people_look_at_to_act_on_is_read_on_the_primary(
    domain: str, database: MarketplaceDatabase, replica: PostgresServer, redis_url: str, tmp_path: Path
) -> None:
    async with reporting(domain, database, replica, redis_url, tmp_path) as subgraph:
        reader, query = NO_REPORTS[domain]
        before = counted("replica", domain)
        await subgraph.data(f"{{ {query} }}", actor=reader)
        assert counted("replica", domain) == before


async def test_where_redis_does_not_tell_who_has_written_everybody_may_have() -> None:
    (nobody,) = free_ports(1)
    writers = LateWriters(Redis(port=nobody, retry=Retry(NoBackoff(), 0)), "reviews", staleness=timedelta(seconds=1))
    await writers.note("user:a")
    assert await writers.wrote("user:b")
