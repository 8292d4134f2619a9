"""Processes that outlive the command that started them, known again by their pid and the moment they started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from shared.devstack.errors import StackProblem

_CLOCK_TICK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TrackedProcess:
    """One process, its log and the file that remembers it.

    The file holds the pid and the process's own start time: a pid that the system has given to somebody else since
    is not taken for ours, hence never ended by us.
    """

    name: str
    run_file: Path
    log: Path

    def find(self) -> psutil.Process | None:
        """The process where it still runs. A zombie does not run."""
        try:
            record = json.loads(self.run_file.read_text(encoding="utf-8"))
            process = psutil.Process(record["pid"])
            same = abs(process.create_time() - record["started"]) < _CLOCK_TICK_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None

    def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path | None = None,
    ) -> psutil.Process:
        """Starts `command` in a session of its own, its output appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=directory,
                start_new_session=True,
            )
        # The launcher goes and the process stays: Popen shall not warn about that.
        started.returncode = 0
        return self.adopt(started.pid)

    def adopt(self, pid: int) -> psutil.Process:
        """Remembers a process that somebody else has started for us."""
        try:
            process = psutil.Process(pid)
            record = {"pid": pid, "started": process.create_time()}
        except psutil.NoSuchProcess as gone:
            raise self.failed() from gone
        self.run_file.parent.mkdir(parents=True, exist_ok=True)
        self.run_file.write_text(json.dumps(record), encoding="utf-8")
        return process

    def stop(self, *, with_signal: signal.Signals = signal.SIGTERM, grace: float = 15.0) -> bool:
        """Asks the process to end and waits for it; ends it by force after `grace` seconds. True where it was running."""
        process = self.find()
        if process is None:
            self.run_file.unlink(missing_ok=True)
            return False
        try:
            process.send_signal(with_signal)
            try:
                process.wait(grace)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait(grace)
        except psutil.NoSuchProcess:
            pass
        self.run_file.unlink(missing_ok=True)
        return True

    def failed(self) -> StackProblem:
        """What to show when the process has ended, or is still not ready, although it should serve."""
        what = "does not get ready" if self.find() else "ended right after its start"
        return StackProblem(
            f"{self.name} {what}. Its last words:",
            log_lines=tuple(f"    {line}" for line in self.last_lines(15)),
            remedy=f"The whole log is {self.log}.",
        )

    def last_lines(self, count: int) -> list[str]:
        if not self.log.exists():
            return []
        with self.log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - 64_000))
            return log.read().decode("utf-8", errors="replace").splitlines()[-count:]


def tie(tied: bool) -> list[str]:
    """A command's prefix: where `tied`, the kernel ends it together with the process that started it.

    For tests, which may be killed. Behind a change of user it must stand last, since that change unties.
    """
    setpriv = shutil.which("setpriv") if tied else None
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
