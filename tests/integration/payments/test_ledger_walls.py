"""What Postgres itself refuses, whatever the code does."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.clock import system_clock
from shared.db.scope import Scope
from shared.ids import new_id
from subgraphs.payments.domain.ledger import CLEARING, COMMISSION, Booking, EntryKind
from subgraphs.payments.repository import ledger
from tests.integration.payments.market import Market

MONEY_TABLES = (
    "payable_group",
    "payable_order",
    "payable_item",
    "payable_seller",
    "payment",
    "payment_attempt",
    "provider_event",
    "refund",
    "refund_line",
    "ledger_account",
    "journal_entry",
    "posting",
    "payout",
    "payout_item",
)


async def test_an_entry_that_does_not_balance_is_refused_at_commit(market: Market) -> None:
    # given a balanced booking
    booking = Booking(EntryKind.CAPTURE, new_id(), "EUR", {CLEARING: 100, COMMISSION: -100})
    database = market.payments.resources.database

    async def book_with_a_cent_too_much() -> None:
        async with database.unit_of_work(Scope.ALL) as uow:
            await ledger.book(uow.session, booking, system_clock())
            one_more = text(
                "INSERT INTO posting (id, entry_id, account_id, amount)"
                " SELECT gen_random_uuid(), p.entry_id, p.account_id, 1 FROM posting p"
                " JOIN journal_entry e ON e.id = p.entry_id WHERE e.reference = :r LIMIT 1"
            )
            await uow.session.execute(one_more, {"r": booking.reference})

    # when a cent is added to it in its transaction
    with pytest.raises(IntegrityError, match="does not balance: 3 postings, sum 1"):
        await book_with_a_cent_too_much()
    # then nothing was booked
    assert await market.postings(booking.reference) == {}


async def test_an_entry_without_postings_and_a_second_booking_are_refused(market: Market) -> None:
    # given a booking that was made
    booking = Booking(EntryKind.CAPTURE, new_id(), "EUR", {CLEARING: 100, COMMISSION: -100})
    database = market.payments.resources.database
    async with database.unit_of_work(Scope.ALL) as uow:
        await ledger.book(uow.session, booking, system_clock())
    # when it is made again, and when an entry comes without postings
    with pytest.raises(IntegrityError, match="journal_entry_kind_reference_key"):
        async with database.unit_of_work(Scope.ALL) as uow:
            await ledger.book(uow.session, booking, system_clock())
    with pytest.raises(IntegrityError, match="does not balance: 0 postings"):
        async with database.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(
                text("INSERT INTO journal_entry VALUES (gen_random_uuid(), 'RELEASE', gen_random_uuid(), 'EUR', now())")
            )
    # then the first is there alone
    assert list(await market.postings(booking.reference)) == ["CAPTURE"]


@pytest.mark.parametrize("table", ["posting", "journal_entry"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET id = gen_random_uuid()"])
async def test_the_ledger_is_append_only(market: Market, table: str, change: str) -> None:
    # given the service's own role, and the owner of the tables
    service = market.payments.resources.database
    # when either tries to change what is booked
    with pytest.raises(DBAPIError, match="permission denied"):
        async with service.unit_of_work(Scope.ALL) as uow:
            await uow.session.execute(text(change.format(table)))
    with pytest.raises(DBAPIError, match="append-only"):
        await market.payments.rows(change.format(table))


async def test_a_group_is_captured_once_and_tried_once_at_a_time(market: Market) -> None:
    # given a captured payment
    group = await market.pay()
    payment_id = (await market.payment(group))["id"]
    insert = (
        "INSERT INTO payment_attempt (id, payment_id, number, provider_key, method, status, due_at, created_at)"
        " VALUES (gen_random_uuid(), :p, {n}, gen_random_uuid(), 'pm_ok', '{status}', now(), now())"
    )
    # when rows say otherwise
    with pytest.raises(IntegrityError, match="payment_attempt_one_capture"):
        await market.payments.rows(insert.format(n=2, status="CAPTURED"), p=payment_id)
    await market.payments.rows(insert.format(n=3, status="PENDING"), p=payment_id)
    with pytest.raises(IntegrityError, match="payment_attempt_one_open"):
        await market.payments.rows(insert.format(n=4, status="AUTHORIZED"), p=payment_id)
    await market.payments.rows("UPDATE payment_attempt SET status = 'DECLINED' WHERE number = 3")


@pytest.mark.parametrize("table", MONEY_TABLES)
async def test_without_a_scope_no_row_is_seen(market: Market, table: str) -> None:
    # given rows in every table
    group = await market.pay()
    await market.refund(group.order(), amount=100)
    # when the service's role reads with no actor, on a connection that had one before
    database = market.payments.resources.database
    async with database.read(Scope.ALL) as session:
        everything = await session.scalar(text(f"SELECT count(*) FROM {table}"))
    async with database.read() as session:
        nothing = await session.scalar(text(f"SELECT count(*) FROM {table}"))
    # then it sees none
    assert everything is not None
    assert nothing == 0


async def test_a_buyer_and_a_seller_write_no_money_row(market: Market) -> None:
    # given a paid order
    group = await market.pay()
    database = market.payments.resources.database
    for scope in (group.buyer.scope(), group.seller().scope()):
        # when its buyer or its seller marks it as refunded
        async with database.unit_of_work(scope) as uow:
            changed = [
                (await uow.session.execute(text(statement))).all()
                for statement in (
                    "UPDATE payable_item SET refunded = 0 RETURNING id",
                    "UPDATE payment SET amount = 1 RETURNING id",
                    "UPDATE payable_group SET total = 1 RETURNING id",
                )
            ]
        # then no row is theirs to change
        assert changed == [[], [], []]
