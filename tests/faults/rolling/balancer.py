"""HAProxy in the place of Kubernetes' services: connections go to whoever says that it is ready, and are never retried.

TCP, as kube-proxy is: a connection stays with the process it was given to, also once that is no longer ready.
"""

from __future__ import annotations

import asyncio
import csv
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.devstack.ports import LOOPBACK
from shared.devstack.processes import tie
from shared.devstack.servers.packages import require_package
from shared.testing.eventually import eventually
from tests.faults.rolling.slots import Balanced

PROGRAM = Path("/usr/sbin/haproxy")
_SETTINGS = """\
global
  stats socket {socket} mode 600 level operator
  maxconn 4000
defaults
  mode tcp
  retries 0
  timeout connect 2s
  timeout client 300s
  timeout server 300s
  timeout check 5s
  default-server inter 200ms fall 2 rise 1
"""


@dataclass
class Balancer:
    """One address for each of `services`, before its two slots."""

    directory: Path
    services: Sequence[Balanced]
    _process: subprocess.Popen[bytes] | None = None

    @property
    def _socket(self) -> Path:
        return self.directory / "haproxy.sock"

    def start(self) -> None:
        require_package("haproxy", program=PROGRAM, choices="As an administrator: apt-get install haproxy")
        config = self.directory / "haproxy.cfg"
        config.write_text(_SETTINGS.format(socket=self._socket) + "".join(map(_section, self.services)))
        with (self.directory / "haproxy.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*tie(tied=True), str(PROGRAM), "-db", "-f", str(config)], stdout=log, stderr=log
            )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    async def until_served(self, name: str, slot: str) -> None:
        """Returns once connections go to that slot too."""
        await eventually(f"{name} is balanced", lambda: self._is_served(name, slot))

    async def _is_served(self, name: str, slot: str) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return False
        writer.write(b"show stat\n")
        table = (await reader.read()).decode().removeprefix("# ")
        writer.close()
        rows = csv.DictReader(table.splitlines())
        return any((row["pxname"], row["svname"], row["status"]) == (name, slot, "UP") for row in rows)


def _section(service: Balanced) -> str:
    lines = [f"listen {service.name}", f"  bind {LOOPBACK}:{service.port}", "  option httpchk GET /health/ready"]
    for slot in service.slots:
        probed = slot.service.operations_port or slot.service.port
        lines.append(f"  server {slot.letter} {LOOPBACK}:{slot.service.port} check port {probed}")
    return "\n".join(lines) + "\n"
