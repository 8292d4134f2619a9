"""Processes of the benchmark: pinned to a core, ended by their own pid, their processor time read from the system."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

READY_SECONDS = 60.0


class NotStarted(Exception):
    """A process ended or stayed silent. The message has the end of its log."""


def cores() -> tuple[int, int]:
    """The core of what is measured and the core of all else. They are the same where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[-1], allowed[0]


@dataclass(slots=True)
class Pinned:
    """One process and its children on one core."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path

    def cpu_seconds(self) -> float:
        """Processor time so far, user and system, children included."""
        return sum(times.user + times.system for times in (one.cpu_times() for one in self._tree()))

    def resident_bytes(self) -> int:
        return sum(one.memory_info().rss for one in self._tree())

    def stop(self) -> None:
        tree = self._tree() if self.popen.poll() is None else []
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        for child in tree[1:]:
            if child.is_running():
                child.kill()

    async def listening(self) -> None:
        """Returns once the port accepts connections. Raises NotStarted."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < deadline and self.popen.poll() is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return
        raise NotStarted(self.log.read_text(encoding="utf-8", errors="replace")[-600:].strip() or "it said nothing")

    def _tree(self) -> list[psutil.Process]:
        process = psutil.Process(self.popen.pid)
        return [process, *process.children(recursive=True)]


def start(
    name: str, command: Sequence[str], *, port: int, core: int, directory: Path, environment: Mapping[str, str]
) -> Pinned:
    """Start a command in `directory`, where its log goes too."""
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        popen = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            cwd=directory,
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Pinned(popen, port, log)
