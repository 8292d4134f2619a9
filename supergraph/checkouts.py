"""`task checkouts`: the checkouts that are under way, as each domain has them: where one is stuck, this shows who has not moved.

Reads as an administrator (POSTGRES_ADMIN_URL), a domain at a time, and changes nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shared.messaging.broker_admin import NoAdministrator, required
from shared.messaging.dlq import table

MOST = 200
_READ_ONLY = {"default_transaction_read_only": "on", "app.role": "all"}
_UNDER_WAY = """
    SELECT g.id, g.status, extract(epoch FROM now() - t.at)::bigint AS seconds,
           extract(epoch FROM g.expires_at - now())::bigint AS left_seconds,
           (SELECT string_agg(event_name, ' ' ORDER BY occurred_at)
            FROM orders.parked_event p WHERE p.group_id = g.id) AS parked
    FROM orders.order_group g
    JOIN orders.state_transition t ON t.group_id = g.id AND t.order_id IS NULL AND t.to_status = g.status
    WHERE g.status IN ('RESERVING', 'AWAITING_PAYMENT', 'PAID') AND t.at < now() - make_interval(secs => $1)
    ORDER BY t.at
    LIMIT $2
"""
_RESERVATIONS = "SELECT order_group_id AS id, status FROM inventory.reservation WHERE order_group_id = ANY($1)"
_PAYMENTS = "SELECT group_id AS id, status FROM payments.payment WHERE group_id = ANY($1)"
_UNSENT = """
    SELECT aggregate_id AS id, string_agg(event_name, ' ' ORDER BY position) AS status
    FROM orders.outbox WHERE aggregate_id = ANY($1) GROUP BY aggregate_id
"""
_HEADER = ("checkout", "state", "for", "deadline in", "reservation", "payment", "early", "unsent")


@dataclass(frozen=True, slots=True)
class Checkout:
    """One checkout and what is known of it elsewhere; `-` where a domain has not heard of it."""

    id: UUID
    state: str
    seconds: int
    left_seconds: int
    reservation: str
    payment: str
    early: str
    unsent: str


async def under_way(url: str, older_than: float) -> list[Checkout]:
    """Those that are in their state for longer than so many seconds, the longest first, at most MOST."""
    connection = await asyncpg.connect(url, server_settings=_READ_ONLY)
    try:
        rows = await connection.fetch(_UNDER_WAY, older_than, MOST)
        ids = [row["id"] for row in rows]
        reservations = await _by_id(connection, _RESERVATIONS, ids)
        payments = await _by_id(connection, _PAYMENTS, ids)
        unsent = await _by_id(connection, _UNSENT, ids)
    finally:
        await connection.close()
    return [
        Checkout(
            id=row["id"],
            state=row["status"],
            seconds=row["seconds"],
            left_seconds=row["left_seconds"],
            reservation=reservations.get(row["id"], "-"),
            payment=payments.get(row["id"], "-"),
            early=row["parked"] or "-",
            unsent=unsent.get(row["id"], "-"),
        )
        for row in rows
    ]


async def _by_id(connection: asyncpg.Connection[Any], query: str, ids: Sequence[UUID]) -> Mapping[UUID, str]:
    return {row["id"]: row["status"] for row in await connection.fetch(query, ids)}


def _row(checkout: Checkout) -> tuple[object, ...]:
    of = checkout
    times = f"{of.seconds} s", f"{of.left_seconds} s"
    return of.id, of.state, *times, of.reservation, of.payment, of.early, of.unsent


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, also where something is stuck: this tells, alerts judge."""
    parser = argparse.ArgumentParser(prog="checkouts", description=__doc__)
    parser.add_argument(
        "--over", type=float, default=60, metavar="SECONDS", help="only those in their state for longer (default 60)"
    )
    over = parser.parse_args(arguments).over
    try:
        found = asyncio.run(under_way(required("POSTGRES_ADMIN_URL"), over))
    except (NoAdministrator, OSError, asyncpg.PostgresError) as problem:
        sys.stderr.write(f"checkouts: {problem}\n")
        return 1
    sys.stdout.write(f"{table(_HEADER, [_row(checkout) for checkout in found])}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
