"""`./task domain:new wishlists wishlist`: a new domain that composes, migrates and answers from its first minute.

It writes one folder in subgraphs/, one in migrations/, its first test and one entry in the register, and compose.yaml anew.
Launcher, topology, gateway and tests read the register; nothing else is to be done by hand but `task compose`.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from string import Template

from shared.clock import system_clock
from shared.devstack.compose_file import COMPOSE_FILE, compose_file
from shared.register import PROJECT_ROOT, load_register

TEMPLATES = PROJECT_ROOT / "supergraph" / "domain_template"
ELSEWHERE = {"migration.sql.tmpl", "test_journey.py.tmpl"}
NAME = re.compile(r"^[a-z][a-z0-9_]*$")


class UnusableName(Exception):
    """The name is taken or not a lower-case identifier."""


def create_domain(root: Path, name: str, entity: str) -> list[Path]:
    """Write the domain below `root` and enter it in `root`'s register; answers what was written. Raises UnusableName."""
    register_file = root / "supergraph" / "supergraph.yaml"
    register = load_register(register_file)
    if not NAME.match(name) or not NAME.match(entity):
        raise UnusableName("Domain and entity are lower-case words such as `wishlists wishlist`.")
    if any(subgraph.name == name for subgraph in register.subgraphs):
        raise UnusableName(f"There is a domain {name} already.")
    written = (
        _write_code(root, name, entity) + _write_migrations(root, name, entity) + [_write_test(root, name, entity)]
    )
    port = max(subgraph.port for subgraph in register.subgraphs) + 1
    with register_file.open("a", encoding="utf-8") as file:
        file.write(f"  - {{name: {name}, port: {port}}}\n")
    containers = root / COMPOSE_FILE.name
    containers.write_text(compose_file(load_register(register_file)), encoding="utf-8")
    return [*written, register_file, containers]


def _write_code(root: Path, name: str, entity: str) -> list[Path]:
    folder = root / "subgraphs" / name
    written = []
    for template in sorted(TEMPLATES.rglob("*.tmpl")):
        if template.name in ELSEWHERE:
            continue
        file = folder / template.relative_to(TEMPLATES).with_suffix("")
        file.parent.mkdir(parents=True, exist_ok=True)
        (file.parent / "__init__.py").touch()
        file.write_text(_fill(template, name, entity), encoding="utf-8")
        written.append(file)
    return written


def _write_migrations(root: Path, name: str, entity: str) -> list[Path]:
    folder = root / "migrations" / name
    folder.mkdir(parents=True)
    # Every schema starts with the same delivery tables.
    delivery = next(iter(sorted((PROJECT_ROOT / "migrations" / "accounts").glob("*_create_delivery_tables.sql"))))
    own = folder / f"{system_clock():%Y%m%d%H%M%S}_create_{entity}.sql"
    own.write_text(_fill(TEMPLATES / "migration.sql.tmpl", name, entity), encoding="utf-8")
    return [Path(shutil.copy(delivery, folder)), own]


def _write_test(root: Path, name: str, entity: str) -> Path:
    folder = root / "tests" / "integration" / name
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    file = folder / "test_journey.py"
    file.write_text(_fill(TEMPLATES / "test_journey.py.tmpl", name, entity), encoding="utf-8")
    return file


def _fill(template: Path, name: str, entity: str) -> str:
    words = {"name": name, "entity": entity, "Entity": "".join(part.capitalize() for part in entity.split("_"))}
    return Template(template.read_text(encoding="utf-8")).substitute(words)


def main() -> int:
    try:
        name, entity = sys.argv[1:]
        written = create_domain(PROJECT_ROOT, name, entity)
    except ValueError:
        sys.stderr.write("usage: ./task domain:new DOMAIN ENTITY, such as `wishlists wishlist`\n")
        return 2
    except UnusableName as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 2
    for file in written:
        sys.stdout.write(f"  {file.relative_to(PROJECT_ROOT)}\n")
    sys.stdout.write("Next: ./task compose, then ./task up\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
