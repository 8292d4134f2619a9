"""What Prometheus is told of the books and of the provider's debts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from shared.clock import system_clock
from shared.db.scope import Scope
from shared.ids import new_id
from subgraphs.payments.domain.ledger import CLEARING, COMMISSION, Booking, EntryKind
from subgraphs.payments.repository import ledger
from subgraphs.payments.service import figures
from subgraphs.payments.service.figures import LedgerFigures, measure_provider_work
from tests.integration.payments.market import Market


def imbalance(currency: str) -> float | None:
    return REGISTRY.get_sample_value("ledger_imbalance_cents", {"currency": currency})


def balance(kind: str, currency: str) -> float | None:
    return REGISTRY.get_sample_value("ledger_balance_cents", {"kind": kind, "currency": currency})


async def book(market: Market, currency: str, cents: int) -> None:
    booking = Booking(EntryKind.CAPTURE, new_id(), currency, {CLEARING: cents, COMMISSION: -cents})
    async with market.payments.resources.database.unit_of_work(Scope.ALL) as uow:
        await ledger.book(uow.session, booking, system_clock())


async def tamper(market: Market, currency: str, cents: int) -> None:
    """As only a superuser could, past the constraint."""
    async with market.payments.admin.begin() as connection:
        await connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        await connection.exec_driver_sql(
            "UPDATE payments.posting SET amount = amount + $1 WHERE id = (SELECT p.id FROM payments.posting p"
            " JOIN payments.ledger_account a ON a.id = p.account_id WHERE a.currency = $2 ORDER BY p.id LIMIT 1)",
            (cents, currency),
        )


async def test_books_that_balance_show_zero_and_a_cent_too_much_shows_under_its_currency(market: Market) -> None:
    # given bookings in two currencies
    await book(market, "EUR", 300)
    await book(market, "SEK", 500)
    now = system_clock()
    told = LedgerFigures(market.payments.resources.database, lambda: now)
    # when the books are measured, then they balance
    await told.measure()
    assert (imbalance("EUR"), imbalance("SEK")) == (0, 0)
    assert (balance("PROVIDER_CLEARING", "SEK"), balance("PLATFORM_COMMISSION", "SEK")) == (500, -500)
    # and once somebody has tampered with them, they do not: seen when they are next summed up, after a minute
    await tamper(market, "SEK", 1)
    now += timedelta(seconds=59)
    await told.measure()
    assert imbalance("SEK") == 0
    now += timedelta(seconds=1)
    await told.measure()
    assert (imbalance("EUR"), imbalance("SEK")) == (0, 1)
    await tamper(market, "SEK", -1)


async def test_currencies_beyond_the_cap_share_a_label_and_do_not_make_up_for_one_another(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given more currencies than are told apart, two of them out of balance by the same amount
    for currency in ("AUD", "BRL", "CAD", "CHF"):
        await book(market, currency, 100)
    monkeypatch.setattr(figures, "MOST_CURRENCIES", 0)
    await tamper(market, "AUD", 7)
    await tamper(market, "BRL", -7)
    # when the books are measured
    await LedgerFigures(market.payments.resources.database, system_clock).measure()
    # then one label shows both
    assert imbalance("other") == 14
    await tamper(market, "AUD", -7)
    await tamper(market, "BRL", 7)


async def test_what_the_provider_owes_an_answer_to_is_counted_and_ages(market: Market) -> None:
    # given nothing that is open
    database, clock = market.payments.resources.database, market.payments.clock
    await measure_provider_work(database, clock)
    kinds = ("charge", "refund", "payout")
    before = [REGISTRY.get_sample_value("provider_work_open", {"kind": kind}) for kind in kinds]
    # when a charge has been due for a minute
    group = await market.pay(([(1_000, 0)], 0))
    await market.payments.rows(
        "UPDATE payment_attempt SET status = 'PENDING', due_at = :due WHERE payment_id IN"
        " (SELECT id FROM payment WHERE group_id = :g)",
        due=clock() - timedelta(minutes=1),
        g=group.id,
    )
    await measure_provider_work(database, clock)
    # then it shows
    after = [REGISTRY.get_sample_value("provider_work_open", {"kind": kind}) for kind in kinds]
    assert [now - then for now, then in zip(after, before, strict=True) if now is not None and then is not None] == [
        1,
        0,
        0,
    ]
    overdue = REGISTRY.get_sample_value("provider_work_overdue_seconds", {"kind": "charge"})
    assert overdue is not None
    assert 60 <= overdue < 120
