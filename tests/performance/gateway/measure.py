"""The measuring: every candidate answers right first; then rounds in which each has its turn at each query."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from tests.performance.gateway.candidates import Candidate
from tests.performance.gateway.graph import QUERIES, expected
from tests.performance.gateway.load import Load, ask_once, request_bytes, run_load
from tests.performance.gateway.processes import Pinned

CLIENTS = 16
WARM_SECONDS = 1.0

Say = Callable[[str], None]


class WrongAnswer(Exception):
    """A candidate's answer is not the right one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one candidate at one query. `busy` is the share of its core that it used: near 1, it was the bottleneck."""

    cpu_ms: float
    p50_ms: float
    p99_ms: float
    per_second: float
    busy: float
    requests: int


@dataclass(slots=True)
class Entry:
    """A running candidate, and the bytes that it answers each query with."""

    candidate: Candidate
    process: Pinned
    answers: dict[str, bytes] = field(default_factory=dict)
    turns: dict[str, list[Turn]] = field(default_factory=lambda: {query: [] for query in QUERIES})
    reordered: set[str] = field(default_factory=set)

    def request(self, query: str) -> bytes:
        return request_bytes(self.process.port, QUERIES[query], self.candidate.headers)


async def check(entry: Entry) -> None:
    """Ask every query twice; raises WrongAnswer unless both answers are right.

    Equal as JSON is right. An order of fields that is not the query's is noted.
    """
    for query in QUERIES:
        right = expected(query)
        first, second = [await ask_once(entry.process.port, entry.request(query)) for _ in range(2)]
        if orjson.loads(first) != right or first != second:
            raise WrongAnswer(f"{entry.candidate.name} answers {query} with {first[:300]!r}")
        if orjson.dumps(orjson.loads(first)) != orjson.dumps(right):
            entry.reordered.add(query)
        entry.answers[query] = first


async def run_rounds(entries: Sequence[Entry], *, rounds: int, seconds: float, say: Say) -> None:
    """In every round another candidate begins, so that nobody always follows the same one."""
    for query in QUERIES:
        for entry in entries:
            await _load(entry, query, WARM_SECONDS)
        for number in range(rounds):
            start = number % len(entries)
            for entry in (*entries[start:], *entries[:start]):
                entry.turns[query].append(await _turn(entry, query, seconds))
            say(f"{query}: round {number + 1} of {rounds}")


async def _turn(entry: Entry, query: str, seconds: float) -> Turn:
    # What the turn before left behind, such as a collector at work, is not this one's.
    await asyncio.sleep(0.2)
    before = entry.process.cpu_seconds()
    load = await _load(entry, query, seconds)
    used = entry.process.cpu_seconds() - before
    ordered = sorted(load.seconds)
    return Turn(
        cpu_ms=used / load.requests * 1000,
        p50_ms=statistics.median(ordered) * 1000,
        p99_ms=ordered[int(len(ordered) * 0.99)] * 1000,
        per_second=load.requests / load.elapsed,
        busy=used / load.elapsed,
        requests=load.requests,
    )


async def _load(entry: Entry, query: str, seconds: float) -> Load:
    load = await run_load(
        entry.process.port, entry.request(query), entry.answers[query], clients=CLIENTS, seconds=seconds
    )
    if load.wrong:
        raise WrongAnswer(f"{entry.candidate.name} gave {load.wrong} other answers to {query} under load")
    return load


async def memory(entry: Entry, *, requests: int) -> list[dict[str, Any]]:
    """Resident memory after each quarter of `requests`, one in twenty of them deep, and before the first."""
    taken = [{"requests": 0, "resident_mb": _resident_mb(entry)}]
    for quarter in range(1, 5):
        for query, share in (("simple", 0.95), ("deep", 0.05)):
            most = int(requests / 4 * share)
            await run_load(
                entry.process.port, entry.request(query), entry.answers[query], clients=CLIENTS, seconds=120, most=most
            )
        taken.append({"requests": requests * quarter // 4, "resident_mb": _resident_mb(entry)})
    return taken


def _resident_mb(entry: Entry) -> float:
    return round(entry.process.resident_bytes() / 2**20, 1)


def summary(turns: Sequence[Turn]) -> dict[str, dict[str, float]]:
    """Median, least and most of every figure."""
    rows = [asdict(turn) for turn in turns]
    return {
        name: {
            "median": round(statistics.median(row[name] for row in rows), 4),
            "min": round(min(row[name] for row in rows), 4),
            "max": round(max(row[name] for row in rows), 4),
        }
        for name in rows[0]
    }
