"""A whole marketplace whose every service can be restarted without a pause."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import yaml

from shared.devstack import backing as servers
from shared.devstack import fleet, stack
from shared.devstack.addresses import with_path
from shared.devstack.bootstrap import DATABASE
from shared.devstack.fleet import Nursery, nursery_of
from shared.devstack.gateway_config import write_gateway_config
from shared.devstack.keys import ensure_keys
from shared.devstack.layout import Layout, layout_at
from shared.devstack.lock import alone
from shared.devstack.passwords import Passwords, load_passwords
from shared.devstack.prepare import prepare
from shared.devstack.screen import Screen
from shared.devstack.services import Service, services
from shared.register import PROJECT_ROOT
from shared.testing.servers import MarketplaceDatabase
from tests.faults.rolling.balancer import Balancer
from tests.faults.rolling.slots import SHUTDOWN_DELAY, Balanced, Rolled, Slot, of_api, of_gateway, of_worker

_OFFSET = 8000
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Restart:
    """`begun` and `ended` on the monotonic clock; `drain` seconds from the signal to the end of the old process."""

    service: str
    begun: float
    ended: float
    drain: float
    forced: bool


@dataclass
class RollingMarket:
    layout: Layout
    passwords: Passwords
    nursery: Nursery
    balancer: Balancer
    rolled: Sequence[Rolled]
    restarts: list[Restart] = field(default_factory=list)
    _current: dict[str, int] = field(default_factory=dict)

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.layout.gateway_port}"

    @property
    def logins(self) -> list[dict[str, str]]:
        """The demo's people, made when this is asked."""
        seeded = subprocess.run(
            [sys.executable, "-m", stack.SEED_MODULE],
            env=os.environ | stack.operator_environment(self.layout),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        found: list[dict[str, str]] = json.loads(seeded.stdout)
        return found

    @property
    def database(self) -> MarketplaceDatabase:
        url = with_path(stack.operator_environment(self.layout)["POSTGRES_ADMIN_URL"], DATABASE)
        return MarketplaceDatabase(DATABASE, url, self.layout.register, self.passwords)

    async def roll(self, service: Rolled) -> None:
        """A new process beside the old one; once it serves, the old one is told to stop, and is gone."""
        begun = time.monotonic()
        current = self._current.get(service.name, 0)
        old, new = service.slots[current], service.slots[1 - current]
        await self._start(service, new)
        told = time.monotonic()
        forced = await self._stop(old)
        self._current[service.name] = 1 - current
        ended = time.monotonic()
        self.restarts.append(Restart(service.name, begun, ended, ended - told, forced))

    async def _start(self, service: Rolled, slot: Slot) -> None:
        fleet.start(self.layout, self.nursery, [slot.service])
        await asyncio.to_thread(fleet.wait_until_ready, self.layout, [slot.service], _nothing)
        if isinstance(service, Balanced):
            await self.balancer.until_served(service.name, slot.letter)

    async def _stop(self, slot: Slot) -> bool:
        """True where it had to be ended by force."""
        tracked = self.layout.process(slot.service.name)
        process = tracked.find()
        assert process is not None, f"{slot.service.name} is gone"
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        while tracked.find() is not None:
            if time.monotonic() > deadline:
                process.kill()
                return True
            await asyncio.sleep(0.05)
        return False


@contextmanager
def rolling_market(screen: Screen) -> Iterator[RollingMarket]:
    """Up with one process a service; all gone afterwards."""
    layout = layout_at(_OFFSET)
    with ExitStack() as held:
        held.enter_context(alone(layout))
        stack.reset(layout, screen)
        held.callback(stack.reset, layout, screen)
        layout.logs.mkdir(parents=True, exist_ok=True)
        passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
        ensure_keys(layout.secrets, layout.register)
        backing = servers.backing_of(layout, passwords, {})
        servers.remember(layout, backing.addresses)
        rolled, others = _split(layout, services(layout, backing.addresses, passwords))
        firsts = [service.slots[0].service for service in rolled]
        nursery = held.enter_context(nursery_of(layout, [*firsts, *others]))
        assert nursery is not None
        prepare(layout, backing, passwords, screen)
        fleet.start(layout, nursery, [*firsts, *others])
        balancer = Balancer(layout.directory, [service for service in rolled if isinstance(service, Balanced)])
        balancer.start()
        held.callback(balancer.stop)
        fleet.wait_until_ready(layout, [*firsts, *others], _nothing)
        yield RollingMarket(layout, passwords, nursery, balancer, rolled)


def _split(layout: Layout, listed: Sequence[Service]) -> tuple[list[Rolled], list[Service]]:
    """What is restarted, and the stand-ins for the outside world, which stay."""
    config = layout.gateway_config
    write_gateway_config(config, layout.subgraph_addresses, secrets=layout.secrets)
    settings = yaml.safe_load(config.read_text())
    settings.setdefault("http", {})["shutdown_delay"] = SHUTDOWN_DELAY
    config.write_text(yaml.safe_dump(settings))
    rolled: list[Rolled] = []
    others: list[Service] = []
    for service in listed:
        if service.name == "gateway":
            rolled.append(of_gateway(service))
        elif service.module == "shared.runtime" and service.arguments[0] == "api":
            rolled.append(of_api(service))
        elif service.ready_url is not None:
            rolled.append(of_worker(service))
        else:
            others.append(service)
    return rolled, others


def _nothing(_: Service) -> None:
    """Readiness is waited for, not told."""
