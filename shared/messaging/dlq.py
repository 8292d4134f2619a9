"""python -m shared.messaging.dlq list | show QUEUE | replay QUEUE | drain QUEUE

The dead letters of the broker that RABBITMQ_ADMIN_URL names. `drain` prints each event as one line of JSON before it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

import orjson
from aio_pika.exceptions import AMQPError

from shared.messaging import dead_letters
from shared.messaging.broker_admin import NoAdministrator, admin_channel
from shared.messaging.dead_letters import DeadLetter
from shared.register import load_register


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as wide as their widest cell; numbers to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    numbers = [bool(rows) and all(isinstance(row[column], int) for row in rows) for column in range(len(header))]
    lines = []
    for row in cells:
        columns = zip(row, widths, numbers, strict=True)
        lines.append("  ".join(c.rjust(width) if number else c.ljust(width) for c, width, number in columns).rstrip())
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


async def run(command: str, queue: str, url: str | None = None) -> int:
    """The exit status: 0, also where there was nothing to do."""
    register = load_register()
    async with admin_channel(url) as channel:
        match command:
            case "list":
                depths = await dead_letters.list_depths(channel, register)
                rows = [(depth.queue, depth.owner, depth.waiting, depth.dead) for depth in depths]
                _print(table(["queue", "owner", "waiting", "dead"], rows))
            case "show":
                letters = await dead_letters.show(channel, register, queue)
                _print(table(["event", "name", "died", "body"], [_row(letter) for letter in letters]))
            case "replay":
                _print(f"{await dead_letters.replay(channel, register, queue)} sent to {queue} again")
            case "drain":
                async for letter in dead_letters.drain(channel, register, queue):
                    _print(orjson.dumps(letter).decode())
    return 0


def _row(letter: DeadLetter) -> tuple[str, str, str, str]:
    died = f"{letter.died_at:%Y-%m-%d %H:%M:%S}" if letter.died_at else "-"
    return letter.event_id, letter.routing_key, died, orjson.dumps(letter.body).decode()


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="dlq", description="Dead letters of the broker that RABBITMQ_ADMIN_URL names."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every queue with its waiting and dead messages")
    for name, meaning in (
        ("show", "the dead letters of a queue, which stay"),
        ("replay", "send them to the queue again, each with five fresh attempts"),
        ("drain", "print each as a line of JSON and take it away"),
    ):
        commands.add_parser(name, help=meaning).add_argument("queue")
    parsed = parser.parse_args(arguments)
    try:
        return asyncio.run(run(parsed.command, getattr(parsed, "queue", "")))
    except (NoAdministrator, KeyError, OSError, AMQPError) as problem:
        sys.stderr.write(f"dlq: {problem.args[0] if problem.args else problem}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
