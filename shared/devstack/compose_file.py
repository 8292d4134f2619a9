"""`./task compose:file`: compose.yaml from its template and the register, a container for each process of `./task up`.

Where a process of `./task up` has an address on this machine, its container has the other container's name in its place.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from textwrap import indent

import yaml

from shared.devstack.backing import Backing
from shared.devstack.container_files import GATEWAY_CONFIG
from shared.devstack.layout import Layout
from shared.devstack.monitoring import RULES, configuration
from shared.devstack.passwords import Passwords, migration_role
from shared.devstack.provision import postgres_variable, rabbitmq_variable
from shared.devstack.servers.rabbitmq import RabbitPorts, RabbitServer
from shared.devstack.services import Addresses, Service, inherited, services
from shared.register import PROJECT_ROOT, Register, load_register

COMPOSE_FILE = PROJECT_ROOT / "compose.yaml"
TEMPLATE = Path(__file__).with_name("compose.yaml.tmpl")
HOME = Path("/var/lib/marketplace")
_WORD = "marketplace"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - within a container, whose ports compose.yaml opens to this machine alone.
_ADDRESSES = Addresses(
    postgres=f"postgresql://postgres:{_WORD}@postgres:5432/postgres?sslmode=disable",
    redis=f"redis://:{_WORD}@redis:6379/0",
    rabbitmq=f"amqp://admin:{_WORD}@rabbitmq:5672/",
    rabbitmq_management="http://rabbitmq:15672",
    postgres_pooler="postgresql://pgbouncer:5432",
)
_BROKER_PORTS = RabbitPorts(amqp=5672, management=15672, metrics=15692, distribution=25672, epmd=4369)
# Stand-ins of `./task up` that a server of the file does the work of, and what their subgraph is told in their place.
_REPLACED = {
    "notifications-mail-sink": ("mailpit", {"SMTP_HOST": "mailpit", "SMTP_PORT": "1025", "SMTP_TLS": "none"}),
}


class _Page(Template):
    """`~{name}`: Compose has a use for `$` itself."""

    delimiter = "~"


@dataclass(frozen=True, slots=True)
class Container:
    """One process of the register: `needs` are the containers beside the stores that have to be healthy before it."""

    service: Service
    environment: Mapping[str, str]
    needs: tuple[str, ...]


def main() -> int:
    """Writes the file, or says with `--check` whether it is as it would be written."""
    text = compose_file(load_register())
    if "--check" in sys.argv[1:]:
        return 0 if COMPOSE_FILE.read_text(encoding="utf-8") == text else 1
    COMPOSE_FILE.write_text(text, encoding="utf-8")
    return 0


def compose_file(register: Register) -> str:
    """The whole text. It is the same on every machine."""
    listed = services(Layout(HOME, register), _ADDRESSES, _passwords(register))
    names = {str(port): one.name for one in listed for port in (one.port, one.operations_port) if port}
    names[str(_BROKER_PORTS.metrics)] = "rabbitmq"
    containers = [_container(service, register, names) for service in listed if service.name not in _REPLACED]
    return _Page(TEMPLATE.read_text(encoding="utf-8")).substitute(
        services="\n".join(_block(container) for container in containers),
        provision=indent("\n".join(_provision_environment(register)), "      "),
        accounts=indent("\n".join(_pairs(_environment_of("accounts-api", containers))), "      "),
        prometheus=indent(_prometheus(listed, names), "      "),
    )


def _container(service: Service, register: Register, names: Mapping[str, str]) -> Container:
    """Its own variables only: what the launcher hands on of this machine stays here."""
    own = {name: value for name, value in service.environment.items() if name not in inherited()}
    needs = [f"{subgraph.name}-api" for subgraph in register.subgraphs] if service.name == "gateway" else []
    for subgraph in register.subgraphs:
        if service.name in {f"{subgraph.name}-api", f"{subgraph.name}-worker"}:
            for process, extra in subgraph.processes.items():
                del own[f"{process.upper()}_PORT"]
                needed, told = _stand_in(subgraph.name, process, extra.port)
                own |= told
                needs.append(needed)
    own |= {"HOST": _EVERYWHERE, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel-collector:4318"}
    return Container(service, {name: _inside(value, names, service.name) for name, value in own.items()}, tuple(needs))


def _stand_in(subgraph: str, process: str, port: int) -> tuple[str, Mapping[str, str]]:
    """The container that does the work of a further process, and how its subgraph is told of it."""
    name = f"{subgraph}-{process.replace('_', '-')}"
    return _REPLACED.get(name, (name, {f"{process.upper()}_URL": f"http://{name}:{port}"}))


def _inside(text: str, names: Mapping[str, str], own_name: str = "") -> str:
    """An address or a path of this machine as it is in the containers. A process calls itself by its name as well."""
    text = text.replace(str(HOME / "gateway.yaml"), str(HOME / "secrets" / GATEWAY_CONFIG))
    text = text.replace(str(PROJECT_ROOT), "/app")
    return re.sub(r"127\.0\.0\.1:(\d+)", lambda found: f"{names.get(found[1], own_name)}:{found[1]}", text)


def _block(container: Container) -> str:
    service = container.service
    command = [service.module, *service.arguments]
    published: list[str] = []
    if service.name == "gateway":
        command += ["--host", _EVERYWHERE]
        published = [f'  ports: ["127.0.0.1:{service.port}:{service.port}"]']
    lines = [
        f"{service.name}:",
        "  <<: *process",
        f"  command: {json.dumps([_inside(word, {}) for word in command])}",
        *published,
        "  environment:",
        *indent("\n".join(_pairs(container.environment)), "    ").splitlines(),
        *_volumes(container),
        *_depends_on(container),
        *_health_check(service),
    ]
    return indent("\n".join(lines), "  ") + "\n"


def _volumes(container: Container) -> Iterator[str]:
    """The keys for whom a variable names one; a place to write for whom one names that."""
    words = (*container.environment.values(), *(_inside(word, {}) for word in container.service.arguments))
    mounts = [f"secrets:{HOME / 'secrets'}:ro"] if any(str(HOME / "secrets") in word for word in words) else []
    mounts += [f"state:{HOME / 'state'}"] if "STATE_DIRECTORY" in container.environment else []
    if mounts:
        yield f"  volumes: {json.dumps(mounts)}"


def _depends_on(container: Container) -> Iterator[str]:
    """A stand-in for the outside world needs its key alone."""
    stores = "*files" if "STATE_DIRECTORY" in container.environment else "*stores"
    if not container.needs:
        yield f"  depends_on: {stores}"
        return
    yield "  depends_on:"
    yield f"    <<: {stores}"
    yield from (f"    {name}: {{condition: service_healthy}}" for name in container.needs)


def _health_check(service: Service) -> Iterator[str]:
    """By Python: the image has no other program that could ask."""
    if service.ready_url:
        question = f"import urllib.request as web; web.urlopen('{service.ready_url}', timeout=3)"
    else:
        question = f"import socket; socket.create_connection(('127.0.0.1', {service.port}), 3)"
    yield "  healthcheck:"
    yield "    <<: *patience"
    yield f"    test: {json.dumps(['CMD', 'python', '-c', question])}"


def _environment_of(name: str, containers: Sequence[Container]) -> Mapping[str, str]:
    return next(container.environment for container in containers if container.service.name == name)


def _pairs(environment: Mapping[str, str]) -> Iterator[str]:
    """Compose would take a single dollar for a variable of its own."""
    for name, value in environment.items():
        yield f"{name}: {json.dumps(value.replace('$', '$$'))}"


def _provision_environment(register: Register) -> Iterator[str]:
    passwords = _passwords(register)
    yield from _pairs(
        {
            "POSTGRES_ADMIN_URL": _ADDRESSES.postgres,
            "RABBITMQ_ADMIN_URL": _ADDRESSES.rabbitmq,
            "RABBITMQ_MANAGEMENT_URL": _ADDRESSES.rabbitmq_management,
        }
        | {postgres_variable(role): word for role, word in passwords.postgres.items()}
        | {rabbitmq_variable(user): word for user, word in passwords.rabbitmq.items()}
    )


def _prometheus(listed: Sequence[Service], names: Mapping[str, str]) -> str:
    broker = RabbitServer(HOME, _BROKER_PORTS, _WORD, HOME / "rabbitmq.log")
    settings = configuration(listed, Backing(_ADDRESSES, None, None, broker))
    collector = {"job_name": "otel-collector", "static_configs": [{"targets": ["otel-collector:8889"]}]}
    settings["scrape_configs"].append(collector)
    text = yaml.safe_dump(settings, sort_keys=False).replace(str(RULES), "/etc/prometheus/rules").replace("$", "$$")
    return _inside(text, names).rstrip("\n")


def _passwords(register: Register) -> Passwords:
    """For development, and said to be so: each login has its own, so that a wrong one is noticed."""
    roles = [role for one in register.subgraphs for role in (one.name, migration_role(one.name))]
    users = [user.name for user in register.broker_users]
    return Passwords(
        postgres_admin=_WORD,
        rabbitmq_admin=_WORD,
        redis=_WORD,
        postgres={role: f"{role}-development" for role in roles},
        rabbitmq={user: f"{user}-development" for user in users},
    )


if __name__ == "__main__":
    sys.exit(main())
