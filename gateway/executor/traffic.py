"""How each subgraph is treated: patience, second tries, and when to leave it alone. The state outlives a supergraph.

A retry budget rather than a mere count keeps a subgraph that fails from being asked twice as often as one that works: every
request pays a fraction of a try in, every retry takes a whole one out. A circuit breaker spares the clients the wait for a
subgraph that is known to be gone, and that subgraph the crowd at its door when it comes back.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.telemetry.metrics import TrafficMeter

logger = logging.getLogger(__name__)

CLOSED, HALF_OPEN, OPEN = 0, 1, 2


class BreakerConfig(BaseModel):
    """Opens after `failures` transport failures in a row and lets one probe through after `open_seconds`. 0 switches it off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failures: int = Field(default=5, ge=0)
    open_seconds: float = Field(default=5.0, gt=0)


class RetryConfig(BaseModel):
    """Queries only. `attempts` are the tries after the first; `ratio` of all requests may be retries, beside `reserve`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    attempts: int = Field(default=1, ge=0, le=5)
    ratio: float = Field(default=0.2, ge=0, le=1)
    reserve: int = Field(default=10, ge=0)
    pause: float = Field(
        default=0.025, ge=0, description="Seconds before the first retry; doubled for each one after it"
    )


class SubgraphTraffic(BaseModel):
    """`timeout` in seconds for one try; without it `transport.request_timeout` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout: float | None = Field(default=None, gt=0)
    share_in_flight: bool = True
    retry: RetryConfig = RetryConfig()
    breaker: BreakerConfig = BreakerConfig()


class TrafficConfig(BaseModel):
    """`all` holds for every subgraph; what `subgraphs` says of one goes over it, key by key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    all: SubgraphTraffic = SubgraphTraffic()
    subgraphs: Mapping[str, SubgraphTraffic] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _lay_over(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("subgraphs"), dict):
            return data
        defaults = data.get("all") or {}
        return {**data, "subgraphs": {name: _over(defaults, own or {}) for name, own in data["subgraphs"].items()}}

    def of(self, subgraph: str) -> SubgraphTraffic:
        return self.subgraphs.get(subgraph, self.all)


def _over(defaults: Any, own: Any) -> Any:
    if not isinstance(defaults, dict) or not isinstance(own, dict):
        return own
    return {**defaults, **{name: _over(defaults.get(name), value) for name, value in own.items()}}


class RetryBudget:
    """Counted in requests, not in time: the share of retries is bounded however fast requests come."""

    def __init__(self, config: RetryConfig) -> None:
        self._ratio = config.ratio
        self._reserve = float(config.reserve)
        self._balance = self._reserve
        self._most = self._reserve + 100 * self._ratio
        self.is_full = False
        """Whether there is nothing to pay in."""

    def deposit(self) -> None:
        """One request came in. What is saved up is bounded, lest a quiet year pays for a storm."""
        if self._balance < self._most and self._ratio:
            self._balance += self._ratio
        else:
            self.is_full = True

    def withdraw(self) -> bool:
        """Take one retry out, if there is one."""
        if self._balance < 1:
            return False
        self._balance -= 1
        self.is_full = False
        return True


class CircuitBreaker:
    """Each permit carries the state it was given in: an answer that comes after the state has changed changes nothing."""

    def __init__(
        self, subgraph: str, config: BreakerConfig, meter: TrafficMeter, clock: Callable[[], float] = monotonic
    ) -> None:
        self._subgraph = subgraph
        self._config = config
        self._meter = meter
        self._clock = clock
        self._failures = 0
        self._opened_at = 0.0
        self.turn = 0
        """The permit that is given out while the breaker is closed."""
        self.state = CLOSED
        self.is_troubled = False
        """Whether it makes a difference that a request succeeded."""

    def admit(self) -> int | None:
        """A permit to send one request, or None where the subgraph is left alone for now."""
        if self.state == CLOSED:
            return self.turn
        if self.state == OPEN and self._clock() - self._opened_at >= self._config.open_seconds:
            self._become(HALF_OPEN)
            return self.turn
        return None

    def succeeded(self, permit: int) -> None:
        """The subgraph answered, whatever it said."""
        if permit != self.turn:
            return
        self._failures = 0
        self.is_troubled = self.state != CLOSED
        if self.state == HALF_OPEN:
            self._become(CLOSED)

    def failed(self, permit: int) -> None:
        """No answer came."""
        if permit != self.turn:
            return
        self._failures += 1
        self.is_troubled = True
        if self.state == HALF_OPEN or self._failures == self._config.failures:
            self._opened_at = self._clock()
            self._become(OPEN)

    def abandoned(self, permit: int) -> None:
        """Nobody waited for the answer. A probe that tells nothing leaves its turn to the next."""
        if permit == self.turn and self.state == HALF_OPEN:
            self._become(OPEN)

    def _become(self, state: int) -> None:
        self.state = state
        self.turn += 1
        self._failures = 0
        self.is_troubled = state != CLOSED
        self._meter.circuit(state, opened=state == OPEN)
        said = {OPEN: "a subgraph is left alone", HALF_OPEN: "a subgraph is probed", CLOSED: "a subgraph is back"}
        logger.warning(said[state], extra={"subgraph": self._subgraph})


class SubgraphState:
    """What is remembered of one subgraph."""

    def __init__(self, subgraph: str, config: SubgraphTraffic) -> None:
        self.config = config
        self.meter = TrafficMeter(subgraph)
        self.budget = RetryBudget(config.retry)
        self.breaker = CircuitBreaker(subgraph, config.breaker, self.meter)


class Traffic:
    """The state of every subgraph by its name, kept across supergraphs."""

    def __init__(self, config: TrafficConfig | None = None) -> None:
        self._config = config or TrafficConfig()
        self._states: dict[str, SubgraphState] = {}

    @classmethod
    def plain(cls) -> Self:
        """Nothing shared, nothing tried twice, nobody left alone."""
        every = SubgraphTraffic(share_in_flight=False, retry=RetryConfig(attempts=0), breaker=BreakerConfig(failures=0))
        return cls(TrafficConfig(all=every))

    def of(self, subgraph: str) -> SubgraphState:
        if subgraph not in self._states:
            self._states[subgraph] = SubgraphState(subgraph, self._config.of(subgraph))
        return self._states[subgraph]
