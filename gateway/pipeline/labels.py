"""Which labels of progressive `@override(label:)` are on for one request: `percent(N)` is drawn once a request."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable

from gateway.supergraph.sdl import Supergraph

_PERCENT = re.compile(r"percent\((\d{1,3}(?:\.\d+)?)\)")


class OverrideLabels:
    """`always` are labels that are on by configuration. `draw` gives a number in [0, 100)."""

    def __init__(
        self, supergraph: Supergraph, always: Iterable[str] = (), draw: Callable[[], float] | None = None
    ) -> None:
        labels = {
            join.override_label
            for info in supergraph.types.values()
            for field in info.fields.values()
            for join in (field.joins or {}).values()
            if join.override_label is not None
        }
        percents = {label: _PERCENT.fullmatch(label) for label in sorted(labels)}
        self._percents = {label: float(match[1]) for label, match in percents.items() if match}
        self._always = frozenset(always) & labels
        self.constant = None if self._percents else self._always
        """The labels that are on for every request; None where requests differ."""
        self._draw = draw or _draw

    def active(self) -> frozenset[str]:
        """The labels that are on for one request."""
        if not self._percents:
            return self._always
        # One draw for all: a user of the 10 % is among the 50 %, and few combinations of labels have to be planned.
        drawn = self._draw()
        return self._always | {label for label, percent in self._percents.items() if drawn < percent}

    def possible(self) -> tuple[frozenset[str], ...]:
        """Every combination that a request may draw."""
        bounds = sorted({0.0, *(percent for percent in self._percents.values() if percent < 100)})
        drawn = ({label for label, percent in self._percents.items() if bound < percent} for bound in bounds)
        return tuple(dict.fromkeys(self._always | labels for labels in drawn))


def _draw() -> float:
    return random.random() * 100  # noqa: S311 - a share of traffic, not a secret
