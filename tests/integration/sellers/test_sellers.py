"""What a seller may do and show, its terms, and what each actor sees, on a real Postgres and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from shared.auth.actor import Actor
from shared.auth.sealing import Unsealer
from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from tests.integration.sellers.people import (
    ADMIN,
    FINANCE,
    SUPPORT,
    a_user,
    acting_for,
    an_applicant,
    an_approved_seller,
    ask,
    do,
    in_review,
    refusal,
    told_of,
)

IBAN = "DE89370400440532013000"
TABLES = ("seller", "seller_member", "verification_case", "verification_document", "commission_rule", "payout_account")
PRIVATE = (
    "id name status members { totalCount } verification { status } commission { rateBps } payoutAccount { masked }"
)


async def count_seen(sellers: SubgraphUnderTest, scope: Scope, seller_id: str) -> dict[str, int]:
    """How many rows of this seller each table shows to a scope, whatever the service would do."""
    seen = {}
    async with sellers.resources.database.read(scope) as session:
        for table in TABLES:
            column = "id" if table == "seller" else "seller_id"
            counted = text(f"SELECT count(*) FROM {table} WHERE {column} = :s")
            seen[table] = int(await session.scalar(counted, {"s": seller_id}) or 0)
    return seen


async def test_the_public_sees_who_sells_and_nothing_private(sellers: SubgraphUnderTest) -> None:
    # given a seller that sells, with an account and a rule of its own
    owner = a_user()
    seller_id = await an_approved_seller(sellers, owner, "Public Mugs")
    member = acting_for(owner, seller_id)
    await do(sellers, "setPayoutAccount", member, sellerId=seller_id, holderName="Ada", accountReference=IBAN)
    await do(sellers, "setCommissionRule", FINANCE, sellerId=seller_id, rateBps=700)
    # when a visitor, its owner and staff ask for it
    query = "query($id: ID!) { seller(id: $id) { %s } }" % PRIVATE  # noqa: UP031 — braces.
    seen = [
        (await sellers.data(query, {"id": seller_id}, actor=actor))["seller"] for actor in (Actor(), owner, SUPPORT)
    ]
    # then the visitor sees its name alone
    everything = {
        "id": seller_id,
        "name": "Public Mugs",
        "status": "APPROVED",
        "members": {"totalCount": 1},
        "verification": {"status": "APPROVED"},
        "commission": {"rateBps": 700},
        "payoutAccount": {"masked": "•••• 3000"},
    }
    nothing: dict[str, Any] = dict.fromkeys(everything)
    assert seen == [nothing | {"id": seller_id, "name": "Public Mugs"}, everything, everything]


async def test_a_suspended_seller_is_not_found_but_by_its_own_and_staff(sellers: SubgraphUnderTest) -> None:
    # given a suspended seller
    owner = a_user()
    seller_id = await an_approved_seller(sellers, owner, "Gone Mugs")
    await do(sellers, "suspendSeller", ADMIN, sellerId=seller_id, reason="Complaints.")
    # when it is asked for by id, by slug and as an entity
    query = 'query($id: ID!) { seller(id: $id) { id } sellerBySlug(slug: "gone-mugs") { id } }'
    public = await sellers.data(query, {"id": seller_id}, actor=a_user())
    entity = await sellers.entities("... on Seller { name }", {"__typename": "Seller", "id": seller_id})
    # then it is not there
    assert (public, entity) == ({"seller": None, "sellerBySlug": None}, [None])
    own = await sellers.data("{ mySeller { id status } }", actor=acting_for(owner, seller_id))
    assert own["mySeller"] == {"id": seller_id, "status": "SUSPENDED"}


async def test_row_level_security_shows_each_table_to_its_own_only(sellers: SubgraphUnderTest) -> None:
    # given an applicant in review, with an account and a rule of its own
    owner = a_user()
    seller_id = await in_review(sellers, owner)
    await do(sellers, "setPayoutAccount", owner, sellerId=seller_id, holderName="Ada", accountReference=IBAN)
    await do(sellers, "setCommissionRule", FINANCE, sellerId=seller_id, rateBps=700)
    rival = acting_for(a_user(), await an_approved_seller(sellers, a_user()))
    # when each scope reads every table as the run-time role
    assert owner.user_id is not None
    own = [Scope.ALL, Scope.of_user(owner.user_id), acting_for(a_user(), seller_id).scope()]
    others = [Scope.PUBLIC, a_user().scope(), rival.scope()]
    # then its own see all of it and the others no row
    everything, nothing = dict.fromkeys(TABLES, 1), dict.fromkeys(TABLES, 0)
    assert [await count_seen(sellers, scope, seller_id) for scope in own] == [everything] * 3
    assert [await count_seen(sellers, scope, seller_id) for scope in others] == [nothing] * 3


async def test_a_stranger_changes_nothing_of_a_seller(sellers: SubgraphUnderTest) -> None:
    # given a public seller and another's member
    seller_id = await an_approved_seller(sellers, a_user())
    rival = acting_for(a_user(), await an_approved_seller(sellers, a_user()))
    before = await sellers.rows("SELECT * FROM seller WHERE id = :s", s=seller_id)
    # when that member tries all that an owner may
    codes = [
        await refusal(sellers, "updateSellerProfile", rival, sellerId=seller_id, name="Mine"),
        await refusal(sellers, "inviteMember", rival, sellerId=seller_id, userId=str(rival.user_id)),
        await refusal(sellers, "setPayoutAccount", rival, sellerId=seller_id, holderName="Eve", accountReference=IBAN),
        await refusal(
            sellers,
            "submitVerification",
            rival,
            sellerId=seller_id,
            documents=[{"kind": "OTHER", "reference": "x"}],
        ),
    ]
    # then it is as though there were no such seller
    assert codes == ["SELLER_NOT_FOUND"] * 4
    assert await sellers.rows("SELECT * FROM seller WHERE id = :s", s=seller_id) == before
    assert await sellers.rows("SELECT 1 FROM payout_account WHERE seller_id = :s", s=seller_id) == []


async def test_an_owner_invites_members_once_each(sellers: SubgraphUnderTest) -> None:
    # given a seller
    owner, colleague = a_user(), a_user()
    seller_id = await an_approved_seller(sellers, owner)
    # when its owner invites a colleague, twice at once
    answers = await asyncio.gather(
        *[ask(sellers, "inviteMember", owner, sellerId=seller_id, userId=str(colleague.user_id)) for _ in range(2)]
    )
    # then there is one member more and one event
    refused = [error for answer in answers for error in answer["data"]["inviteMember"]["userErrors"]]
    assert refused == [{"code": "ALREADY_MEMBER", "field": ["userId"]}]
    assert (await told_of(sellers, seller_id))[3:] == [("seller.member_added", 4)]
    members = "{ mySeller { members { totalCount edges { node { role user { id } } } } } }"
    found = (await sellers.data(members, actor=owner))["mySeller"]["members"]
    assert found == {
        "totalCount": 2,
        "edges": [
            {"node": {"role": "OWNER", "user": {"id": str(owner.user_id)}}},
            {"node": {"role": "MEMBER", "user": {"id": str(colleague.user_id)}}},
        ],
    }
    # and the member may change the profile, but neither invite nor be paid
    member = acting_for(colleague, seller_id)
    await do(sellers, "updateSellerProfile", member, sellerId=seller_id, description="Ours.")
    codes = [
        await refusal(sellers, "inviteMember", member, sellerId=seller_id, userId=str(new_id())),
        await refusal(sellers, "setPayoutAccount", member, sellerId=seller_id, holderName="Eve", accountReference=IBAN),
    ]
    assert codes == ["FORBIDDEN"] * 2


async def test_a_slug_that_is_taken_by_a_hidden_seller_is_refused(sellers: SubgraphUnderTest) -> None:
    # given an application that nobody else sees
    await an_applicant(sellers, a_user(), "Hidden Mugs")
    # when another seller wants its slug, and then one that is free
    owner = a_user()
    seller_id = await an_approved_seller(sellers, owner, "Open Mugs")
    code = await refusal(sellers, "updateSellerProfile", owner, sellerId=seller_id, slug="hidden-mugs", name="New")
    before = await sellers.rows("SELECT name, slug FROM seller WHERE id = :s", s=seller_id)
    await do(sellers, "updateSellerProfile", owner, sellerId=seller_id, slug="open", name="Open")
    # then the first changes nothing and the second all it names
    after = await sellers.rows("SELECT name, slug, version FROM seller WHERE id = :s", s=seller_id)
    assert (code, before) == ("SLUG_TAKEN", [{"name": "Open Mugs", "slug": "open-mugs"}])
    assert after == [{"name": "Open", "slug": "open", "version": 4}]


async def test_a_payout_account_can_be_opened_by_the_private_key_alone(
    sellers: SubgraphUnderTest, unsealer: Unsealer
) -> None:
    # given an owner who gives an account, and then another one
    owner = a_user()
    seller_id = await an_applicant(sellers, owner)
    for reference in ("GB29 NWBK 6016 1331 9268 19", IBAN):
        await do(
            sellers, "setPayoutAccount", owner, sellerId=seller_id, holderName="Ada L.", accountReference=reference
        )
    # then one is kept, sealed
    (kept,) = await sellers.rows("SELECT masked, sealed FROM payout_account WHERE seller_id = :s", s=seller_id)
    assert kept["masked"] == "•••• 3000"
    assert unsealer.unseal(kept["sealed"]) == '{"holder_name":"Ada L.","account_reference":"%s"}' % IBAN  # noqa: UP031
    # and neither number nor holder lies anywhere in clear
    for table in (*TABLES, "outbox", "idempotency_record"):
        (found,) = await sellers.rows(
            f"SELECT count(*) AS n FROM {table} t WHERE t::text LIKE '%0532013000%' OR t::text LIKE '%Ada L.%'"
        )
        assert found == {"n": 0}, table
    # and a wrong check digit is refused with its field
    answer = await ask(
        sellers, "setPayoutAccount", owner, sellerId=seller_id, holderName="Ada", accountReference="DE88" + IBAN[4:]
    )
    assert answer["data"]["setPayoutAccount"]["userErrors"] == [
        {"code": "INVALID_INPUT", "field": ["accountReference"]}
    ]


async def test_without_a_sealing_key_no_account_is_taken(
    database_for: Callable[[str], DomainDatabase], redis_url: str
) -> None:
    # given sellers without a public key
    async with subgraph_under_test("sellers", database_for("sellers"), redis_url) as keyless:
        owner = a_user()
        seller_id = await an_applicant(keyless, owner)
        # when an account is given
        code = await refusal(
            keyless, "setPayoutAccount", owner, sellerId=seller_id, holderName="Ada", accountReference=IBAN
        )
        # then it is refused and nothing is kept
        assert code == "PAYOUT_ACCOUNTS_UNAVAILABLE"
        assert await keyless.rows("SELECT 1 FROM payout_account WHERE seller_id = :s", s=seller_id) == []


async def test_commission_rules_change_one_after_the_other_and_hold_at_the_next_approval(
    sellers: SubgraphUnderTest,
) -> None:
    # given a seller in review
    owner = a_user()
    seller_id = await in_review(sellers, owner)
    # when finance sets its rule ten times at once
    await asyncio.gather(
        *[do(sellers, "setCommissionRule", FINANCE, sellerId=seller_id, rateBps=100 + n) for n in range(10)]
    )
    # then there is one rule, told in the order of its versions
    (rule,) = await sellers.rows("SELECT id, rate_bps, version FROM commission_rule WHERE seller_id = :s", s=seller_id)
    told = [e for e in await sellers.events("commission_rule.changed") if e["payload"]["seller_id"] == seller_id]
    assert [e["payload"]["version"] for e in told] == list(range(1, 11))
    assert {e["payload"]["rule_id"] for e in told} == {str(rule["id"])}
    assert told[-1]["payload"]["rate_bps"] == rule["rate_bps"]
    # and the approval carries it
    await do(sellers, "approveSeller", ADMIN, sellerId=seller_id)
    (approved,) = [e for e in await sellers.events("seller.approved") if e["payload"]["seller_id"] == seller_id]
    assert approved["payload"]["commission_bps"] == rule["rate_bps"]


async def test_the_default_commission_holds_for_all_without_a_rule_of_their_own(sellers: SubgraphUnderTest) -> None:
    # given a seller with a rule and one without
    special, plain = a_user(), a_user()
    special_id = await an_applicant(sellers, special)
    await an_applicant(sellers, plain)
    await do(sellers, "setCommissionRule", FINANCE, sellerId=special_id, rateBps=0)
    # when the default is changed
    default = await do(sellers, "setCommissionRule", ADMIN, rateBps=1250)
    # then it is a new version of the migration's rule and reaches the second seller alone
    assert default == {
        "id": "7d1c0f0e-5b1a-4f53-9c39-2d1f7a6f4e10",
        "rateBps": 1250,
        "version": 2,
        "isDefault": True,
    }
    query = "{ mySeller { commission { rateBps isDefault } } }"
    found = [(await sellers.data(query, actor=actor))["mySeller"]["commission"] for actor in (special, plain)]
    assert found == [{"rateBps": 0, "isDefault": False}, {"rateBps": 1250, "isDefault": True}]
    # and it is told without a seller
    (told,) = [e for e in await sellers.events("commission_rule.changed") if e["payload"]["seller_id"] is None]
    assert (told["aggregate_version"], told["payload"]["rate_bps"]) == (2, 1250)
    # and only finance and admins set or list rules
    assert await refusal(sellers, "setCommissionRule", SUPPORT, rateBps=1) == "FORBIDDEN"
    assert await refusal(sellers, "setCommissionRule", FINANCE, sellerId=str(new_id()), rateBps=1) == "SELLER_NOT_FOUND"
    rules = await sellers.data(
        "{ commissionRules(first: 1) { edges { node { rateBps seller { id } } } } }", actor=FINANCE
    )
    assert rules["commissionRules"]["edges"] == [{"node": {"rateBps": 1250, "seller": None}}]


async def test_the_list_of_sellers_pages_through_those_that_sell(sellers: SubgraphUnderTest) -> None:
    # given three sellers that sell and an application
    ids = [await an_approved_seller(sellers, a_user(), f"Listed {n}") for n in range(3)]
    applicant = a_user()
    applied = await an_applicant(sellers, applicant)
    # when the applicant pages through the list
    query = """query($after: String) { sellers(first: 2, after: $after) {
      totalCount edges { node { id } } pageInfo { hasNextPage endCursor }
    } }"""
    first = (await sellers.data(query, actor=applicant))["sellers"]
    cursor = first["pageInfo"]["endCursor"]
    second = (await sellers.data(query, {"after": cursor}, actor=applicant))["sellers"]
    # then the newest come first and the own application is not among them
    found = [edge["node"]["id"] for edge in first["edges"] + second["edges"]]
    assert found[:3] == ids[::-1]
    selling = await sellers.rows("SELECT 1 FROM seller WHERE status = 'APPROVED'")
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (len(selling), True)
    # and only staff asks for another status
    other = "{ sellers(first: 1, status: APPLIED) { edges { node { id } } } }"
    assert (await sellers.data(other, actor=SUPPORT))["sellers"]["edges"] == [{"node": {"id": applied}}]
    refused = await sellers.execute(other, actor=applicant)
    assert refused["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


async def test_twenty_sellers_cost_one_statement_and_their_private_parts_one_each(sellers: SubgraphUnderTest) -> None:
    # given twenty sellers that sell
    ids = await asyncio.gather(*[an_approved_seller(sellers, a_user(), f"Shop {n}") for n in range(20)])
    references = [{"__typename": "Seller", "id": seller_id} for seller_id in ids]
    # when the public asks for their names
    sellers.reset_statements()
    found = await sellers.entities("... on Seller { id name owner { id } }", *references)
    public = list(sellers.statements)
    # and staff for everything
    sellers.reset_statements()
    await sellers.entities(
        "... on Seller { members(first: 5) { totalCount edges { node { id } } } commission { rateBps }"
        " verification { documents { kind } } payoutAccount { masked } }",
        *references,
        actor=ADMIN,
    )
    # then the names come from one statement, and each further part costs its scope and one statement
    assert [seller["id"] for seller in found] == list(ids)
    assert len(public) == 1
    assert len(sellers.statements) == 2 * len(
        ["sellers", "members", "count", "rules", "cases", "documents", "accounts"]
    )
