"""Whether every event that was written has been taken by whoever listens to it: counted in SQL, event by event."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shared.messaging.routing import queues_for
from shared.register import Register

_EVENTS = 'SELECT id, event_name FROM "{0}".event_log UNION ALL SELECT id, event_name FROM "{0}".outbox'


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Of one domain's events: `due` is one for each queue that an event reaches; `missing` were not taken."""

    written: int
    due: int
    missing: int
    unsent: int


async def deliveries(register: Register, admin_url: str) -> dict[str, Deliveries]:
    """By the domain that writes them. Queues without an inbox (the evictor's) are not counted here."""
    connection = await asyncpg.connect(admin_url)
    try:
        taken = await _taken(connection, register)
        return {s.name: await _of(connection, register, s.name, taken) for s in register.subgraphs}
    finally:
        await connection.close()


async def settled(register: Register, admin_url: str, *, seconds: float = 60) -> bool:
    """Waits until nothing is on its way any more; False where that does not come."""
    before: dict[str, Deliveries] = {}
    for _ in range(int(seconds)):
        now = await deliveries(register, admin_url)
        if now == before and not any(each.missing or each.unsent for each in now.values()):
            return True
        before = now
        await asyncio.sleep(1)
    return False


async def initial_stock(admin_url: str) -> Mapping[UUID, int]:
    """Units on hand and sold by variant, at a moment when nobody buys."""
    connection = await asyncpg.connect(admin_url)
    try:
        rows = await connection.fetch(
            "SELECT i.variant_id, sum(i.on_hand) + coalesce((SELECT sum(l.quantity) FROM inventory.reservation_line l"
            " WHERE l.variant_id = i.variant_id AND l.status = 'COMMITTED'), 0) AS units"
            " FROM inventory.stock_item i GROUP BY i.variant_id"
        )
        return {row["variant_id"]: int(row["units"]) for row in rows}
    finally:
        await connection.close()


async def _taken(connection: Any, register: Register) -> set[tuple[str, UUID]]:
    found: set[tuple[str, UUID]] = set()
    for subgraph in register.subgraphs:
        rows = await connection.fetch(f'SELECT consumer, event_id FROM "{subgraph.name}".inbox')
        found |= {(row["consumer"], row["event_id"]) for row in rows}
    return found


async def _of(connection: Any, register: Register, domain: str, taken: set[tuple[str, UUID]]) -> Deliveries:
    own = {queue for subgraph in register.subgraphs for queue in subgraph.queues}
    events = await connection.fetch(_EVENTS.format(domain))
    due = [(queue, e["id"]) for e in events for queue in queues_for(register, e["event_name"]) if queue in own]
    unsent: int = await connection.fetchval(f'SELECT count(*) FROM "{domain}".outbox')
    return Deliveries(len(events), len(due), sum(pair not in taken for pair in due), unsent)
