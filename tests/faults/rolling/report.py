"""What a run of rolling restarts has shown, as a table to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.devstack.screen import Screen
from tests.faults.rolling.deliveries import Deliveries
from tests.faults.rolling.load import Load, Request
from tests.faults.rolling.market import Restart, RollingMarket


@dataclass(frozen=True, slots=True)
class Outcome:
    """`before` and `after` by domain; `settled`: whether all events had arrived a minute after the load; `broken`
    invariants by name."""

    load: Load
    seconds: float
    before: Mapping[str, Deliveries]
    after: Mapping[str, Deliveries]
    settled: bool
    broken: Mapping[str, Any]

    @property
    def is_good(self) -> bool:
        return self.settled and not self.load.failures and not self.broken and bool(self.load.confirmed)


def show(outcome: Outcome, market: RollingMarket, screen: Screen) -> None:
    columns = ("service", "restarts", "requests meanwhile", "failed", "longest drain", "by force")
    names = dict.fromkeys(restart.service for restart in market.restarts)
    screen.show_table(columns, [_row(name, outcome.load, market.restarts) for name in names])
    rows = []
    for domain, after in outcome.after.items():
        before = outcome.before[domain]
        written, due = after.written - before.written, after.due - before.due
        rows.append([domain, str(written), str(due), str(due - after.missing), str(after.missing), str(after.unsent)])
    screen.show_table(("events of", "written", "due", "delivered", "lost", "unsent"), rows)
    requests, failures = outcome.load.requests, outcome.load.failures
    screen.console.print(
        f"{len(requests)} requests in {outcome.seconds:.0f} s, {len(failures)} failed; {outcome.load.confirmed} orders"
        f" confirmed; {sum(restart.forced for restart in market.restarts)} processes ended by force;"
        f" broken invariants: {dict(outcome.broken) or 'none'}"
    )
    told = Counter(f"during {_during(failure, market.restarts)}: {failure.failure}" for failure in failures)
    for failure, times in told.most_common(20):
        screen.console.print(f"  {times} x {failure}", markup=False)


def _row(name: str, load: Load, restarts: list[Restart]) -> list[str]:
    own = [restart for restart in restarts if restart.service == name]
    meanwhile = [request for request in load.requests if any(_overlaps(request, restart) for restart in own)]
    return [
        name,
        str(len(own)),
        str(len(meanwhile)),
        str(sum(bool(request.failure) for request in meanwhile)),
        f"{max(restart.drain for restart in own):.1f} s",
        str(sum(restart.forced for restart in own)),
    ]


def _overlaps(request: Request, restart: Restart) -> bool:
    return request.begun <= restart.ended and request.ended >= restart.begun


def _during(request: Request, restarts: list[Restart]) -> str:
    return ", ".join(restart.service for restart in restarts if _overlaps(request, restart)) or "no restart"
