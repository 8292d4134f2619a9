"""A private RabbitMQ node from Debian's package, beside any system-wide one: own cookie, name, ports, data and epmd."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.devstack.ports import LOOPBACK, is_open, require_free, wait_until
from shared.devstack.processes import TrackedProcess, tie
from shared.devstack.servers.packages import require_package

# The one in /usr/sbin switches to the system's own rabbitmq user.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CHOICES = """Choose one:
    - as an administrator: apt-get install rabbitmq-server
    - RABBITMQ_URL=amqp://… and RABBITMQ_MANAGEMENT_URL=http://user:password@host:15672 to use a broker of your own
    - with a Docker engine: docker compose up -d rabbitmq, then the two variables as compose.yaml states them"""


@dataclass(frozen=True, slots=True)
class RabbitPorts:
    """`distribution` and `epmd` are Erlang's own; `metrics` answers Prometheus."""

    amqp: int
    management: int
    metrics: int
    distribution: int
    epmd: int


@dataclass(frozen=True, slots=True)
class RabbitTls:
    """Ports that speak TLS beside those in plain text, and what they show."""

    amqp: int
    management: int
    certificate: Path
    key: Path

    @property
    def settings(self) -> dict[str, str]:
        return {
            "listeners.ssl.1": f"{LOOPBACK}:{self.amqp}",
            "ssl_options.certfile": str(self.certificate),
            "ssl_options.keyfile": str(self.key),
            "ssl_options.verify": "verify_none",
            "management.ssl.ip": LOOPBACK,
            "management.ssl.port": str(self.management),
            "management.ssl.certfile": str(self.certificate),
            "management.ssl.keyfile": str(self.key),
        }


@dataclass(frozen=True, slots=True)
class RabbitServer:
    """`password` is the administrator's, named `admin`. `tied` ends the server with its parent (tests)."""

    directory: Path
    ports: RabbitPorts
    password: str
    log: Path
    tied: bool = False
    tls: RabbitTls | None = None

    @property
    def url(self) -> str:
        """AMQP as the administrator."""
        return f"amqp://admin:{self.password}@{LOOPBACK}:{self.ports.amqp}/"

    @property
    def management_url(self) -> str:
        """The HTTP API as the administrator."""
        return f"http://admin:{self.password}@{LOOPBACK}:{self.ports.management}"

    @property
    def metrics_url(self) -> str:
        """Prometheus; queue depths at `/metrics/detailed?family=queue_coarse_metrics`."""
        return f"http://{LOOPBACK}:{self.ports.metrics}/metrics"

    @property
    def process(self) -> TrackedProcess:
        return TrackedProcess("rabbitmq", self.directory / "rabbitmq.run", self.log)

    @property
    def name_service(self) -> TrackedProcess:
        """Erlang's port mapper: one of our own, so that the system's is neither used nor started."""
        return TrackedProcess("epmd", self.directory / "epmd.run", self.log.with_name("epmd.log"))

    def start(self) -> None:
        """Boots the node (6 to 14 s) and returns once it serves. Harmless where it runs already."""
        if self.process.find():
            return
        require_installed()
        for port in (self.ports.amqp, self.ports.management, self.ports.metrics, self.ports.distribution):
            require_free(port, wanted_by="RabbitMQ", remedy="Or set RABBITMQ_URL to use a broker of your own.")
        self._write_configuration()
        environment = os.environ | self._environment()
        self._start_name_service(environment)
        # Input allowed, the script becomes the Erlang machine instead of staying its parent: one pid to know.
        command = [*tie(self.tied), str(PROGRAM), "-noinput"]
        self.process.start(command, environment=environment | {"RABBITMQ_ALLOW_INPUT": "1"}, directory=self.directory)
        if not wait_until(self._serves, alive=lambda: self.process.find() is not None, seconds=120):
            raise self.process.failed()

    def stop(self) -> None:
        """Lets the node store its state; that takes up to 6 s."""
        self.process.stop(grace=30)
        self.name_service.stop()

    def _start_name_service(self, environment: dict[str, str]) -> None:
        if self.name_service.find():
            return
        require_free(self.ports.epmd, wanted_by="RabbitMQ's port mapper")
        self.name_service.start([*tie(self.tied), "epmd"], environment=environment, directory=self.directory)
        if not wait_until(
            lambda: is_open(self.ports.epmd), alive=lambda: self.name_service.find() is not None, seconds=10
        ):
            raise self.name_service.failed()

    def _serves(self) -> bool:
        if not (is_open(self.ports.amqp) and is_open(self.ports.management)):
            return False
        try:
            return httpx.get(f"{self.management_url}/api/overview", timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _write_configuration(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "enabled_plugins").write_text(
            "[rabbitmq_management,rabbitmq_prometheus].\n", encoding="utf-8"
        )
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.ports.amqp}",
            "management.tcp.ip": LOOPBACK,
            "management.tcp.port": str(self.ports.management),
            "prometheus.tcp.ip": LOOPBACK,
            "prometheus.tcp.port": str(self.ports.metrics),
            "default_user": "admin",
            "default_pass": self.password,
            "disk_free_limit.absolute": "100MB",
            "collect_statistics_interval": "2000",
            "log.console": "true",
            "log.console.level": "warning",
            "log.file": "false",
        } | (self.tls.settings if self.tls else {})
        file = self.directory / "rabbitmq.conf"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()), encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        here = self.directory
        return {
            "HOME": str(here),
            "RABBITMQ_NODENAME": f"marketplace{self.ports.amqp}@localhost",
            "RABBITMQ_MNESIA_BASE": str(here / "mnesia"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(here / "rabbitmq-env.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(here / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "enabled_plugins"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(here / "schema"),
            "RABBITMQ_PID_FILE": str(here / "rabbitmq.pid"),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            # Idle schedulers spin by default; two cores have better things to do.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP": "/dev/null",
        }


def require_installed() -> None:
    """Raises StackProblem with the choices where RabbitMQ is missing and may not be installed."""
    require_package("rabbitmq-server", program=PROGRAM, choices=_CHOICES)
