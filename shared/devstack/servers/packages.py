"""Debian packages for the servers that no wheel brings."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from shared.devstack.errors import StackProblem


def require_package(package: str, *, program: Path, choices: str) -> None:
    """Installs the package that brings `program` where we may; raises StackProblem with `choices` where we may not."""
    if program.exists():
        return
    administrator = _administrator()
    if administrator is None or shutil.which("apt-get") is None:
        raise StackProblem(f"{package} is not installed and this user may not install it.", remedy=choices)
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(
            [*administrator, "apt-get", "-q", *arguments], capture_output=True, text=True, check=False
        )
    if not program.exists():
        raise StackProblem(
            f"apt-get could not install {package}.",
            log_lines=tuple(f"    {line}" for line in (done.stdout + done.stderr).splitlines()[-8:]),
            remedy=choices,
        )


def _administrator() -> list[str] | None:
    """The prefix that makes a command an administrator's; None where there is no way without a question.

    RUNLEVEL=1 keeps a package from starting a system-wide server: what we start is ours alone.
    """
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    if os.geteuid() == 0:
        return quiet
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n", *quiet]
    return None
