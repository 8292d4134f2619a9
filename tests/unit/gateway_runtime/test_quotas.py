"""How much a partner may ask in a minute, a day and a month, and when it may ask again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.errors import RequestRefused
from gateway.security.quotas import LocalCounters, PartnerLimits, Quotas


class Clock:
    def __init__(self, moment: str) -> None:
        self.now = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()

    def __call__(self) -> float:
        return self.now


async def outcome(quotas: Quotas, limits: PartnerLimits, client: str = "c1") -> tuple[str, int | None]:
    try:
        await quotas.admit(client, limits)
    except RequestRefused as refusal:
        return refusal.code, refusal.retry_after
    return "admitted", None


@pytest.mark.parametrize(
    ("limits", "moment", "code", "wait"),
    [
        (PartnerLimits(requests_per_minute=2), "2026-11-26T10:00:45", "RATE_LIMITED", 15),
        (PartnerLimits(operations_per_day=2), "2026-11-26T23:59:00", "QUOTA_EXCEEDED", 60),
        (PartnerLimits(operations_per_month=2), "2026-12-31T23:00:00", "QUOTA_EXCEEDED", 3600),
    ],
)
async def test_a_window_admits_its_limit_and_the_next_begins_anew(
    limits: PartnerLimits, moment: str, code: str, wait: int
) -> None:
    clock = Clock(moment)
    quotas = Quotas(LocalCounters(), clock)
    seen = [await outcome(quotas, limits) for _ in range(3)]
    assert seen == [("admitted", None), ("admitted", None), (code, wait)]
    assert await outcome(quotas, limits, "c2") == ("admitted", None)
    clock.now += wait
    assert await outcome(quotas, limits) == ("admitted", None)


async def test_what_is_too_fast_uses_no_quota() -> None:
    clock = Clock("2026-11-26T10:00:00")
    quotas = Quotas(LocalCounters(), clock)
    limits = PartnerLimits(requests_per_minute=1, operations_per_day=2)
    assert [(await outcome(quotas, limits))[0] for _ in range(5)] == ["admitted", *["RATE_LIMITED"] * 4]
    clock.now += 60
    assert (await outcome(quotas, limits))[0] == "admitted"
    clock.now += 60
    assert (await outcome(quotas, limits))[0] == "QUOTA_EXCEEDED"


async def test_counts_are_bounded() -> None:
    counters = LocalCounters()
    for number in range(20_000):
        counters.count_now(str(number))
    assert len(counters) == 10_000
