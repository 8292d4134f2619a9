"""Tells Prometheus whether the books balance, and what the provider still owes an answer to."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from shared.clock import Clock
from shared.db.database import Database
from shared.db.scope import Scope
from shared.telemetry.labels import Capped
from shared.telemetry.metrics import LEDGER_BALANCE, LEDGER_IMBALANCE, PROVIDER_WORK, PROVIDER_WORK_OVERDUE
from subgraphs.payments.domain.ledger import AccountKind
from subgraphs.payments.domain.payment import PaymentAttempt
from subgraphs.payments.domain.payout import Payout
from subgraphs.payments.domain.refund import Refund
from subgraphs.payments.repository import due, ledger

WORK: dict[str, type[Any]] = {"charge": PaymentAttempt, "refund": Refund, "payout": Payout}
MOST_CURRENCIES = 20
SUMMED_EVERY = timedelta(minutes=1)


class LedgerFigures:
    """By currency; what there is beyond the first twenty is told as `other`.

    An empty ledger costs nothing to look at; one with postings is summed up once a minute.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._due: datetime | None = None
        self._currency = Capped(MOST_CURRENCIES)

    async def measure(self) -> None:
        now = self._clock()
        if self._due is not None and now < self._due:
            return
        async with self._database.read(Scope.ALL) as session:
            balances = await ledger.trial_balances(session)
        self._due = now + SUMMED_EVERY if balances else None
        sums: dict[str, int] = defaultdict(int)
        by_kind: dict[tuple[AccountKind, str], int] = defaultdict(int)
        for (currency, kind), amount in balances.items():
            sums[currency] += amount
            by_kind[kind, self._currency(currency)] += amount
        for (kind, label), amount in by_kind.items():
            LEDGER_BALANCE.labels(kind, label).set(amount)
        imbalances: dict[str, int] = defaultdict(int)
        for currency, amount in sums.items():
            label = self._currency(currency)
            # Currencies that share a label must not make up for one another.
            imbalances[label] += amount if label == currency else abs(amount)
        for label, amount in imbalances.items():
            LEDGER_IMBALANCE.labels(label).set(amount)


async def measure_provider_work(database: Database, clock: Clock) -> None:
    async with database.read(Scope.ALL) as session:
        found = {name: await due.count_open(session, kind) for name, kind in WORK.items()}
    now = clock()
    for name, (count, first) in found.items():
        PROVIDER_WORK.labels(name).set(count)
        PROVIDER_WORK_OVERDUE.labels(name).set(max(0.0, (now - first).total_seconds()) if first else 0.0)
