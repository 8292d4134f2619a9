"""`./task migrations:lint`: the rules for what is not released yet, and that what is released stays as it was."""

from __future__ import annotations

import sys

from shared.devstack.migration_lint import Problem, lint
from shared.devstack.released import Release, history_problems, pending, read_releases
from shared.register import Register, load_register


def migration_problems(register: Register, releases: dict[str, Release]) -> list[Problem]:
    """A schema that was never released has nobody to disturb."""
    problems: list[Problem] = []
    for subgraph in register.subgraphs:
        release = releases.get(subgraph.name)
        if release is not None:
            problems += history_problems(subgraph.migrations, release)
            problems += lint(pending(subgraph.migrations, release))
    return problems


def main() -> int:
    problems = migration_problems(load_register(), read_releases())
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
