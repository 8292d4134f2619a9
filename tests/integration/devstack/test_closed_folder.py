"""A clone may lie in a folder that only its owner may enter; Postgres, which root runs as nobody, must work there."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import asyncpg

from shared.devstack.ports import free_ports
from shared.devstack.servers.postgres import PostgresServer
from shared.devstack.servers.reachable import forget, reachable_copy, reachable_directory
from shared.testing.servers import run_apart


async def serves(url: str) -> None:
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT 1") == 1
    await connection.close()


def test_postgres_keeps_its_data_where_it_can_reach_them_and_a_reset_removes_them() -> None:
    closed = Path(tempfile.mkdtemp())
    (port,) = free_ports(1)
    server = PostgresServer(closed / "postgres", port, "secret", closed / "postgres.log", tied=True)
    server.start()
    try:
        run_apart(serves(server.url))
        process = server.process.find()
        assert process is not None
        elsewhere = Path(process.cwd()).parent
    finally:
        server.stop()
    assert (elsewhere.parent == Path("/var/tmp")) == (os.geteuid() == 0)
    server.remove()
    assert not elsewhere.exists()
    assert [file.name for file in closed.iterdir()] == ["postgres.log"]
    shutil.rmtree(closed)


def test_programs_in_a_closed_folder_are_copied_once_to_where_nobody_can_run_them() -> None:
    # Only root runs Postgres as somebody else; anybody else runs it from where it is.
    closed = Path(tempfile.mkdtemp())
    (closed / "program" / "bin").mkdir(parents=True)
    (closed / "program" / "bin" / "run").write_text("#!/bin/sh\n", encoding="utf-8")
    data = closed / "data"

    copy = reachable_copy(closed / "program", beside=data)

    assert copy == (reachable_directory(data) / "program" if os.geteuid() == 0 else closed / "program")
    assert (copy / "bin" / "run").read_text(encoding="utf-8") == "#!/bin/sh\n"
    (copy / "bin" / "run").write_text("kept", encoding="utf-8")
    assert reachable_copy(closed / "program", beside=data) == copy
    assert (copy / "bin" / "run").read_text(encoding="utf-8") == "kept"
    forget(data)
    shutil.rmtree(closed)
