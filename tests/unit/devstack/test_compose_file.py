"""compose.yaml is checked by reading it: there may be no Docker engine here."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from shared.register import PROJECT_ROOT

TEXT = (PROJECT_ROOT / "compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
VARIABLES = dict(re.findall(r"export (\w+)=(\S+)", TEXT))


def test_the_compose_file_holds_the_servers_and_the_pooler() -> None:
    assert sorted(SERVICES) == ["pgbouncer", "postgres", "rabbitmq", "redis"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_server_has_a_pinned_image_a_health_check_and_loopback_ports_only(name: str) -> None:
    service = SERVICES[name]

    assert re.search(r":v?\d", service["image"])
    assert {"test", "interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_pooler_pools_by_transaction() -> None:
    assert SERVICES["pgbouncer"]["environment"]["POOL_MODE"] == "transaction"


def test_the_stated_addresses_are_those_of_the_servers() -> None:
    published = {port.split(":")[1] for service in SERVICES.values() for port in service["ports"]}
    stated = {re.search(r":(\d+)(/|$)", address).group(1) for address in VARIABLES.values()}  # type: ignore[union-attr]

    assert sorted(VARIABLES) == [
        "POSTGRES_POOLER_URL",
        "POSTGRES_URL",
        "RABBITMQ_MANAGEMENT_URL",
        "RABBITMQ_URL",
        "REDIS_URL",
    ]
    assert stated <= published
