"""Takes one guard out of a scratch copy of the repository and runs the test that has to see it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from enum import Enum
from pathlib import Path

from shared.register import PROJECT_ROOT
from tests.guards.guard import Guard

_RED = 1
"""pytest's status where tests ran and failed; any other status means that they did not run."""


class Verdict(Enum):
    SEEN = "seen"
    UNSEEN = "not seen: the test passes without the guard"
    STALE = "stale: the line does not occur exactly once"
    BROKEN = "broken: the test does not run"


def scratch_copy(folder: Path) -> Path:
    """What is under version control, as it lies here, in a folder of its own."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        source, target = PROJECT_ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def occurrences(guard: Guard) -> int:
    """How often the guarding line stands in its file."""
    return (PROJECT_ROOT / guard.file).read_text(encoding="utf-8").count(guard.line)


def try_without(guard: Guard, copy: Path) -> Verdict:
    """Whether the named test sees that the guard is gone. The copy is whole again afterwards."""
    if occurrences(guard) != 1:
        return Verdict.STALE
    file = copy / guard.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(guard.line, guard.without), encoding="utf-8")
    try:
        status = _run(guard.test, copy)
    finally:
        file.write_text(whole, encoding="utf-8")
    if status == 0:
        return Verdict.UNSEEN
    return Verdict.SEEN if status == _RED else Verdict.BROKEN


def _run(test: str, copy: Path) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test]
    # Not the bytecode of the line before: two writes within a second look alike to it.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, check=False).returncode
