"""`./task test`: everything that must hold, in order, each step with its time. Fails where one step fails."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.devstack.screen import Screen
from shared.register import PROJECT_ROOT

_SUITES = ("unit", "integration", "contract", "conformance", "e2e")


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def steps(environment: Mapping[str, str] = os.environ) -> list[Step]:
    """Cheap ones first: a missing blank is known before a server boots. A deep run ends as production is: behind a pooler."""
    python = sys.executable
    pooled = Step("pooled", (python, "-m", "pytest", "-q", "tests/integration"), {"TEST_POOLER": "1"})
    return [
        Step("lint", (python, "-m", "ruff", "check", ".")),
        Step("format", (python, "-m", "ruff", "format", "--check", ".")),
        Step("types", (python, "-m", "mypy")),
        Step("imports", (str(Path(python).with_name("lint-imports")),)),
        Step("migrations", (python, "-m", "shared.devstack.check_migrations")),
        *(
            Step(suite, (python, "-m", "pytest", "-q", f"tests/{suite}"))
            for suite in _SUITES
            if any((PROJECT_ROOT / "tests" / suite).rglob("test_*.py"))
        ),
        *([pooled] if environment.get("TEST_DEPTH") == "deep" else []),
    ]


def main() -> int:
    """Runs every step, also after a failed one: one run shows all there is to mend. Arguments choose steps by name."""
    screen = Screen()
    chosen = [step for step in steps() if not sys.argv[1:] or step.name in sys.argv[1:]]
    rows: list[list[str]] = []
    for step in chosen:
        screen.console.rule(step.name, align="left")
        started = time.monotonic()
        environment = {**os.environ, **step.environment}
        passed = subprocess.run(step.command, cwd=PROJECT_ROOT, env=environment, check=False).returncode == 0
        rows.append([step.name, "[green]passed" if passed else "[red]failed", f"{time.monotonic() - started:.0f} s"])
    screen.console.rule("all steps", align="left")
    screen.show_table(("step", "outcome", "time"), rows)
    return 0 if rows and all("passed" in row[1] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
