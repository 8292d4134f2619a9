"""`task bench:staleness`, against the running stack: how long a changed price is told as it was, while many read it.

A visitor's view of it: from the answer to the change until a public answer, kept by the gateway, has the new price. And the
evictor's own figure, `edge_eviction_seconds`: from the event to the eviction. Fails where a 99th percentile is over a second.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import httpx
from rich.console import Console

from shared.devstack.layout import default_layout
from supergraph.demo.client import Client

CHANGES = 300
SELLERS_AT_ONCE = 3
READERS = 8
MOST_SECONDS = 1.0
PRODUCT = "query($id: ID!) { product(id: $id) { title variants { id price { amount } } seller { name } } }"
OWN = (
    "{ products(first: 20, filter: {status: [PUBLISHED]}) { edges { node { id variants { id price { amount } } } } } }"
)


async def read_on(reader: Client, products: list[str], random: Random) -> None:
    """Until it is cancelled: what keeps the answers kept, and the machine at work."""
    while True:
        await reader.ask(PRODUCT, {"id": random.choice(products)})


async def change(seller: Client, visitor: Client, product: Mapping[str, Any], price: int) -> float:
    """Seconds from the answer to a change of price until a visitor sees it."""
    variant = product["variants"][0]["id"]
    await visitor.ask(PRODUCT, {"id": product["id"]})
    await seller.do("changePrice", "variant { id }", variantId=variant, price=price)
    changed_at = perf_counter()
    while True:
        seen = (await visitor.ask(PRODUCT, {"id": product["id"]}))["product"]["variants"]
        if price in [item["price"]["amount"] for item in seen if item["id"] == variant]:
            return perf_counter() - changed_at


async def measure(base: str, login: Mapping[str, str]) -> list[float]:
    async with AsyncExitStack() as held:
        clients = [await held.enter_async_context(_at(base, f"127.0.3.{number}")) for number in range(1, 20)]
        spare = iter(clients)
        seller = Client(next(spare), "seller")
        await seller.sign_in(login["email"], login["password"])
        products = [edge["node"] for edge in (await seller.ask(OWN))["products"]["edges"]]
        ids = [product["id"] for product in products]
        readers = [
            asyncio.ensure_future(read_on(Client(next(spare), "reader"), ids, Random(number)))
            for number in range(READERS)
        ]
        prices = count(products[0]["variants"][0]["price"]["amount"] + 1)
        turns = iter(range(CHANGES))

        async def work(visitor: Client, product: Mapping[str, Any]) -> list[float]:
            return [await change(seller, visitor, product, next(prices)) for _ in turns]

        try:
            workers = [work(Client(next(spare), "visitor"), product) for product in products[:SELLERS_AT_ONCE]]
            return [seconds for found in await asyncio.gather(*workers) for seconds in found]
        finally:
            for reader in readers:
                reader.cancel()
            ended = await asyncio.gather(*readers, return_exceptions=True)
            broken = [result for result in ended if not isinstance(result, asyncio.CancelledError)]
            assert broken == []


def _at(base: str, address: str) -> httpx.AsyncClient:
    """Each with an address of its own, as many people have."""
    return httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address=address), base_url=base, timeout=60)


def buckets(port: int) -> dict[float, float]:
    """The evictor's histogram: how many evictions took at most so many seconds."""
    lines = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=30).text.splitlines()
    return dict(_bucket(line) for line in lines if line.startswith("edge_eviction_seconds_bucket"))


def _bucket(line: str) -> tuple[float, float]:
    labels, value = line.split(" ", 1)
    return float(labels.split('"')[1].replace("+Inf", "inf")), float(value)


def within(before: Mapping[float, float], after: Mapping[float, float], share: float) -> tuple[float, int]:
    """The bucket's bound under which this share of what came in between lies, and how many came."""
    came = {bound: after[bound] - before.get(bound, 0) for bound in after}
    total = came[math.inf]
    return min(bound for bound, number in came.items() if number >= share * total), int(total)


def percentiles(seconds: list[float]) -> Iterator[str]:
    ordered = sorted(seconds)
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        yield f"{name} {ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000:.0f} ms"


async def main() -> int:
    evictor = default_layout().register.evictor
    assert evictor is not None
    logins = json.loads((Path(os.environ["SECRETS_DIRECTORY"]) / "logins.json").read_text(encoding="utf-8"))
    login = next(login for login in logins if login["role"].startswith("seller"))
    before = buckets(evictor.port)
    seen = await measure(os.environ["GATEWAY_URL"].removesuffix("/graphql"), login)
    bound, number = within(before, buckets(evictor.port), 0.99)
    told = Console().print
    told(
        f"a changed price as a visitor sees it, {len(seen)} changes beside {READERS} readers: {', '.join(percentiles(seen))}"
    )
    told(f"edge_eviction_seconds, {number} events in that time: p99 at most {bound:g} s")
    return 1 if sorted(seen)[int(len(seen) * 0.99)] > MOST_SECONDS or bound > MOST_SECONDS else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
