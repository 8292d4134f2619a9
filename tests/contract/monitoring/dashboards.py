"""The dashboards, as they lie in the chart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from shared.register import PROJECT_ROOT

FILES = sorted((PROJECT_ROOT / "charts" / "marketplace" / "dashboards").glob("*.json"))


@dataclass(frozen=True, slots=True)
class Query:
    dashboard: str
    panel: str
    expression: str

    def over(self, window: str) -> str:
        """The expression with the window that Grafana would choose."""
        return self.expression.replace("$__rate_interval", window)


def dashboards() -> dict[str, dict[str, Any]]:
    return {file.stem: orjson.loads(file.read_bytes()) for file in FILES}


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """All but the rows' titles."""
    for name, dashboard in dashboards().items():
        yield from ((name, panel) for panel in dashboard["panels"] if panel["type"] != "row")


def queries() -> list[Query]:
    return [Query(name, panel["title"], target["expr"]) for name, panel in panels() for target in panel["targets"]]
