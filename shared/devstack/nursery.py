"""Loads the services' libraries once, then forks one process for each service that it is told of.

Importing the libraries costs a second and a half of CPU a process; twenty processes on two cores would wait half a minute
for that. Each child is a process as if started by `python -m`: own session, environment, log, and `__main__`. The nursery
ends with its input, so nothing of it remains.

Reads a JSON object a line: name, module, arguments, environment, log. Answers `{"name": …, "pid": …}`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "asyncpg",
    "faststream.rabbit",
    "httpx",
    "jwt",
    "nacl.public",
    "opentelemetry.sdk.trace",
    "redis.asyncio",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "starlette.applications",
    "strawberry.federation",
    "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.httptools_impl",
)
_PROJECT_PACKAGES = ("shared.db", "shared.graphql", "shared.messaging", "shared.runtime")
_SET_NAME = 15  # PR_SET_NAME of prctl(2)


@dataclass(frozen=True, slots=True)
class Child:
    """What a newborn process is to become."""

    name: str
    module: str
    arguments: list[str]
    environment: dict[str, str]
    log: str


def main() -> None:
    _load()
    child = _serve()
    if child is not None:
        _become(child)


def _load() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    for package in _PROJECT_PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path):
            # A module that `-m` runs shall not be loaded under its own name before.
            if not module.name.startswith("__"):
                importlib.import_module(f"{package}.{module.name}")
    # What is loaded now lives on in every child: the collector shall not touch, hence copy, those pages.
    gc.collect()
    gc.freeze()


def _serve() -> Child | None:
    """Forks on each line. Returns the child's task in the child and None in the nursery once its input ends."""
    for line in sys.stdin:
        task: dict[str, Any] = json.loads(line)
        child = Child(**task)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            return child
        print(json.dumps({"name": child.name, "pid": pid}), flush=True)
    return None


def _become(child: Child) -> None:
    os.setsid()
    log = os.open(child.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.close(log)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - it lives as long as the process
    os.environ.clear()
    os.environ.update(child.environment)
    sys.argv = [child.module, *child.arguments]
    _set_name(child.name)
    runpy.run_module(child.module, run_name="__main__", alter_sys=True)


def _set_name(name: str) -> None:
    """So that `ps -A` and `top` show which service it is; the system keeps 15 letters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_NAME, name.encode()[:15], 0, 0, 0)


if __name__ == "__main__":
    # Children must see the project, whatever the working directory.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main()
