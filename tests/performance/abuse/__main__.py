"""`task bench:abuse`: how long it takes to refuse what tests/fixtures/abuse.py sends. Fails where anything takes over 250 ms."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

import httpx
from rich.console import Console
from rich.table import Table

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph
from tests.fixtures.abuse import DOCUMENTS, LIMITS, REQUESTS

ROUNDS = 5
MOST_MILLISECONDS = 250


def sent(client: httpx.AsyncClient) -> Iterator[tuple[str, httpx.Request]]:
    """Every abusive request, its own client's work done."""
    for name, (text, _) in DOCUMENTS.items():
        yield name, client.build_request("POST", "/graphql", json={"query": text})
    for name, request in REQUESTS.items():
        headers = dict(request.headers)
        yield name, client.build_request(request.method, request.path, content=request.content, headers=headers)


async def measure(served: Federation) -> list[tuple[str, float, float]]:
    """Of each request its name, and the median and the longest of its times in milliseconds."""
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, request in sent(served.client):
            started = perf_counter()
            await served.client.send(request)
            times.setdefault(name, []).append((perf_counter() - started) * 1000)
    return sorted(((name, median(taken), max(taken)) for name, taken in times.items()), key=lambda row: -row[1])


async def main() -> int:
    settings = {"limits": LIMITS, "http": {"batch_operations": 2}}
    async with federation("costs", {"people": Subgraph(sdl("costs", "people"))}, settings) as served:
        rows = await measure(served)
    table = Table("abuse", "median ms", "longest ms")
    for name, middle, longest in rows:
        table.add_row(name, f"{middle:.1f}", f"{longest:.1f}")
    Console().print(table)
    return 1 if any(middle > MOST_MILLISECONDS for _, middle, _ in rows) else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
