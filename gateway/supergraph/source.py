"""Where the supergraph comes from: a file. The only I/O of this room."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import SupergraphError


def read_supergraph(path: Path) -> str:
    """The SDL in `path`. Raises SupergraphError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupergraphError(f"{path} cannot be read: {error}", code="SUPERGRAPH_UNREADABLE") from error
