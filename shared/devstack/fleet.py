"""Starts the services, waits until each is ready, and ends them again."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil

from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.ports import is_open, require_free
from shared.devstack.services import Service, inherited
from shared.register import PROJECT_ROOT

READY_SECONDS = 90


class Nursery:
    """The process that forks services; see nursery.py."""

    def __init__(self, layout: Layout, process: subprocess.Popen[str], log: Path) -> None:
        self._layout = layout
        self._process = process
        self._log = log

    def fork(self, service: Service) -> int:
        """The pid of the newborn. Raises StackProblem where the nursery itself could not load."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        task = {
            "name": service.name,
            "module": service.module,
            "arguments": list(service.arguments),
            "environment": dict(service.environment),
            "log": str(self._layout.process(service.name).log),
        }
        try:
            self._process.stdin.write(json.dumps(task) + "\n")
            self._process.stdin.flush()
            return int(json.loads(self._process.stdout.readline())["pid"])
        except (OSError, ValueError) as error:
            last = self._log.read_text(encoding="utf-8").splitlines()[-15:]
            raise StackProblem(
                "The services' libraries do not load:", log_lines=tuple(f"    {line}" for line in last)
            ) from error


@contextmanager
def nursery_of(layout: Layout, absent: Sequence[Service]) -> Iterator[Nursery | None]:
    """Opened early, it loads its libraries while the broker boots. None where nobody is to be born."""
    if not absent:
        yield None
        return
    log = layout.logs / "nursery.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.devstack.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=inherited(),
            cwd=PROJECT_ROOT,
        )
    try:
        yield Nursery(layout, process, log)
    except BaseException:
        process.terminate()
        raise
    finally:
        process.communicate()


def missing(layout: Layout, wanted: Sequence[Service]) -> list[Service]:
    """Those that do not run. Raises StackProblem where somebody else has a port that one of them needs."""
    absent = [service for service in wanted if layout.process(service.name).find() is None]
    for service in absent:
        for port in {service.port, service.operations_port or service.port}:
            require_free(port, wanted_by=service.name, remedy="Or move the whole stack: PORT_OFFSET=1000 ./task up")
    return absent


def start(layout: Layout, nursery: Nursery | None, absent: Sequence[Service]) -> None:
    """Starts them all; none is waited for."""
    for service in absent:
        process = layout.process(service.name)
        if service.forked and nursery:
            process.adopt(nursery.fork(service))
        else:
            process.start(
                [sys.executable, "-m", service.module, *service.arguments],
                environment=service.environment,
                directory=PROJECT_ROOT,
            )


def wait_until_ready(layout: Layout, wanted: Sequence[Service], on_ready: Callable[[Service], None]) -> None:
    """Calls `on_ready` for each service as it gets ready; raises StackProblem for one that ends or stays unready."""
    deadline = time.monotonic() + READY_SECONDS
    waiting = list(wanted)
    with httpx.Client(trust_env=False, timeout=2) as client:
        while waiting:
            for service in list(waiting):
                if is_ready(service, client):
                    waiting.remove(service)
                    on_ready(service)
                elif layout.process(service.name).find() is None or time.monotonic() > deadline:
                    raise layout.process(service.name).failed()
            time.sleep(0.1)


def is_ready(service: Service, client: httpx.Client) -> bool:
    if service.ready_url is None:
        return is_open(service.port)
    try:
        return client.get(service.ready_url).status_code == 200
    except httpx.TransportError:
        return False


def stop(layout: Layout, names: Sequence[str], *, grace: float = 20) -> list[str]:
    """Asks all at once to end, waits for all, ends the rest by force. Returns the names of those that ran."""
    running = {name: process for name in names if (process := layout.process(name).find())}
    for process in running.values():
        _tell(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(list(running.values()), timeout=grace)
    for process in stubborn:
        _tell(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=grace)
    for name in names:
        layout.process(name).run_file.unlink(missing_ok=True)
    return list(running)


def _tell(process: psutil.Process, what: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(what)
