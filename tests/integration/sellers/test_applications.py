"""From an application to a seller that sells, on a real Postgres and Redis."""

from __future__ import annotations

import asyncio

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.sellers.people import (
    ADMIN,
    FINANCE,
    PASSPORT,
    SUPPORT,
    a_user,
    acting_for,
    an_applicant,
    an_approved_seller,
    ask,
    do,
    in_review,
    keyed,
    refusal,
    told_of,
)


async def test_an_applicant_is_asked_for_changes_approved_suspended_and_reinstated(sellers: SubgraphUnderTest) -> None:
    # given an application
    owner = a_user()
    seller_id = await an_applicant(sellers, owner, "Ada & Sons")
    # when it goes through every station
    stations = [
        await do(sellers, "submitVerification", owner, sellerId=seller_id, documents=[PASSPORT]),
        await do(sellers, "requestChanges", SUPPORT, sellerId=seller_id, reason="Unreadable."),
        await do(sellers, "submitVerification", owner, sellerId=seller_id, documents=[PASSPORT, PASSPORT]),
        await do(sellers, "approveSeller", SUPPORT, sellerId=seller_id),
        await do(sellers, "suspendSeller", ADMIN, sellerId=seller_id, reason="Complaints."),
        await do(sellers, "reinstateSeller", ADMIN, sellerId=seller_id),
    ]
    # then each step leads on and is told once, versions without a gap
    assert [station["status"] for station in stations] == [
        "IN_REVIEW",
        "CHANGES_REQUESTED",
        "IN_REVIEW",
        "APPROVED",
        "SUSPENDED",
        "APPROVED",
    ]
    assert await told_of(sellers, seller_id) == [
        ("seller.applied", 1),
        ("seller.verification_submitted", 2),
        ("seller.changes_requested", 3),
        ("seller.verification_submitted", 4),
        ("seller.approved", 5),
        ("seller.suspended", 6),
        ("seller.reinstated", 7),
    ]
    # and the approval carries the commission that holds
    (approved,) = [e for e in await sellers.events("seller.approved") if str(e["aggregate_id"]) == seller_id]
    assert approved["payload"] == {
        "seller_id": seller_id,
        "version": 5,
        "owner_id": str(owner.user_id),
        "name": "Ada & Sons",
        "actor_id": str(SUPPORT.user_id),
        "commission_bps": 1000,
    }


async def test_each_submission_is_a_case_of_its_own_that_is_decided_once(sellers: SubgraphUnderTest) -> None:
    # given a seller that had to submit twice
    owner = a_user()
    seller_id = await in_review(sellers, owner)
    await do(sellers, "requestChanges", SUPPORT, sellerId=seller_id, reason="Unreadable.")
    await do(sellers, "submitVerification", owner, sellerId=seller_id, documents=[PASSPORT])
    # when it is approved
    await do(sellers, "approveSeller", ADMIN, sellerId=seller_id)
    # then the first case keeps its verdict, and its owner reads the newest
    cases = await sellers.rows(
        "SELECT status, reason, decided_by FROM verification_case WHERE seller_id = :s ORDER BY submitted_at",
        s=seller_id,
    )
    assert [(case["status"], case["reason"], case["decided_by"]) for case in cases] == [
        ("CHANGES_REQUESTED", "Unreadable.", SUPPORT.user_id),
        ("APPROVED", "", ADMIN.user_id),
    ]
    found = await sellers.data(
        "{ mySeller { verification { status reason documents { kind reference } } } }", actor=owner
    )
    assert found["mySeller"]["verification"] == {"status": "APPROVED", "reason": "", "documents": [PASSPORT]}


async def test_a_step_from_the_wrong_status_is_refused_and_changes_nothing(sellers: SubgraphUnderTest) -> None:
    # given an application without documents
    seller_id = await an_applicant(sellers, a_user())
    # when staff decides on what was not handed in, or ends what has not begun
    codes = [
        await refusal(sellers, "approveSeller", ADMIN, sellerId=seller_id),
        await refusal(sellers, "requestChanges", ADMIN, sellerId=seller_id, reason="?"),
        await refusal(sellers, "suspendSeller", ADMIN, sellerId=seller_id, reason="?"),
        await refusal(sellers, "reinstateSeller", ADMIN, sellerId=seller_id),
    ]
    # then nothing happens
    assert codes == ["INVALID_SELLER_STATUS"] * 4
    assert await told_of(sellers, seller_id) == [("seller.applied", 1)]


async def test_only_the_right_staff_decides_and_never_on_its_own_seller(sellers: SubgraphUnderTest) -> None:
    # given a seller in review whose owner works in support
    owner = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT, Role.ADMIN}))
    seller_id = await in_review(sellers, owner)
    # when everybody who may not decide tries to
    codes = [
        await refusal(sellers, "approveSeller", owner, sellerId=seller_id),
        await refusal(sellers, "approveSeller", a_user(), sellerId=seller_id),
        await refusal(sellers, "approveSeller", FINANCE, sellerId=seller_id),
        await refusal(sellers, "suspendSeller", SUPPORT, sellerId=seller_id, reason="?"),
        await refusal(sellers, "rejectSeller", Actor(), sellerId=seller_id, reason="?"),
    ]
    # then it waits on
    assert codes == ["FORBIDDEN"] * 4 + ["UNAUTHENTICATED"]
    rows = await sellers.rows("SELECT status FROM seller WHERE id = :s", s=seller_id)
    assert rows == [{"status": "IN_REVIEW"}]


