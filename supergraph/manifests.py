"""The manifests of this graph's clients: read, held against the composed supergraph, and published."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from gateway.app import check_operations
from gateway.persisted.manifest import Manifest, read_manifest
from gateway.settings import Settings
from supergraph.composition import ROOM

OPERATIONS = ROOM / "operations"
SETTINGS_FILE = ROOM / "gateway.yaml"
_WHAT_DECIDES = ("limits", "introspection", "pipeline")
"""The sections of the gateway's settings that decide whether an operation can be served."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """An operation of a client that the gateway could not serve. `problem` names the type and the field."""

    client: str
    operation: str
    id: str
    problem: str

    def __str__(self) -> str:
        return f"{self.client}: {self.operation} ({self.id[:12]}): {self.problem}"


def read_all(directory: Path = OPERATIONS) -> list[Manifest]:
    """Raises ManifestError for the first file that cannot be used."""
    return [read_manifest(file.stem, file.read_bytes()) for file in sorted(directory.glob("*.json"))]


def misfits(manifests: Iterable[Manifest], supergraph: str) -> list[Misfit]:
    """What the gateway of this graph could not serve over that supergraph. Raises SupergraphError."""
    stated = yaml.safe_load(SETTINGS_FILE.read_text(encoding="utf-8"))
    settings = Settings.model_validate({name: stated[name] for name in _WHAT_DECIDES if name in stated})
    operations = [operation for manifest in manifests for operation in manifest.operations]
    problems = check_operations(supergraph, settings, operations)
    return [Misfit(o.client, o.name, o.id, problem) for o, problem in problems.items()]


def publish(manifest: Manifest, content: bytes, directory: Path = OPERATIONS) -> Path:
    """Put a checked manifest where the gateway looks, at once: whoever reads meanwhile sees the old one or the new one."""
    file = directory / f"{manifest.client}.json"
    draft = file.with_suffix(".draft")
    draft.write_bytes(content)
    draft.replace(file)
    return file
