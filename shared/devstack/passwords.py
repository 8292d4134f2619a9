"""Every login of the stack: random, made once, kept in one file that only its owner reads."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from shared.register import Register


@dataclass(frozen=True, slots=True)
class Passwords:
    """Passwords by login name. `postgres` holds `<subgraph>` and `<subgraph>_migrate`, `rabbitmq` its users."""

    postgres_admin: str
    rabbitmq_admin: str
    redis: str
    postgres: dict[str, str]
    rabbitmq: dict[str, str]

    def completed_for(self, register: Register) -> Passwords:
        """With a password for each login of the register; those that exist stay."""
        names = [user.name for user in register.broker_users]
        roles = [role for subgraph in register.subgraphs for role in (subgraph.name, migration_role(subgraph.name))]
        return replace(
            self,
            postgres={role: self.postgres.get(role) or _random() for role in roles},
            rabbitmq={name: self.rabbitmq.get(name) or _random() for name in names},
        )


def migration_role(name: str) -> str:
    """The role that owns the schema and alone may change its tables."""
    return f"{name}_migrate"


def new_passwords(register: Register) -> Passwords:
    return Passwords(_random(), _random(), _random(), {}, {}).completed_for(register)


def load_passwords(file: Path, register: Register) -> Passwords:
    """Reads the file, adds what a new subgraph needs, and writes it back (mode 0600)."""
    known = Passwords(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else new_passwords(register)
    complete = known.completed_for(register)
    write_secret(file, json.dumps(asdict(complete), indent=1).encode())
    return complete


def write_secret(file: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, never readable by others in between."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(content)


def _random() -> str:
    # URL-safe letters need no quoting in a URL, in SQL or in a configuration file.
    return secrets.token_urlsafe(18)
