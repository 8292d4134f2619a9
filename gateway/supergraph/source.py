"""Where the supergraph comes from: a file. The only I/O of this room."""

from __future__ import annotations

from pathlib import Path

from gateway.errors import SupergraphError

UNREADABLE = "SUPERGRAPH_UNREADABLE"

_Stamp = tuple[int, int, int] | None


def read_supergraph(path: Path) -> str:
    """The SDL in `path`. Raises SupergraphError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SupergraphError(f"{path} cannot be read: {error}", code=UNREADABLE) from error


class SupergraphFile:
    """A supergraph file that may be replaced at any time, by writing, renaming or moving a link.

    It is polled: notifications of the kernel say nothing about what a link or a network mount leads to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken = self._seen = self._stamp()

    def read(self) -> str:
        """The SDL as it is now. Raises SupergraphError."""
        self._taken = self._seen = self._stamp()
        return read_supergraph(self._path)

    def poll(self) -> str | None:
        """The SDL if the file has changed since it was taken, else None. Raises SupergraphError, once for each change.

        A change is taken when two polls in a row see it the same, so that a file half written is not.
        """
        stamp, seen = self._stamp(), self._seen
        self._seen = stamp
        if stamp == self._taken or stamp != seen:
            return None
        return self.read()

    def _stamp(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size)
