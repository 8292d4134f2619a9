"""Runs dbmate over each subgraph's migrations, as the role that owns its schema."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from shared.devstack.addresses import with_login
from shared.devstack.bootstrap import DATABASE
from shared.devstack.errors import StackProblem
from shared.devstack.passwords import migration_role
from shared.register import Register, Subgraph

_THIS_MACHINE = frozenset({"127.0.0.1", "localhost"})


def migrate(
    register: Register, *, admin_url: str, passwords: Mapping[str, str], database: str = DATABASE, parallel: int = 2
) -> None:
    """Brings every schema up to date. `admin_url` names the server only; raises StackProblem with dbmate's words."""

    def run(subgraph: Subgraph) -> None:
        dbmate(subgraph, "migrate", url=migration_url(subgraph, admin_url, passwords, database))

    with ThreadPoolExecutor(parallel) as pool:
        list(pool.map(run, register.subgraphs))


def migration_url(subgraph: Subgraph, admin_url: str, passwords: Mapping[str, str], database: str = DATABASE) -> str:
    """The URL of the subgraph's migration role on the server of `admin_url`."""
    role = migration_role(subgraph.name)
    return with_login(admin_url, role, passwords[role], path=database)


def dbmate(subgraph: Subgraph, command: str, *, url: str) -> str:
    """One dbmate command over the subgraph's folder: `migrate`, `rollback` (one step) or `status`. Returns its output."""
    program = Path(sysconfig.get_path("scripts")) / "dbmate"
    options = ["-d", str(subgraph.migrations), "--migrations-table", f"{subgraph.name}.schema_migrations"]
    done = subprocess.run(
        # The address carries a password: it goes by the environment, which other users cannot read.
        [str(program), "--env", "MIGRATION_URL", "--no-dump-schema", "--migration-lock", *options, command],
        env={"MIGRATION_URL": _for_go(url)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackProblem(
            f"A migration of {subgraph.name} failed ({subgraph.migrations}):",
            log_lines=tuple(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-12:]),
            remedy="Correct the file; what ran before it is kept, and the same command continues there.",
        )
    return done.stdout


def _for_go(url: str) -> str:
    """dbmate's driver demands TLS unless told otherwise; a server on this machine has none."""
    parts = urlsplit(url)
    if parts.hostname not in _THIS_MACHINE or "sslmode" in parse_qs(parts.query):
        return url
    return f"{url}{'&' if parts.query else '?'}sslmode=disable"
