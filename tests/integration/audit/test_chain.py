"""The audit log on a real Postgres: every event once, one unbroken line, and no way to bend it unseen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.auth.actor import Actor, Role
from shared.clock import system_clock
from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.servers import Servers
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from subgraphs.audit.consumers import consumers
from subgraphs.audit.service import AuditService

ADMIN = Actor(user_id=new_id(), roles=frozenset({Role.ADMIN}))
LOG = """query($filter: AuditFilter, $first: Int, $after: String) {
  auditLog(filter: $filter, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { position action actor { id } targetId details } } } }"""
VERIFY = "{ verifyAuditChain { intact checked brokenAt } }"


@pytest.fixture
async def audit(servers: Servers, redis_url: str) -> AsyncIterator[SubgraphUnderTest]:
    database = servers.new_database()
    async with subgraph_under_test("audit", database.of("audit"), redis_url) as subgraph:
        yield subgraph
    servers.drop(database)


async def approve(audit: SubgraphUnderTest, *, event_id: UUID | None = None, actor_id: UUID | None = None) -> UUID:
    seller_id = new_id()
    await audit.deliver(
        "seller.approved",
        {
            "seller_id": str(seller_id),
            "version": 2,
            "owner_id": str(new_id()),
            "name": "Potters",
            "actor_id": str(actor_id or new_id()),
            "commission_bps": 1000,
        },
        event_id=event_id,
        aggregate_id=seller_id,
    )
    return seller_id


async def verified(audit: SubgraphUnderTest) -> dict[str, Any]:
    found: dict[str, Any] = (await audit.data(VERIFY, actor=ADMIN))["verifyAuditChain"]
    return found


async def tamper(audit: SubgraphUnderTest, statement: str) -> None:
    """As somebody with all the rights there are would do it."""
    await audit.rows("ALTER TABLE audit_entry DISABLE TRIGGER audit_entry_append_only")
    await audit.rows(statement)


async def test_an_event_becomes_one_entry_with_its_actor_and_target(audit: SubgraphUnderTest) -> None:
    # given an approval by an administrator, delivered twice
    event_id = new_id()
    seller_id = await approve(audit, event_id=event_id, actor_id=ADMIN.user_id)
    await approve(audit, event_id=event_id)
    # when the log is read
    log = (await audit.data(LOG, actor=ADMIN))["auditLog"]
    # then there is one entry that says who did what to whom
    assert log["totalCount"] == 1
    (entry,) = [edge["node"] for edge in log["edges"]]
    assert (entry["position"], entry["action"], entry["actor"], entry["targetId"]) == (
        1,
        "seller.approved",
        {"id": str(ADMIN.user_id)},
        str(seller_id),
    )
    assert '"commission_bps":1000' in entry["details"]


async def test_entries_that_come_side_by_side_form_one_line(audit: SubgraphUnderTest) -> None:
    await asyncio.gather(*[approve(audit) for _ in range(30)])
    assert await verified(audit) == {"intact": True, "checked": 30, "brokenAt": None}


async def test_pages_and_filters_find_what_is_asked_for(audit: SubgraphUnderTest) -> None:
    sellers = [str(await approve(audit)) for _ in range(5)]
    first = (await audit.data(LOG, {"first": 2}, actor=ADMIN))["auditLog"]
    after = {"first": 2, "after": first["pageInfo"]["endCursor"]}
    second = (await audit.data(LOG, after, actor=ADMIN))["auditLog"]
    assert [e["node"]["position"] for e in first["edges"] + second["edges"]] == [5, 4, 3, 2]
    one = (await audit.data(LOG, {"filter": {"targetId": sellers[2]}}, actor=ADMIN))["auditLog"]
    assert [e["node"]["position"] for e in one["edges"]] == [3]


@pytest.mark.parametrize(
    ("statement", "broken_at"),
    [
        ("UPDATE audit_entry SET details = '{}' WHERE position = 3", 3),
        ("UPDATE audit_entry SET actor_id = gen_random_uuid() WHERE position = 1", 1),
        ("DELETE FROM audit_entry WHERE position = 2", 2),
        ("UPDATE audit_entry SET recorded_at = now() + interval '1 day' WHERE position = 5", 5),
    ],
)
async def test_whatever_is_altered_is_found_at_its_place(
    audit: SubgraphUnderTest, statement: str, broken_at: int
) -> None:
    for _ in range(5):
        await approve(audit)
    await tamper(audit, statement)
    assert await verified(audit) == {"intact": False, "checked": broken_at - 1, "brokenAt": broken_at}


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET action = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry"]
)
async def test_the_service_itself_cannot_alter_an_entry(audit: SubgraphUnderTest, statement: str) -> None:
    await approve(audit)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with audit.resources.database.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(text(statement))
    assert (await verified(audit))["checked"] == 1


async def test_an_entry_holds_no_name_address_or_token_even_sealed(audit: SubgraphUnderTest) -> None:
    # given a registration, whose event carries address and token sealed, and an approval with the shop's name
    user_id = str(new_id())
    sealed = {"sealed_email": "c2VhbGVk", "sealed_verification_token": "dG9rZW4="}
    await audit.deliver("user.registered", {"user_id": user_id, "locale": "en"} | sealed)
    await approve(audit)
    # when the entries are read
    registered, approved = await audit.rows("SELECT details FROM audit_entry ORDER BY position")
    # then what an erasure would have to reach is not in them, and the chain holds
    assert registered["details"] == f'{{"locale":"en","user_id":"{user_id}"}}'
    assert "Potters" not in approved["details"]
    assert await verified(audit) == {"intact": True, "checked": 2, "brokenAt": None}


async def test_only_an_administrator_reads_the_log(audit: SubgraphUnderTest) -> None:
    await approve(audit)
    for actor, code in (
        (Actor(), "UNAUTHENTICATED"),
        (Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT})), "FORBIDDEN"),
    ):
        answer = await audit.execute(LOG, actor=actor)
        assert answer["errors"][0]["extensions"] == {"code": code}
        assert answer["data"] is None


def test_everything_sensitive_is_recorded_and_nothing_else() -> None:
    (consumer,) = consumers(AuditService(system_clock))
    assert {"seller.approved", "refund.succeeded", "payout.paid", "user.registered"} <= set(consumer.handlers)
    assert {"notifications.email", "inventory.stock_changed"} & set(consumer.handlers) == set()
