"""A private Prometheus from Debian's package, for whoever asks for it; `promtool`, which tests the rules, comes with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from shared.devstack.ports import LOOPBACK, require_free, wait_until
from shared.devstack.processes import TrackedProcess, tie
from shared.devstack.servers.packages import require_package

PROGRAM = Path("/usr/bin/prometheus")
PROMTOOL = Path("/usr/bin/promtool")
_KEPT = "7d"


@dataclass(frozen=True, slots=True)
class PrometheusServer:
    """`tied` ends the server with its parent (tests)."""

    directory: Path
    port: int
    log: Path
    tied: bool = False

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def process(self) -> TrackedProcess:
        return TrackedProcess("prometheus", self.directory / "prometheus.run", self.log)

    @property
    def was_asked_for(self) -> bool:
        """Whether it has been started and not stopped since, dead or alive."""
        return self.process.run_file.exists()

    def start(self, configuration: Mapping[str, Any]) -> None:
        """Returns once the server answers. One that runs already takes the configuration and the rules in anew."""
        require_installed()
        self.directory.mkdir(parents=True, exist_ok=True)
        config = self.directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(dict(configuration), sort_keys=False), encoding="utf-8")
        if running := self.process.find():
            running.send_signal(signal.SIGHUP)
            return
        require_free(self.port, wanted_by="Prometheus")
        self.process.start([*tie(self.tied), *self._command(config)], environment=os.environ, directory=self.directory)
        if not wait_until(self.is_ready, alive=lambda: self.process.find() is not None, seconds=30):
            raise self.process.failed()

    def stop(self) -> bool:
        """True where it was running. What it has collected stays."""
        return self.process.stop()

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/-/ready", timeout=2, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _command(self, config: Path) -> list[str]:
        return [
            str(PROGRAM),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--storage.tsdb.retention.time={_KEPT}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
            "--log.level=warn",
        ]


def require_installed() -> None:
    """Installs Debian's package where we may; raises StackProblem where we may not."""
    require_package("prometheus", program=PROMTOOL, choices="As an administrator: apt-get install prometheus")
