"""The explorer's files, held in memory. Each lies under a path that changes with any of them, and is kept for ever."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

PREFIX = "/explorer/"

_FOLDERS = ("vendor", "web")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, plain and compressed."""

    content_type: str
    body: bytes
    gzipped: bytes


@dataclass(frozen=True, slots=True)
class Assets:
    """`base` is the path that all lie under; the scripts name one another relative to it."""

    base: str
    by_path: dict[str, Asset]


def read_assets(folder: Path = Path(__file__).parent) -> Assets:
    """Raises OSError."""
    files = sorted(file for name in _FOLDERS for file in (folder / name).iterdir() if file.suffix in _TYPES)
    bodies = {f"{file.parent.name}/{file.name}": file.read_bytes() for file in files}
    digest = hashlib.sha256(b"".join(name.encode() + body for name, body in bodies.items())).hexdigest()[:16]
    base = f"{PREFIX}{digest}/"
    return Assets(base, {base + name: _asset(Path(name).suffix, body) for name, body in bodies.items()})


def _asset(suffix: str, body: bytes) -> Asset:
    return Asset(_TYPES[suffix], body, gzip.compress(body, 6, mtime=0))
