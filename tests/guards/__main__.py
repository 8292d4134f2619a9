"""`task test:guards`: removes each guard of the table once and expects its test to go red. Words of a row choose rows."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.guards.table import GUARDS
from tests.guards.trial import Verdict, scratch_copy, try_without


def main() -> int:
    words = sys.argv[1:]
    chosen = [guard for guard in GUARDS if not words or any(word in f"{guard.concern} {guard.file}" for word in words)]
    console, table = Console(), Table("concern", "guard", "test", "verdict")
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="guards-") as folder:
        copy = scratch_copy(Path(folder))
        for guard in chosen:
            verdict = try_without(guard, copy)
            verdicts.append(verdict)
            table.add_row(guard.concern, f"{guard.file}\n{guard.line.strip()}", guard.test, verdict.value)
            console.print(f"{verdict.name:<7} {guard.concern}: {guard.line.strip()}", markup=False)
    console.print(table)
    return 0 if verdicts and set(verdicts) == {Verdict.SEEN} else 1


if __name__ == "__main__":
    sys.exit(main())
