"""A private pgBouncer in transaction mode, from Debian's package: production pools like this."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.devstack.ports import LOOPBACK, is_open, require_free, wait_until
from shared.devstack.processes import TrackedProcess, tie
from shared.devstack.servers.packages import require_package
from shared.devstack.servers.reachable import NOBODY, reachable_directory, unprivileged

PROGRAM = Path("/usr/sbin/pgbouncer")
QUERY_WAIT_SECONDS = 5
"""Two minutes by default: so long would a request hang while Postgres is away, or while every connection is taken."""
LOGIN_RETRY_SECONDS = 1
"""Fifteen by default: so long would everybody be refused after Postgres is back."""


@dataclass(frozen=True, slots=True)
class PoolerServer:
    """`postgres_url` is an administrator's: with it the pooler looks up the password of whoever connects."""

    directory: Path
    port: int
    postgres_url: str
    pool_size: int
    log: Path
    tied: bool = False

    @property
    def process(self) -> TrackedProcess:
        return TrackedProcess("pgbouncer", self.directory / "pgbouncer.run", self.log)

    @property
    def url(self) -> str:
        """Where it listens. It lets in whom the server lets in: an address has a login once it is somebody's."""
        return f"postgresql://{LOOPBACK}:{self.port}"

    def address_of(self, url: str) -> str:
        """The same login and database, by way of the pooler."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.username}:{parts.password}@{LOOPBACK}:{self.port}").geturl()

    def start(self) -> None:
        """Returns once the pooler accepts connections. Harmless where it runs already."""
        if self.process.find():
            return
        require_package("pgbouncer", program=PROGRAM, choices="As an administrator: apt-get install pgbouncer")
        require_free(self.port, wanted_by="pgBouncer")
        config = self._write_configuration(reachable_directory(self.directory))
        command = [*unprivileged(), *tie(self.tied), str(PROGRAM), str(config)]
        self.process.start(command, environment=os.environ, directory=config.parent)
        if not wait_until(lambda: is_open(self.port), alive=lambda: self.process.find() is not None, seconds=20):
            raise self.process.failed()

    def stop(self) -> None:
        """SIGTERM, which cuts whoever is connected."""
        self.process.stop()

    def _write_configuration(self, directory: Path) -> Path:
        server = urlsplit(self.postgres_url)
        users, config = directory / "users.txt", directory / "pgbouncer.ini"
        settings = {
            "listen_addr": LOOPBACK,
            "listen_port": str(self.port),
            "unix_socket_dir": "",
            "pool_mode": "transaction",
            "default_pool_size": str(self.pool_size),
            "max_client_conn": "500",
            "log_connections": "0",
            "log_disconnections": "0",
            "log_stats": "0",
            "query_wait_timeout": str(QUERY_WAIT_SECONDS),
            "server_login_retry": str(LOGIN_RETRY_SECONDS),
            "auth_type": "scram-sha-256",
            "auth_file": str(users),
            "auth_user": server.username or "",
            "auth_query": "SELECT usename, passwd FROM pg_catalog.pg_shadow WHERE usename = $1",
        }
        lines = ["[databases]", f"* = host={server.hostname} port={server.port}", "[pgbouncer]"]
        lines += [f"{name} = {value}" for name, value in settings.items()]
        for file, content in (
            (users, f'"{server.username}" "{server.password}"\n'),
            (config, "\n".join(lines) + "\n"),
        ):
            file.touch(mode=0o600)
            file.write_text(content, encoding="utf-8")
            if os.geteuid() == 0:
                os.chown(file, NOBODY, NOBODY)
        return config
