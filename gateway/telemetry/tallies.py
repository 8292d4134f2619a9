"""Counters, gauges and histograms for the request path: plain numbers of the loop's thread, read when Prometheus asks.

Those of prometheus_client take a lock for each step. Whoever counts on another thread uses them; on the loop these do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Tally:
    """One number."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        self.value += 1

    def dec(self) -> None:
        self.value -= 1


class Distribution:
    """How often values fell between two bounds. A value equal to a bound falls below it."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulated(self) -> list[tuple[str, float]]:
        """The buckets as Prometheus writes them: each with all that fell below its bound."""
        running = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            buckets.append((bound, running))
        return buckets


class Tallies(Collector):
    """Numbers by label values: a counter, or a gauge where `gauge` says so. Registered once made."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = (), *, gauge: bool = False) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._family = GaugeMetricFamily if gauge else CounterMetricFamily
        self._children: dict[tuple[str, ...], Tally] = {}
        if not labels:
            self.labels()
        REGISTRY.register(self)

    def labels(self, *values: str) -> Tally:
        """The number for label values, to be kept by whoever counts."""
        return self._children.setdefault(values, Tally())

    def collect(self) -> Iterable[Metric]:
        family = self._family(self._name, self._documentation, labels=self._labels)
        for values, tally in self._children.items():
            family.add_metric(values, tally.value)
        yield family


class Distributions(Collector):
    """Distributions by label values. Registered once made."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = tuple(labels)
        self._buckets = tuple(buckets)
        self._children: dict[tuple[str, ...], Distribution] = {}
        if not labels:
            self.labels()
        REGISTRY.register(self)

    def labels(self, *values: str) -> Distribution:
        """The distribution for label values, to be kept by whoever measures."""
        return self._children.setdefault(values, Distribution(self._buckets))

    def collect(self) -> Iterable[Metric]:
        family = HistogramMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, distribution in self._children.items():
            family.add_metric(values, distribution.cumulated(), distribution.total)
        yield family
