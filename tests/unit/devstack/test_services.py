"""What the launcher starts is read off the register."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.devstack.backing import backing_of
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout, moved
from shared.devstack.passwords import new_passwords
from shared.devstack.servers import rabbitmq
from shared.devstack.services import Addresses, Service, services
from shared.register import load_register

REGISTER = load_register()
PASSWORDS = new_passwords(REGISTER)
ADDRESSES = Addresses(
    postgres="postgresql://postgres:administrator@db.example:5432/postgres?sslmode=require",
    redis="redis://cache.example/0",
    rabbitmq="amqp://admin:administrator@mq.example:5672/shop",
    rabbitmq_management="http://admin:administrator@mq.example:15672",
)


def listed(addresses: Addresses = ADDRESSES) -> dict[str, Service]:
    layout = Layout(Path("/stack"), REGISTER)
    return {service.name: service for service in services(layout, addresses, PASSWORDS)}


def test_each_subgraph_has_an_api_a_worker_and_its_further_processes() -> None:
    expected = [f"{s.name}-{kind}" for s in REGISTER.subgraphs for kind in ("api", "worker")]
    expected += ["payments-simulator", "notifications-mail-sink", "evictor", "gateway"]

    assert sorted(listed()) == sorted(expected)


def test_no_two_services_listen_on_the_same_port() -> None:
    ports = [port for s in listed().values() for port in {s.port, s.operations_port} - {None}]

    assert len(ports) == len(set(ports))


def test_a_service_knows_its_own_logins_and_nobody_elses() -> None:
    environment = listed()["orders-api"].environment
    mine = {PASSWORDS.postgres["orders"], PASSWORDS.rabbitmq["orders"]}
    all_passwords = {*PASSWORDS.postgres.values(), *PASSWORDS.rabbitmq.values(), "administrator"}

    assert environment["POSTGRES_URL"] == (
        f"postgresql://orders:{PASSWORDS.postgres['orders']}@db.example:5432/marketplace?sslmode=require"
    )
    assert environment["RABBITMQ_URL"] == f"amqp://orders:{PASSWORDS.rabbitmq['orders']}@mq.example:5672/shop"
    assert {word for word in all_passwords if any(word in value for value in environment.values())} == mine


def test_only_the_subgraph_that_asks_for_a_secret_is_told_where_it_lies() -> None:
    holders = {name for name, service in listed().items() if "SEALING_PRIVATE_KEY_FILE" in service.environment}

    assert holders == {"notifications-api", "notifications-worker"}


def test_a_stand_in_for_the_outside_world_has_no_login_and_only_its_own_secret() -> None:
    simulator, sink = (listed()[name].environment for name in ("payments-simulator", "notifications-mail-sink"))

    assert {name for name in simulator if name.endswith("_FILE")} == {"PROVIDER_WEBHOOK_SECRET_FILE"}
    assert {name for name in sink if name.endswith("_FILE")} == set()
    for environment in (simulator, sink):
        assert not {"POSTGRES_URL", "REDIS_URL", "RABBITMQ_URL"} & set(environment)


def test_the_gateway_is_not_forked_from_the_process_that_holds_the_subgraphs_libraries() -> None:
    assert [name for name, service in listed().items() if not service.forked] == ["gateway"]


def test_behind_a_pooler_the_services_connect_there_and_keep_no_statements() -> None:
    pooled = Addresses(
        postgres=ADDRESSES.postgres,
        redis=ADDRESSES.redis,
        rabbitmq=ADDRESSES.rabbitmq,
        rabbitmq_management=ADDRESSES.rabbitmq_management,
        postgres_pooler="postgresql://postgres:administrator@pool.example:6432/marketplace",
    )
    environment = listed(pooled)["audit-worker"].environment

    assert environment["POSTGRES_URL"].endswith("@pool.example:6432/marketplace")
    assert environment["POSTGRES_POOLER"] == "true"
    assert listed()["audit-worker"].environment["POSTGRES_POOLER"] == "false"


def test_a_moved_stack_shares_no_port_with_the_first() -> None:
    here = Layout(Path("/a"), REGISTER)
    there = Layout(Path("/b"), moved(REGISTER, 1000), 1000)
    ports = [{s.port for s in services(layout, ADDRESSES, PASSWORDS)} for layout in (here, there)]

    assert ports[0].isdisjoint(ports[1])
    assert {port + 1000 for port in ports[0]} == ports[1]
    assert there.gateway_url == "http://127.0.0.1:5000/graphql"


def test_a_broker_of_ones_own_needs_its_management_address() -> None:
    layout = Layout(Path("/stack"), REGISTER)

    with pytest.raises(StackProblem, match="RABBITMQ_MANAGEMENT_URL"):
        backing_of(layout, PASSWORDS, {"RABBITMQ_URL": "amqp://guest:guest@127.0.0.1/"})


def test_servers_that_the_environment_names_are_used_and_not_started() -> None:
    layout = Layout(Path("/stack"), REGISTER)
    backing = backing_of(layout, PASSWORDS, {"POSTGRES_URL": ADDRESSES.postgres, "REDIS_URL": ADDRESSES.redis})

    assert (backing.postgres, backing.redis) == (None, None)
    assert backing.addresses.postgres == ADDRESSES.postgres
    assert backing.rabbitmq is not None
    assert backing.addresses.rabbitmq == backing.rabbitmq.url


def test_without_rabbitmq_and_the_right_to_install_it_the_choices_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rabbitmq, "PROGRAM", tmp_path / "rabbitmq-server")
    # No apt-get and no sudo on this path.
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(StackProblem) as raised:
        rabbitmq.require_installed()

    assert "rabbitmq-server is not installed" in raised.value.message
    for choice in ("apt-get install rabbitmq-server", "RABBITMQ_URL", "docker compose up"):
        assert choice in raised.value.remedy
