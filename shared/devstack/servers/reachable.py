"""Postgres refuses to run as root, so root runs it as nobody; nobody must then reach its binaries and its data."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from shared.devstack.errors import StackProblem

NOBODY = 65534
_OPEN_GROUND = Path("/var/tmp")  # noqa: S108 - persistent and open to every user by its purpose


def unprivileged() -> list[str]:
    """The prefix of a command that must not run as root; empty where we are not root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def reachable_directory(wanted: Path) -> Path:
    """`wanted` itself or, where nobody cannot traverse to it, a folder of its own under /var/tmp."""
    wanted.mkdir(parents=True, exist_ok=True)
    return wanted if _reaches(wanted) else _fallback(wanted)


def reachable_copy(installed: Path, *, beside: Path) -> Path:
    """`installed` itself or, where nobody cannot run programs in it, a copy of it under /var/tmp."""
    if _reaches(installed):
        return installed
    copy = _fallback(beside) / "program"
    complete = copy / ".complete"
    if not complete.exists():
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(installed, copy, symlinks=True)
        complete.touch()
    return copy


def forget(wanted: Path) -> None:
    """Removes `wanted` and its stand-in under /var/tmp."""
    shutil.rmtree(wanted, ignore_errors=True)
    shutil.rmtree(_fallback_path(wanted), ignore_errors=True)


def _reaches(path: Path) -> bool:
    prefix = unprivileged()
    return not prefix or subprocess.run([*prefix, "test", "-x", str(path)], check=False).returncode == 0


def _fallback_path(wanted: Path) -> Path:
    return _OPEN_GROUND / f"marketplace-{hashlib.sha256(str(wanted.resolve()).encode()).hexdigest()[:12]}"


def _fallback(wanted: Path) -> Path:
    path = _fallback_path(wanted)
    path.mkdir(mode=0o755, exist_ok=True)
    # Anybody may create folders there: one that is not ours could hold somebody else's programs.
    if path.is_symlink() or path.stat().st_uid != os.geteuid():
        raise StackProblem(f"{path} belongs to another user.", remedy="Remove it, then run the command again.")
    return path
