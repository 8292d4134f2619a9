"""Follows the logs of one process or of all, each line under its process's name."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.screen import Screen

_POLL_SECONDS = 0.3


def show_logs(layout: Layout, screen: Screen, names: list[str], *, follow: bool, lines: int = 40) -> None:
    """The last lines of each; then, where `follow`, every new one until interrupted. Raises StackProblem."""
    files = _files(layout, names)
    offsets = {file: _show_tail(file, screen, lines if names else 5) for file in files}
    while follow:
        for file in files:
            offsets[file] = _show_new(file, screen, offsets[file])
        time.sleep(_POLL_SECONDS)


def _files(layout: Layout, names: list[str]) -> list[Path]:
    known = {file.stem: file for file in sorted(layout.logs.glob("*.log"))}
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        raise StackProblem(
            f"There is no log of {', '.join(unknown) or 'anything'}.",
            remedy=f"There are logs of: {', '.join(known) or 'nothing yet; start with ./task up'}",
        )
    return [known[name] for name in names or known]


def _show_tail(file: Path, screen: Screen, count: int) -> int:
    with file.open(encoding="utf-8", errors="replace") as log:
        for line in deque(log, maxlen=count):
            _show(file, screen, line)
        return log.tell()


def _show_new(file: Path, screen: Screen, offset: int) -> int:
    with file.open(encoding="utf-8", errors="replace") as log:
        log.seek(offset)
        while line := log.readline():
            _show(file, screen, line)
        return log.tell()


def _show(file: Path, screen: Screen, line: str) -> None:
    screen.console.print(f"[cyan]{file.stem:>22}[/] ", end="")
    screen.console.print(line.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)
