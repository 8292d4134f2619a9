"""`./task sbom`: the bill of materials of what the image runs, as CycloneDX, held against the lock before it is handed out.

uv writes it; what has to be in it is read off uv.lock here once more: a bill that misses a package still looks like one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.devstack.errors import StackProblem
from shared.register import PROJECT_ROOT

LOCK_FILE = PROJECT_ROOT / "uv.lock"
_COMMAND = (
    "export",
    "--locked",
    "--no-default-groups",
    "--format",
    "cyclonedx1.5",
    "--preview-features",
    "sbom-export",
)


@dataclass(frozen=True, slots=True, order=True)
class Material:
    """One package with the SHA-256 of each of its files."""

    name: str
    version: str
    hashes: frozenset[str]


def main() -> int:
    """Prints the bill, or writes it to the file that the argument names."""
    try:
        bill = bill_of_materials()
        require_equal(bill, LOCK_FILE)
    except StackProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    text = json.dumps(bill, indent=1) + "\n"
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    sys.stderr.write(f"{len(bill['components'])} packages, each with its hashes, as in {LOCK_FILE.name}\n")
    return 0


def bill_of_materials() -> dict[str, Any]:
    """What uv makes of the lock, without the packages of development. Raises StackProblem with uv's words."""
    done = subprocess.run([_uv(), *_COMMAND], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StackProblem(
            "uv cannot export the bill of materials:", log_lines=tuple(done.stderr.strip().splitlines()[-8:])
        )
    bill: dict[str, Any] = json.loads(done.stdout)
    return bill


def require_equal(bill: Mapping[str, Any], lock_file: Path) -> None:
    """Raises StackProblem with every package that is in one of the two and not, or not the same, in the other."""
    listed, locked = materials(bill), locked_materials(tomllib.loads(lock_file.read_text(encoding="utf-8")))
    if listed == locked:
        return
    raise StackProblem(
        f"The bill of materials has {len(listed)} packages and {lock_file.name} {len(locked)} for run time.",
        log_lines=(
            *(f"    missing or other in the bill: {one.name} {one.version}" for one in sorted(locked - listed)),
            *(f"    not in the lock like this: {one.name} {one.version}" for one in sorted(listed - locked)),
        ),
    )


def materials(bill: Mapping[str, Any]) -> frozenset[Material]:
    """The packages of a bill."""
    return frozenset(
        Material(component["name"], component["version"], frozenset(_listed_hashes(component)))
        for component in bill["components"]
    )


def locked_materials(lock: Mapping[str, Any]) -> frozenset[Material]:
    """What the project needs at run time, and all that those need, by the lock alone; for every platform."""
    packages: dict[str, Mapping[str, Any]] = {package["name"]: package for package in lock["package"]}
    (project,) = (package for package in packages.values() if "virtual" in package["source"])
    reached: set[tuple[str, str | None]] = set()
    waiting = list(_needs(project["dependencies"]))
    while waiting:
        name, extra = need = waiting.pop()
        if need in reached:
            continue
        reached.add(need)
        package = packages[name]
        optional = package.get("optional-dependencies", {})
        waiting.extend(_needs(package.get("dependencies", ()) if extra is None else optional.get(extra, ())))
    return frozenset(_material(packages[name]) for name, _ in reached)


def _needs(dependencies: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str | None]]:
    """Each package itself, and each of its extras that is asked for."""
    for dependency in dependencies:
        yield dependency["name"], None
        yield from ((dependency["name"], extra) for extra in dependency.get("extra", ()))


def _material(package: Mapping[str, Any]) -> Material:
    files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else [])]
    return Material(
        package["name"], package["version"], frozenset(file["hash"].removeprefix("sha256:") for file in files)
    )


def _listed_hashes(component: Mapping[str, Any]) -> Iterator[str]:
    for reference in component.get("externalReferences", ()):
        yield from (one["content"] for one in reference.get("hashes", ()) if one["alg"] == "SHA-256")


def _uv() -> str:
    """The one that runs this task, else the project's own, else one on the PATH."""
    own = PROJECT_ROOT / ".tools" / "bin" / "uv"
    found = os.environ.get("UV") or (str(own) if own.exists() else shutil.which("uv"))
    if found is None:
        raise StackProblem("uv is not here.", remedy="Run it as ./task sbom, which fetches uv.")
    return found


if __name__ == "__main__":
    sys.exit(main())
