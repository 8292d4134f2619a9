"""Budgets, circuit breakers and their settings, by counts and a clock that is set by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.executor.traffic import (
    CLOSED,
    HALF_OPEN,
    OPEN,
    BreakerConfig,
    CircuitBreaker,
    RetryBudget,
    RetryConfig,
    TrafficConfig,
)
from gateway.settings import SettingsError, read_settings
from gateway.telemetry.metrics import TrafficMeter


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def breaker(clock: Clock, name: str = "b", **config: float) -> CircuitBreaker:
    return CircuitBreaker(name, BreakerConfig.model_validate(config), TrafficMeter(name), clock)


def fail(circuit: CircuitBreaker, times: int = 1) -> None:
    for _ in range(times):
        permit = circuit.admit()
        assert permit is not None
        circuit.failed(permit)


def test_a_breaker_opens_at_the_nth_failure_in_a_row_and_not_before() -> None:
    circuit = breaker(Clock(), failures=3)
    fail(circuit, 2)
    permit = circuit.admit()
    assert permit is not None
    circuit.succeeded(permit)
    fail(circuit, 2)
    assert circuit.state == CLOSED
    fail(circuit)
    assert circuit.state == OPEN
    assert circuit.admit() is None


def test_after_its_time_one_probe_decides() -> None:
    clock = Clock()
    circuit = breaker(clock, failures=1, open_seconds=5)
    fail(circuit)
    clock.now += 4.9
    assert circuit.admit() is None
    clock.now += 0.1
    probe = circuit.admit()
    assert probe is not None
    assert (circuit.state, circuit.admit()) == (HALF_OPEN, None)
    circuit.failed(probe)
    assert (circuit.state, circuit.admit()) == (OPEN, None)
    clock.now += 5
    probe = circuit.admit()
    assert probe is not None
    circuit.succeeded(probe)
    assert circuit.state == CLOSED


def test_a_late_answer_from_before_says_nothing_about_now() -> None:
    clock = Clock()
    circuit = breaker(clock, failures=1, open_seconds=5)
    early = circuit.admit()
    assert early is not None
    fail(circuit)
    circuit.succeeded(early)
    assert circuit.state == OPEN
    clock.now += 5
    probe = circuit.admit()
    circuit.failed(early)
    assert circuit.state == HALF_OPEN
    assert probe is not None
    circuit.succeeded(probe)
    assert circuit.state == CLOSED


def test_a_probe_that_nobody_waits_for_leaves_its_turn_to_the_next() -> None:
    clock = Clock()
    circuit = breaker(clock, failures=1, open_seconds=5)
    fail(circuit)
    clock.now += 5
    probe = circuit.admit()
    assert probe is not None
    circuit.abandoned(probe)
    assert circuit.admit() is not None


def test_a_breaker_with_no_failures_allowed_for_is_off() -> None:
    circuit = breaker(Clock(), failures=0)
    fail(circuit, 1000)
    assert circuit.state == CLOSED


def test_the_state_and_the_openings_are_in_the_metrics() -> None:
    circuit = breaker(Clock(), "metered", failures=2)
    fail(circuit, 2)
    assert REGISTRY.get_sample_value("gateway_circuit_state", {"subgraph": "metered"}) == 2
    assert REGISTRY.get_sample_value("gateway_circuit_opened_total", {"subgraph": "metered"}) == 1


def test_retries_are_a_share_of_the_requests_beside_a_reserve() -> None:
    budget = RetryBudget(RetryConfig(ratio=0.25, reserve=2))
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    for _ in range(8):
        budget.deposit()
    assert [budget.withdraw() for _ in range(3)] == [True, True, False]
    for _ in range(1_000_000):
        budget.deposit()
    assert sum(budget.withdraw() for _ in range(1000)) == 27


def test_what_is_said_of_one_subgraph_goes_over_what_holds_for_all_key_by_key() -> None:
    config = TrafficConfig.model_validate(
        {
            "all": {"timeout": 3, "breaker": {"failures": 7, "open_seconds": 2}},
            "subgraphs": {"slow": {"timeout": 30, "breaker": {"failures": 1}}, "same": None},
        }
    )
    slow, other = config.of("slow"), config.of("other")
    assert (slow.timeout, slow.breaker) == (30, BreakerConfig(failures=1, open_seconds=2))
    assert (other.timeout, other.breaker) == (3, BreakerConfig(failures=7, open_seconds=2))
    assert config.of("same") == other


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("traffic: {subgraphs: {orders: {timout: 3}}}", r"traffic\.subgraphs\.orders\.timout"),
        ("traffic: {all: {retry: {tries: 3}}}", r"traffic\.all\.retry\.tries"),
        ("traffic: {orders: {}}", r"traffic\.orders"),
    ],
)
def test_an_unknown_key_is_refused_by_its_whole_name(tmp_path: Path, text: str, key: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=key):
        read_settings(file)
