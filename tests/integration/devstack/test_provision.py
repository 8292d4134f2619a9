"""The administrator's step as the migration job runs it: a process that knows nothing but its environment."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping

import asyncpg
import httpx
import pytest

from shared.devstack.addresses import with_login, with_path
from shared.devstack.bootstrap import DATABASE, drop_database
from shared.devstack.provision import postgres_variable, rabbitmq_variable
from shared.devstack.services import inherited
from shared.register import PROJECT_ROOT, dead_letter_queue, load_register
from shared.testing.servers import Broker, Servers, run_apart

REGISTER = load_register()


@pytest.fixture(scope="module")
def environment(servers: Servers, broker: Broker) -> Iterator[dict[str, str]]:
    """The passwords are those of the session: other modules' roles are the same ones."""
    passwords = servers.passwords
    yield (
        {
            "POSTGRES_ADMIN_URL": servers.postgres.url,
            "RABBITMQ_ADMIN_URL": broker.amqp_url,
            "RABBITMQ_MANAGEMENT_URL": broker.management_url,
        }
        | {postgres_variable(role): word for role, word in passwords.postgres.items()}
        | {rabbitmq_variable(user): word for user, word in passwords.rabbitmq.items()}
    )
    run_apart(drop_database(admin_url=servers.postgres.url, name=DATABASE))


def provision(environment: Mapping[str, str], *steps: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "shared.devstack.provision", *steps],
        cwd=PROJECT_ROOT,
        env=inherited() | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )


async def test_empty_servers_are_brought_to_what_the_register_says_and_again(
    environment: Mapping[str, str], broker: Broker, servers: Servers
) -> None:
    for _ in range(2):
        done = provision(environment)

        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == ["roles: done", "migrations: done", "topology: done"]

    applied = {subgraph.name: len(list(subgraph.migrations.glob("*.sql"))) for subgraph in REGISTER.subgraphs}
    assert {name: await _migrations(servers, name) for name in applied} == applied
    queues = {queue for user in REGISTER.broker_users for queue in user.queues}
    assert _queues(broker) == queues | {dead_letter_queue(queue) for queue in queues}


def test_every_variable_that_is_missing_is_named_at_once(environment: Mapping[str, str]) -> None:
    partial = {name: value for name, value in environment.items() if not name.startswith("RABBITMQ_PASSWORD_O")}

    done = provision({**partial, "RABBITMQ_ADMIN_URL": ""}, "topology")

    assert done.returncode == 1
    assert done.stderr == "Not set: RABBITMQ_ADMIN_URL.\nSee --help for what each is.\n"
    assert provision(partial, "topology").stderr.startswith("Not set: RABBITMQ_PASSWORD_ORDERS.\n")


@pytest.mark.parametrize(
    ("variable", "step", "told"),
    [
        ("POSTGRES_ADMIN_URL", "roles", "Postgres cannot be brought to what the register says: InvalidPassword"),
        (
            "RABBITMQ_MANAGEMENT_URL",
            "topology",
            "RabbitMQ cannot be brought to what the register says: TopologyRefused",
        ),
    ],
)
def test_a_server_that_lets_nobody_in_ends_the_job_without_telling_the_password(
    variable: str, step: str, told: str, environment: Mapping[str, str]
) -> None:
    wrong = {variable: with_login(environment[variable], "postgres", "not-the-word")}

    done = provision({**environment, **wrong}, step)

    assert done.returncode == 1
    assert done.stderr.startswith(told)
    assert "not-the-word" not in done.stderr


async def _migrations(servers: Servers, domain: str) -> int:
    """How many have run, as the run-time role sees it: it may read that table."""
    url = with_login(servers.postgres.url, domain, servers.passwords.postgres[domain])
    connection = await asyncpg.connect(with_path(url, DATABASE))
    try:
        count: int = await connection.fetchval("SELECT count(*) FROM schema_migrations")
        return count
    finally:
        await connection.close()


def _queues(broker: Broker) -> set[str]:
    address = f"{broker.management_url}/api/queues/{broker.virtual_host}"
    return {queue["name"] for queue in httpx.get(address, trust_env=False, timeout=30).json()}
