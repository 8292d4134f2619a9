"""A person who is forgotten: told twice, late, early, and while they act."""

from __future__ import annotations

import asyncio

from shared.ids import new_id
from shared.testing.eventually import eventually
from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.sellers.domain.commands import ApplyAsSeller
from subgraphs.sellers.service.applications import Applications
from tests.integration.sellers.people import (
    ADMIN,
    a_user,
    an_applicant,
    an_approved_seller,
    do,
    erase,
    in_review,
    refusal,
    told_of,
)

IBAN = "DE89370400440532013000"


async def test_an_erased_owner_leaves_a_closed_seller_without_a_name(sellers: SubgraphUnderTest) -> None:
    # given a seller that sells, with a member and an account
    owner, colleague = a_user(), a_user()
    seller_id = await an_approved_seller(sellers, owner, "Ada Lovelace Mugs")
    await do(sellers, "inviteMember", owner, sellerId=seller_id, userId=str(colleague.user_id))
    await do(sellers, "setPayoutAccount", owner, sellerId=seller_id, holderName="Ada", accountReference=IBAN)
    # when the owner is erased, and the event comes twice
    event_id = new_id()
    for _ in range(2):
        await sellers.deliver("user.erasure_requested", {"user_id": str(owner.user_id)}, event_id=event_id)
    # then the ids stay and everything personal is gone
    (kept,) = await sellers.rows("SELECT * FROM seller WHERE id = :s", s=seller_id)
    assert (kept["status"], kept["name"], kept["description"], kept["version"]) == ("CLOSED", "Closed seller", "", 5)
    assert kept["slug"].startswith("closed-")
    for table in ("seller_member", "verification_document", "payout_account"):
        assert await sellers.rows(f"SELECT 1 FROM {table} WHERE seller_id = :s", s=seller_id) == [], table
    # and the others are told once that it does not sell any more
    suspended = [e for e in await sellers.events("seller.suspended") if e["payload"]["seller_id"] == seller_id]
    assert [event["payload"] for event in suspended] == [
        {
            "seller_id": seller_id,
            "version": 5,
            "owner_id": str(owner.user_id),
            "actor_id": str(owner.user_id),
            "reason": "OWNER_ERASED",
        }
    ]
    # and nobody brings it back
    assert await refusal(sellers, "reinstateSeller", ADMIN, sellerId=seller_id) == "INVALID_SELLER_STATUS"


async def test_an_erasure_told_again_under_another_id_changes_nothing_more(sellers: SubgraphUnderTest) -> None:
    # given an erased owner
    owner = a_user()
    seller_id = await an_approved_seller(sellers, owner)
    await erase(sellers, owner)
    before = await sellers.rows("SELECT * FROM seller WHERE id = :s", s=seller_id)
    # when another erasure of the same person comes
    await erase(sellers, owner)
    # then nothing changes and nothing more is told
    assert await sellers.rows("SELECT * FROM seller WHERE id = :s", s=seller_id) == before
    assert len(await told_of(sellers, seller_id)) == 4


async def test_an_application_in_review_leaves_the_queue_with_its_applicant(sellers: SubgraphUnderTest) -> None:
    # given an application in review
    owner = a_user()
    seller_id = await in_review(sellers, owner)
    # when the applicant is erased
    await erase(sellers, owner)
    # then its case is withdrawn, and the others hear nothing: they never knew it to sell
    cases = await sellers.rows("SELECT status, decided_by FROM verification_case WHERE seller_id = :s", s=seller_id)
    assert cases == [{"status": "WITHDRAWN", "decided_by": owner.user_id}]
    assert [name for name, _ in await told_of(sellers, seller_id)] == [
        "seller.applied",
        "seller.verification_submitted",
    ]
    assert await refusal(sellers, "approveSeller", ADMIN, sellerId=seller_id) == "INVALID_SELLER_STATUS"


async def test_an_application_or_invitation_after_the_erasure_is_refused(sellers: SubgraphUnderTest) -> None:
    # given a person who was erased before sellers knew them
    gone, owner = a_user(), a_user()
    await erase(sellers, gone)
    seller_id = await an_approved_seller(sellers, owner)
    # when their token, still valid for minutes, applies, and somebody invites them
    codes = [
        await refusal(sellers, "applyAsSeller", gone, name="Late"),
        await refusal(sellers, "inviteMember", owner, sellerId=seller_id, userId=str(gone.user_id)),
    ]
    # then both are refused and nothing is kept
    assert codes == ["FORBIDDEN", "USER_NOT_FOUND"]
    assert await sellers.rows("SELECT 1 FROM seller WHERE owner_id = :o", o=gone.user_id) == []
    assert await sellers.rows("SELECT 1 FROM seller_member WHERE user_id = :o", o=gone.user_id) == []


async def test_a_member_who_is_erased_leaves_the_seller_as_it_is(sellers: SubgraphUnderTest) -> None:
    # given a seller with a member
    owner, colleague = a_user(), a_user()
    seller_id = await an_approved_seller(sellers, owner)
    await do(sellers, "inviteMember", owner, sellerId=seller_id, userId=str(colleague.user_id))
    # when the member is erased
    await erase(sellers, colleague)
    # then the membership alone is gone
    members = await sellers.rows("SELECT user_id FROM seller_member WHERE seller_id = :s", s=seller_id)
    assert members == [{"user_id": owner.user_id}]
    assert await sellers.rows("SELECT status FROM seller WHERE id = :s", s=seller_id) == [{"status": "APPROVED"}]


async def test_an_erasure_waits_for_its_person_s_application_and_closes_it(sellers: SubgraphUnderTest) -> None:
    # given an application that has decided but not committed
    owner = a_user()
    applications = Applications(sellers.resources.outbox, sellers.resources.clock)
    command = ApplyAsSeller(idempotency_key="not-used", name="Racing Mugs")

    async def somebody_waits() -> bool:
        locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = :d"
        (database,) = await sellers.rows("SELECT oid FROM pg_database WHERE datname = current_database()")
        return bool(await sellers.rows(locks, d=database["oid"]))

    async with sellers.resources.database.unit_of_work(owner.scope()) as uow:
        outcome = await applications.apply(uow, owner, command)
        # when its person's erasure comes meanwhile
        erasure = asyncio.create_task(erase(sellers, owner))
        await eventually("an erasure that waits for the application", somebody_waits)
    await erasure
    # then it has waited and found what was applied for
    rows = await sellers.rows("SELECT status, name FROM seller WHERE id = :s", s=outcome.ids["seller"])
    assert rows == [{"status": "CLOSED", "name": "Closed seller"}]


async def test_an_erased_person_of_whom_nothing_is_known_is_only_noted(sellers: SubgraphUnderTest) -> None:
    stranger = a_user()
    other_id = await an_applicant(sellers, a_user())
    await erase(sellers, stranger)
    noted = await sellers.rows("SELECT user_id FROM erased_user WHERE user_id = :u", u=stranger.user_id)
    assert noted == [{"user_id": stranger.user_id}]
    assert await sellers.rows("SELECT status FROM seller WHERE id = :s", s=other_id) == [{"status": "APPLIED"}]
