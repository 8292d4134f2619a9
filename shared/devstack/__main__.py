"""`python -m shared.devstack up|down|restart|status|logs|reset|run`: what `./task` calls."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from shared.devstack import stack
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout, default_layout
from shared.devstack.lock import alone
from shared.devstack.logs import show_logs
from shared.devstack.screen import Screen

_CHANGES = {"up", "down", "restart", "reset"}


def main() -> int:
    arguments = _parser().parse_args()
    screen, layout = Screen(), default_layout()
    try:
        with alone(layout) if arguments.command in _CHANGES else nullcontext():
            return _obey(arguments, layout, screen)
    except StackProblem as problem:
        screen.show_problem(problem)
        return 1
    except KeyboardInterrupt:
        return 130


def _obey(arguments: argparse.Namespace, layout: Layout, screen: Screen) -> int:
    match arguments.command:
        case "up":
            stack.up(layout, screen, with_prometheus=arguments.prometheus, with_pooler=arguments.pgbouncer)
        case "down":
            stack.down(layout, screen)
        case "restart":
            stack.restart(layout, screen, arguments.services)
        case "status":
            return 0 if stack.status(layout, screen) else 1
        case "logs":
            show_logs(layout, screen, arguments.services, follow=arguments.follow)
        case "reset":
            stack.reset(layout, screen)
        case "run":
            return stack.run(layout, arguments.words)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="task", description="The marketplace on this machine.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start what is down and say what runs where")
    up.add_argument("--prometheus", action="store_true", help="and a Prometheus over all of it, with the alert rules")
    up.add_argument("--pgbouncer", action="store_true", help="and a pgBouncer before Postgres, pooling by transaction")
    commands.add_parser("down", help="stop everything; data stay")
    commands.add_parser("status", help="what runs where; fails unless everything is ready")
    commands.add_parser("reset", help="stop everything and forget all data")
    commands.add_parser("restart", help="restart services, by default all").add_argument("services", nargs="*")
    logs = commands.add_parser("logs", help="follow the logs of services, by default of all")
    logs.add_argument("services", nargs="*")
    logs.add_argument("--no-follow", dest="follow", action="store_false", default=sys.stdout.isatty())
    run = commands.add_parser("run", help="run a command with the stack's administrator addresses in its environment")
    run.add_argument("words", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
