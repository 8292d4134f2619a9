"""The commands of the stack: up, down, restart, status, reset."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import httpx

from shared.devstack import backing as servers
from shared.devstack import fleet
from shared.devstack.addresses import with_path
from shared.devstack.bootstrap import DATABASE
from shared.devstack.errors import StackProblem
from shared.devstack.gateway_config import write_gateway_config
from shared.devstack.keys import ensure_keys
from shared.devstack.layout import MOVED_PREFIX, Layout
from shared.devstack.lock import LOCK_FILE
from shared.devstack.monitoring import configuration, prometheus_of
from shared.devstack.passwords import Passwords, load_passwords, write_secret
from shared.devstack.prepare import prepare
from shared.devstack.report import LOGINS_FILE, show_logins, show_services, show_welcome
from shared.devstack.screen import Screen
from shared.devstack.servers.reachable import forget
from shared.devstack.services import Service, services
from shared.register import PROJECT_ROOT

SEED_MODULE = "supergraph.seed"


def up(
    layout: Layout,
    screen: Screen,
    environment: Mapping[str, str] = os.environ,
    *,
    with_prometheus: bool = False,
    with_pooler: bool = False,
) -> None:
    """Starts what is down, and says what runs where. `environment` may name servers to use. Raises StackProblem."""
    passwords = _write_files(layout)
    backing = servers.backing_of(layout, passwords, environment, with_pooler=with_pooler)
    settle_on(layout, backing)
    _bring_up(layout, screen, passwords, backing, with_prometheus=with_prometheus)


def _bring_up(
    layout: Layout, screen: Screen, passwords: Passwords, backing: servers.Backing, *, with_prometheus: bool = False
) -> None:
    wanted = services(layout, backing.addresses, passwords)
    absent = fleet.missing(layout, wanted)
    with screen.live(), fleet.nursery_of(layout, absent) as nursery:
        prepare(layout, backing, passwords, screen)
        with screen.step("Services") as note:
            fleet.start(layout, nursery, absent)
            ready: list[str] = []

            def count(service: Service) -> None:
                ready.append(service.name)
                note(f"{len(ready)} of {len(wanted)} ready")

            fleet.wait_until_ready(layout, wanted, count)
        if with_prometheus:
            with screen.step("Prometheus"):
                prometheus_of(layout).start(configuration(wanted, backing))
        _seed(layout, screen)
    show_services(layout, wanted, backing, screen)
    show_logins(layout, screen)
    show_welcome(layout, screen)


def settle_on(layout: Layout, backing: servers.Backing) -> None:
    """Remembers the servers. Raises StackProblem where services run on others: half of the stack would be elsewhere."""
    earlier = servers.find_remembered(layout)
    if earlier and earlier != backing.addresses:
        if any(layout.process(name).find() for name in _known(layout)):
            raise StackProblem(
                "The services run on other servers than POSTGRES_URL, REDIS_URL, RABBITMQ_URL and --pgbouncer name now.",
                remedy="Name them as they were, or move the stack: ./task down, then ./task up.",
            )
        if earlier.postgres != backing.addresses.postgres:
            # The demo's people live in a database: another one has to be asked for them.
            (layout.secrets / LOGINS_FILE).unlink(missing_ok=True)
    servers.remember(layout, backing.addresses)


def down(layout: Layout, screen: Screen) -> None:
    """Services first, then the servers under them. What is kept on disk stays."""
    with screen.live():
        prometheus_of(layout).stop()
        with screen.step("Services stopped") as note:
            note(str(len(fleet.stop(layout, _known(layout)))))
        if layout.secrets.exists():
            passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
            backing = servers.backing_of(layout, passwords, {}, with_pooler=True)
            with screen.step("Servers stopped"), ThreadPoolExecutor() as pool:
                list(pool.map(lambda server: server.stop(), backing.servers))


def restart(layout: Layout, screen: Screen, names: Sequence[str]) -> None:
    """Ends the named services, or all, and brings them up again, on the servers that `up` has settled on."""
    servers.remembered(layout)
    passwords = _write_files(layout)
    known = _known(layout)
    unknown = set(names) - set(known)
    if unknown:
        raise StackProblem(f"No such service: {', '.join(sorted(unknown))}.", remedy=f"There are: {', '.join(known)}")
    fleet.stop(layout, list(names) or known)
    _bring_up(layout, screen, passwords, servers.remembered_backing(layout, passwords))


def status(layout: Layout, screen: Screen) -> bool:
    """Shows what runs where; True where everything is ready."""
    servers.remembered(layout)
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    backing = servers.remembered_backing(layout, passwords)
    wanted = services(layout, backing.addresses, passwords)
    show_services(layout, wanted, backing, screen)
    prometheus = prometheus_of(layout)
    if prometheus.was_asked_for and not prometheus.is_ready():
        return False
    with httpx.Client(trust_env=False, timeout=2) as client:
        return all(layout.process(s.name).find() and fleet.is_ready(s, client) for s in wanted)


def reset(layout: Layout, screen: Screen) -> None:
    """Stops everything and forgets all data, keys and logs."""
    named = _on_named_servers(layout)
    down(layout, screen)
    with screen.step("Data removed") as note:
        if named:
            note("what lies on servers that the environment named stays there")
        for run_as_nobody in ("postgres", "pgbouncer"):
            forget(layout.directory / run_as_nobody)
        for child in layout.directory.glob("*"):
            # Stacks beside this one, and the lock that our caller holds, are not ours to remove.
            if child.name != LOCK_FILE and not child.name.startswith(MOVED_PREFIX):
                shutil.rmtree(child) if child.is_dir() else child.unlink()


def _on_named_servers(layout: Layout) -> bool:
    """Whether the last `up` has used a server that is not the stack's own."""
    if servers.find_remembered(layout) is None:
        return False
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    backing = servers.remembered_backing(layout, passwords)
    return None in (backing.postgres, backing.redis, backing.rabbitmq)


