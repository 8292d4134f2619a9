"""`python -m shared.devstack.provision`: the administrator's step before a release, from the environment alone.

It brings Postgres (roles, schemas, rights, migrations) and RabbitMQ (exchange, queues, users, rights) to what the register
says, and is harmless where they are there. The migration job runs it from the image of the services.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Mapping

import asyncpg
import httpx

from shared.addresses import unsafe_addresses
from shared.devstack.bootstrap import bootstrap, protect_migration_table
from shared.devstack.errors import StackProblem
from shared.devstack.migrate import migrate
from shared.devstack.passwords import migration_role
from shared.messaging.topology import TopologyRefused, declare_topology
from shared.register import Register, load_register

Environment = Mapping[str, str]

_ADDRESSES = ("POSTGRES_ADMIN_URL", "RABBITMQ_ADMIN_URL", "RABBITMQ_MANAGEMENT_URL")

_DESCRIPTION = """\
Brings Postgres and RabbitMQ to what the register says. Steps can be named; without a name all run, in this order:
  roles        roles, the database, extensions, schemas, rights
  migrations   each schema, as the role that owns it
  topology     exchange, queues with their dead letters, bindings, users, rights
"""

_EPILOG = """\
environment
  POSTGRES_ADMIN_URL         roles, migrations: an administrator's; past any pooler, since dbmate locks a session
  RABBITMQ_ADMIN_URL         topology: an administrator's, with the virtual host
  RABBITMQ_MANAGEMENT_URL    topology: of the HTTP API, without /api; with its own login in it, or else with that one
  POSTGRES_PASSWORD_<ROLE>   of each subgraph's two roles, such as POSTGRES_PASSWORD_ORDERS and POSTGRES_PASSWORD_ORDERS_MIGRATE
  RABBITMQ_PASSWORD_<USER>   of each user of the broker, such as RABBITMQ_PASSWORD_ORDERS
  ENVIRONMENT                production refuses an address whose server is not verified by TLS, but for PLAINTEXT_ALLOWED=true
"""


def main() -> int:
    """The exit status: 0, or 1 with what is wrong on standard error."""
    chosen = _parser().parse_args().steps or list(STEPS)
    register = load_register()
    try:
        _require_verified(os.environ)
        for name in STEPS:
            if name in chosen:
                STEPS[name](register, os.environ)
                sys.stdout.write(f"{name}: done\n")
    except StackProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


def _require_verified(environment: Environment) -> None:
    """An administrator's password is worth more than any service's, and is held to the same rule (`shared/settings.py`)."""
    if environment.get("ENVIRONMENT") != "production" or environment.get("PLAINTEXT_ALLOWED") == "true":
        return
    unsafe = unsafe_addresses({name: environment[name] for name in _ADDRESSES if environment.get(name)})
    if unsafe:
        remedy = "See shared/README.md for how a URL says so."
        raise StackProblem(f"ENVIRONMENT=production needs verified TLS in {', '.join(unsafe)}.", remedy=remedy)


def postgres_variable(role: str) -> str:
    """The variable that holds the role's password."""
    return f"POSTGRES_PASSWORD_{role.upper()}"


def rabbitmq_variable(user: str) -> str:
    """The variable that holds the broker user's password."""
    return f"RABBITMQ_PASSWORD_{user.upper()}"


def _make_roles(register: Register, environment: Environment) -> None:
    (url,) = _values(environment, "POSTGRES_ADMIN_URL")
    passwords = _postgres_passwords(register, environment)
    _ask_postgres(lambda: asyncio.run(bootstrap(register, admin_url=url, passwords=passwords)))


def _migrate(register: Register, environment: Environment) -> None:
    (url,) = _values(environment, "POSTGRES_ADMIN_URL")
    migrate(register, admin_url=url, passwords=_postgres_passwords(register, environment))
    _ask_postgres(lambda: asyncio.run(protect_migration_table(register, admin_url=url)))


def _declare_topology(register: Register, environment: Environment) -> None:
    amqp, management = _values(environment, "RABBITMQ_ADMIN_URL", "RABBITMQ_MANAGEMENT_URL")
    users = [user.name for user in register.broker_users]
    passwords = dict(zip(users, _values(environment, *map(rabbitmq_variable, users)), strict=True))
    try:
        declare_topology(register, amqp_url=amqp, management_url=management, passwords=passwords)
    except (TopologyRefused, httpx.HTTPError, OSError) as error:
        raise StackProblem(f"RabbitMQ cannot be brought to what the register says: {error!r}") from error


STEPS: Mapping[str, Callable[[Register, Environment], None]] = {
    "roles": _make_roles,
    "migrations": _migrate,
    "topology": _declare_topology,
}


def _postgres_passwords(register: Register, environment: Environment) -> dict[str, str]:
    roles = [role for subgraph in register.subgraphs for role in (subgraph.name, migration_role(subgraph.name))]
    return dict(zip(roles, _values(environment, *map(postgres_variable, roles)), strict=True))


def _values(environment: Environment, *names: str) -> list[str]:
    """Raises StackProblem with every name that is not set: one run shows all there is to mend."""
    absent = [name for name in names if not environment.get(name)]
    if absent:
        raise StackProblem(f"Not set: {', '.join(absent)}.", remedy="See --help for what each is.")
    return [environment[name] for name in names]


def _ask_postgres(work: Callable[[], None]) -> None:
    try:
        work()
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        # An error of asyncpg's tells of the server, never the address with its password.
        raise StackProblem(f"Postgres cannot be brought to what the register says: {error!r}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shared.devstack.provision",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=", ".join(STEPS))
    return parser


if __name__ == "__main__":
    sys.exit(main())
