"""What a stack's Prometheus scrapes is read off the register."""

from __future__ import annotations

from pathlib import Path

from shared.devstack.backing import backing_of
from shared.devstack.layout import Layout
from shared.devstack.monitoring import configuration
from shared.devstack.passwords import new_passwords
from shared.devstack.services import services
from shared.register import load_register

REGISTER = load_register()
LAYOUT = Layout(Path("/stack"), REGISTER)
PASSWORDS = new_passwords(REGISTER)


def jobs(environment: dict[str, str] | None = None) -> dict[str, str]:
    backing = backing_of(LAYOUT, PASSWORDS, environment or {})
    scraped = configuration(services(LAYOUT, backing.addresses, PASSWORDS), backing)["scrape_configs"]
    return {job["job_name"]: job["static_configs"][0]["targets"][0] for job in scraped}


def test_every_process_but_the_stand_ins_for_the_outside_world_is_scraped_under_its_own_name() -> None:
    orders = REGISTER.get("orders")
    names = {f"{s.name}-{kind}" for s in REGISTER.subgraphs for kind in ("api", "worker")}

    assert jobs().keys() == names | {"evictor", "gateway", "rabbitmq", "rabbitmq-queues"}
    assert jobs()["orders-api"] == f"127.0.0.1:{orders.api_operations_port}"
    assert jobs()["orders-worker"] == f"127.0.0.1:{orders.worker_operations_port}"
    assert jobs()["gateway"] == f"127.0.0.1:{LAYOUT.gateway_port}"


def test_a_broker_that_the_environment_names_is_not_scraped() -> None:
    foreign = {"RABBITMQ_URL": "amqp://mq.example", "RABBITMQ_MANAGEMENT_URL": "http://mq.example:15672"}

    assert not {name for name in jobs(foreign) if name.startswith("rabbitmq")}
