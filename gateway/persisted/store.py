"""Where manifests come from: a directory with one file a client, watched as the supergraph's file is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.persisted.manifest import Manifest, ManifestError, read_manifest

MOST_CLIENTS = 1000
MOST_BYTES = 32 * 1024 * 1024
_CLIENT = re.compile(r"[a-z][a-z0-9-]{1,62}")

_Stamps = Mapping[str, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Manifests:
    """What the directory holds: `of` has a manifest for each client, `problems` says whose file cannot be used and why."""

    of: Mapping[str, Manifest] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)


class ManifestDirectory:
    """Files named `<client>.json`. A file that cannot be used leaves the manifest that it had before in force.

    It is polled, and a change is taken when two polls in a row see it the same: see SupergraphFile.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: _Stamps = {}
        self._seen: _Stamps = {}
        self._manifests = Manifests()

    def read(self) -> Manifests:
        """All manifests as they are now. Raises OSError where there is no such directory."""
        stamps = self._stamps()
        read: dict[str, Manifest] = {}
        problems: dict[str, str] = {}
        for number, (client, stamp) in enumerate(stamps.items()):
            before = self._manifests.of.get(client)
            if number >= MOST_CLIENTS:
                problems[client] = f"There are more than {MOST_CLIENTS} manifests; the one of {client} is left out."
                continue
            if before is not None and self._taken.get(client) == stamp and client not in self._manifests.problems:
                read[client] = before
                continue
            try:
                read[client] = read_manifest(client, self._content(client, stamp[2]))
            except (ManifestError, OSError) as error:
                problems[client] = str(error)
                if before is not None:
                    read[client] = before
        self._taken = self._seen = stamps
        self._manifests = Manifests(read, problems)
        return self._manifests

    def poll(self) -> Manifests | None:
        """All manifests if a file has changed, come or gone since they were taken, else None. Raises OSError."""
        stamps, seen = self._stamps(), self._seen
        self._seen = stamps
        return None if stamps == self._taken or stamps != seen else self.read()

    def _stamps(self) -> _Stamps:
        found = sorted(file for file in self._path.iterdir() if file.suffix == ".json" and _CLIENT.fullmatch(file.stem))
        stamps = {}
        for file in found:
            try:
                info = file.stat()
            except OSError:
                continue  # It went between the listing and here.
            stamps[file.stem] = (info.st_ino, info.st_mtime_ns, info.st_size)
        return stamps

    def _content(self, client: str, size: int) -> bytes:
        if size > MOST_BYTES:
            raise ManifestError(client, f"it is larger than {MOST_BYTES} bytes.")
        return (self._path / f"{client}.json").read_bytes()
