"""`./task smoke`: a stack of its own, pooled as in production, the whole story played on it as by clients, and gone again."""

from __future__ import annotations

import sys

from shared.devstack import stack
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout, layout_at
from shared.devstack.lock import alone
from shared.devstack.screen import Screen

STORY_MODULE = "supergraph.demo"
OFFSET = 12_000


def main() -> int:
    """0 where everything got ready and every figure of the story balances. Otherwise data and logs stay to be looked at."""
    screen, layout = Screen(), layout_at(OFFSET)
    try:
        with alone(layout):
            passed = _try(layout, screen)
            if passed:
                stack.reset(layout, screen)
            else:
                stack.down(layout, screen)
    except StackProblem as problem:
        screen.show_problem(problem)
        return 1
    if not passed:
        screen.say(f"Logs: {layout.logs}")
    return 0 if passed else 1


def _try(layout: Layout, screen: Screen) -> bool:
    """Servers that a developer's environment names are not for this."""
    stack.reset(layout, screen)
    try:
        stack.up(layout, screen, environment={}, with_pooler=True)
    except StackProblem as problem:
        screen.show_problem(problem)
        return False
    return stack.status(layout, screen) and stack.run(layout, [sys.executable, "-m", STORY_MODULE]) == 0


if __name__ == "__main__":
    sys.exit(main())