async def test_a_person_applies_once_at_a_time_however_many_requests_come_at_once(sellers: SubgraphUnderTest) -> None:
    # when one person applies ten times at once
    owner = a_user()
    answers = await asyncio.gather(*[ask(sellers, "applyAsSeller", owner, name=f"Shop {n}") for n in range(10)])
    # then one application is kept
    refused = [error["code"] for a in answers for error in a["data"]["applyAsSeller"]["userErrors"]]
    assert refused == ["APPLICATION_EXISTS"] * 9
    (kept,) = await sellers.rows("SELECT id FROM seller WHERE owner_id = :o", o=owner.user_id)
    # and after its rejection a new one is taken
    await do(sellers, "rejectSeller", SUPPORT, sellerId=str(kept["id"]), reason="Incomplete.")
    again = await an_applicant(sellers, owner)
    found = await sellers.data("{ mySeller { id status } }", actor=owner)
    assert found["mySeller"] == {"id": again, "status": "APPLIED"}


async def test_sellers_of_one_name_get_slugs_of_their_own(sellers: SubgraphUnderTest) -> None:
    # when three people apply under one name at once
    owners = [a_user() for _ in range(3)]
    ids = await asyncio.gather(*[an_applicant(sellers, owner, "Café Zoë") for owner in owners])
    # then one has the plain slug and the others one with their id's beginning
    rows = await sellers.rows("SELECT id, slug FROM seller WHERE name = 'Café Zoë'")
    slugs = {str(row["id"]): row["slug"] for row in rows}
    assert sorted(slugs) == sorted(ids)
    plain = [seller_id for seller_id, slug in slugs.items() if slug == "cafe-zoe"]
    assert len(plain) == 1
    assert all(slug == f"cafe-zoe-{i.replace('-', '')[:6]}" for i, slug in slugs.items() if i not in plain)


async def test_the_same_key_applies_once(sellers: SubgraphUnderTest) -> None:
    # given an application with a key
    owner = a_user()
    mutation = "mutation($input: ApplyAsSellerInput!) { applyAsSeller(input: $input) { seller { id } } }"
    variables = keyed(name="Twice")
    first = await sellers.data(mutation, variables, actor=owner)
    # when it is sent again with an emptied Redis
    await sellers.resources.redis.flushall()
    again = await sellers.data(mutation, variables, actor=owner)
    # then the answer is the same and nothing more was told
    assert again == first
    assert await told_of(sellers, first["applyAsSeller"]["seller"]["id"]) == [("seller.applied", 1)]


async def test_invalid_documents_are_refused_with_their_field(sellers: SubgraphUnderTest) -> None:
    # given an application
    owner = a_user()
    seller_id = await an_applicant(sellers, owner)
    # when nothing, and then an empty reference, is handed in
    empty = {"kind": "TAX", "reference": "  "}
    answers = [
        await ask(sellers, "submitVerification", owner, sellerId=seller_id, documents=documents)
        for documents in ([], [PASSPORT, empty])
    ]
    # then the fields are named
    assert [answer["data"]["submitVerification"]["userErrors"] for answer in answers] == [
        [{"code": "INVALID_INPUT", "field": ["documents"]}],
        [{"code": "INVALID_INPUT", "field": ["documents", "1", "reference"]}],
    ]


async def test_the_queue_holds_what_waits_oldest_first(sellers: SubgraphUnderTest) -> None:
    # given two sellers in review and one that was decided on
    first = await in_review(sellers, a_user(), "First")
    decided = await in_review(sellers, a_user(), "Decided")
    second = await in_review(sellers, a_user(), "Second")
    await do(sellers, "rejectSeller", SUPPORT, sellerId=decided, reason="No.")
    # when support opens the queue
    query = "{ verificationQueue(last: 2) { totalCount edges { node { status seller { id name } } } } }"
    queue = (await sellers.data(query, actor=SUPPORT))["verificationQueue"]
    # then the newest two are these, in the order they came
    assert queue["edges"] == [
        {"node": {"status": "SUBMITTED", "seller": {"id": first, "name": "First"}}},
        {"node": {"status": "SUBMITTED", "seller": {"id": second, "name": "Second"}}},
    ]
    waiting = await sellers.rows("SELECT 1 FROM verification_case WHERE status = 'SUBMITTED'")
    assert queue["totalCount"] == len(waiting)
    # and nobody else may
    for actor in (FINANCE, a_user()):
        answer = await sellers.execute(query, actor=actor)
        assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


async def test_approving_and_rejecting_at_once_decides_once(sellers: SubgraphUnderTest) -> None:
    # given a seller in review
    seller_id = await in_review(sellers, a_user())
    # when two of staff decide at the same moment
    answers = await asyncio.gather(
        ask(sellers, "approveSeller", SUPPORT, sellerId=seller_id),
        ask(sellers, "rejectSeller", ADMIN, sellerId=seller_id, reason="No."),
    )
    # then one is refused and one verdict was told
    payloads = [next(iter(answer["data"].values())) for answer in answers]
    assert sorted(len(payload["userErrors"]) for payload in payloads) == [0, 1]
    assert len(await told_of(sellers, seller_id)) == 3


async def test_an_approved_seller_cannot_apply_again(sellers: SubgraphUnderTest) -> None:
    owner = a_user()
    seller_id = await an_approved_seller(sellers, owner)
    assert await refusal(sellers, "applyAsSeller", acting_for(owner, seller_id), name="More") == "APPLICATION_EXISTS"
    assert await sellers.rows("SELECT id FROM seller WHERE owner_id = :o AND name = 'More'", o=owner.user_id) == []
