from __future__ import annotations

import pytest

from gateway.errors import RequestRefused
from gateway.security.rate_limit import BucketConfig, RateLimitConfig, RateLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(
        RateLimitConfig(
            requests=BucketConfig(per_minute=60, burst=3),
            root_fields={"login": BucketConfig(per_minute=6, burst=2)},
        ),
        clock,
    )


def test_a_burst_passes_and_the_next_waits_for_a_token() -> None:
    clock = Clock()
    limits = limiter(clock)
    for _ in range(3):
        limits.admit_request("10.0.0.1")

    with pytest.raises(RequestRefused) as refused:
        limits.admit_request("10.0.0.1")
    assert (refused.value.code, refused.value.status, refused.value.retry_after) == ("RATE_LIMITED", 429, 1)

    limits.admit_request("10.0.0.2")
    clock.now = 1.0
    limits.admit_request("10.0.0.1")


def test_every_occurrence_of_a_limited_field_takes_a_token() -> None:
    limits = limiter(Clock())
    with pytest.raises(RequestRefused) as refused:
        limits.admit_root_fields("10.0.0.1", ["login", "me", "login", "login"])
    assert refused.value.retry_after == 10
    limits.admit_root_fields("10.0.0.1", ["me", "me", "me"])


def test_refused_requests_do_not_lengthen_the_wait() -> None:
    clock = Clock()
    limits = limiter(clock)
    limits.admit_root_fields("10.0.0.1", ["login", "login"])
    for _ in range(20):
        with pytest.raises(RequestRefused) as refused:
            limits.admit_root_fields("10.0.0.1", ["login"])
        assert refused.value.retry_after == 10
    clock.now = 10.0
    limits.admit_root_fields("10.0.0.1", ["login"])


def test_a_caller_is_bounded_wherever_it_comes_from_and_a_visitor_by_the_address_alone() -> None:
    limits = RateLimiter(RateLimitConfig(callers=BucketConfig(per_minute=6, burst=1)), Clock())
    limits.admit_caller("user:1")
    limits.admit_caller("user:2")
    with pytest.raises(RequestRefused) as refused:
        limits.admit_caller("user:1")
    assert (refused.value.code, refused.value.retry_after) == ("RATE_LIMITED", 10)
    for _ in range(3):
        limits.admit_caller(None)