def run(layout: Layout, command: Sequence[str]) -> int:
    """Runs a command with the administrators' addresses of the running stack in its environment. Raises StackProblem."""
    environment = operator_environment(layout)
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    processes = [server.process for server in servers.remembered_backing(layout, passwords).servers]
    if not any(process.find() for process in [*processes, *map(layout.process, _known(layout))]):
        raise StackProblem("The stack is down.", remedy="Start it: ./task up")
    return subprocess.run(list(command), env=os.environ | environment, check=False).returncode


def _known(layout: Layout) -> list[str]:
    """The services that have a run file, dead ones included."""
    return sorted(file.stem for file in (layout.directory / "run").glob("*.json"))


def _write_files(layout: Layout) -> Passwords:
    layout.logs.mkdir(parents=True, exist_ok=True)
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    ensure_keys(layout.secrets, layout.register)
    write_gateway_config(layout.gateway_config, layout.subgraph_addresses, secrets=layout.secrets)
    return passwords


def _seed(layout: Layout, screen: Screen) -> None:
    """Plays the demo data in, once: the module prints the demo logins as a JSON list of role, email, password."""
    logins = layout.secrets / LOGINS_FILE
    if logins.exists() or importlib.util.find_spec(SEED_MODULE) is None:
        return
    with screen.step("Demo data"):
        done = subprocess.run(
            [sys.executable, "-m", SEED_MODULE],
            env=os.environ | operator_environment(layout),
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackProblem(
                "The demo data could not be played in; the services run.",
                log_lines=tuple(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:]),
                remedy="Look at ./task logs, then run ./task up again.",
            )
        write_secret(logins, json.dumps(json.loads(done.stdout), indent=1).encode())


def operator_environment(layout: Layout) -> dict[str, str]:
    """Where an administrator's command finds what runs. Raises StackProblem before the first `up`."""
    addresses = servers.remembered(layout)
    further = {name: process.port for s in layout.register.subgraphs for name, process in s.processes.items()}
    return {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in further.items()} | {
        "GATEWAY_URL": layout.gateway_url,
        "POSTGRES_ADMIN_URL": with_path(addresses.postgres, DATABASE),
        "REDIS_URL": addresses.redis,
        "RABBITMQ_ADMIN_URL": addresses.rabbitmq,
        "RABBITMQ_MANAGEMENT_URL": addresses.rabbitmq_management,
        "SECRETS_DIRECTORY": str(layout.secrets),
    }
