"""`./task faults:rolling`: restart every service again and again under load, and see that nobody notices.

Kubernetes' rolling update with the means of one machine: the new process starts beside the old one, HAProxy sends it
connections once it is ready, and only then is the old one told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

from shared.devstack.screen import Screen
from tests.faults.rolling.crowd import Crowd
from tests.faults.rolling.deliveries import deliveries, initial_stock, settled
from tests.faults.rolling.load import Load
from tests.faults.rolling.market import RollingMarket, rolling_market
from tests.faults.rolling.report import Outcome, show
from tests.faults.rolling.slots import Balanced, Rolled
from tests.fixtures.invariants import broken_invariants


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    screen = Screen()
    with rolling_market(screen) as market:
        outcome = asyncio.run(_run(market, options, screen))
        show(outcome, market, screen)
    return 0 if outcome.is_good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="task faults:rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="restarts of each service (default 5)")
    parser.add_argument("--buyers", type=int, default=4, help="who buy at the same time (default 4)")
    parser.add_argument("--visitors", type=int, default=3, help="who browse at the same time (default 3)")
    parser.add_argument("services", nargs="*", help="the services to restart, such as orders-api (default all)")
    return parser


async def _run(market: RollingMarket, options: argparse.Namespace, screen: Screen) -> Outcome:
    load = Load()
    register, url = market.layout.register, market.database.admin_url
    logins = await asyncio.to_thread(lambda: market.logins)
    async with AsyncExitStack() as held:
        crowd = Crowd(market.gateway_url, load, held, logins)
        await crowd.stock_up()
        acts = [await crowd.buys(number) for number in range(options.buyers)]
        acts += [await crowd.browses(number) for number in range(options.visitors)]
        acts += [await crowd.sells(), await crowd.keeps_books(), await crowd.oversees()]
        await settled(register, url)
        stock, before = await initial_stock(url), await deliveries(register, url)
        began = time.monotonic()
        busy = [asyncio.create_task(load.repeat(act)) for act in acts]
        await asyncio.sleep(3)
        chosen = [each for each in market.rolled if not options.services or each.name in options.services]
        await asyncio.gather(*(_lane(market, lane, options.rounds, screen) for lane in _lanes(chosen)))
        await asyncio.sleep(3)
        load.stop()
        await asyncio.gather(*busy)
    quiet = await settled(register, url)
    broken = await broken_invariants(market.database, stock)
    after = await deliveries(register, url)
    return Outcome(load, time.monotonic() - began, before, after, quiet, broken)


def _lanes(chosen: Sequence[Rolled]) -> list[list[Rolled]]:
    """APIs and the gateway one after the other, and beside them the workers."""
    asked: list[Rolled] = [each for each in chosen if isinstance(each, Balanced)]
    return [asked, [each for each in chosen if each not in asked]]


async def _lane(market: RollingMarket, lane: Sequence[Rolled], rounds: int, screen: Screen) -> None:
    for number in range(1, rounds + 1):
        for service in lane:
            await market.roll(service)
            last = market.restarts[-1]
            screen.console.print(f"{number}/{rounds} {service.name}: {last.ended - last.begun:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
