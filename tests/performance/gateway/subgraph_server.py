"""The four subgraphs in one process, fast and alike for everybody: an answer is computed once for each request body.

`python -m tests.performance.gateway.subgraph_server PORT [JWKS_FILE]`
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from pathlib import Path

import orjson

from tests.performance.gateway.graph import subgraphs
from tests.performance.gateway.lean_server import serve

_KEPT = 10_000
"""Answers kept. Everybody sends the same few; the bound is for one who would not."""


class CachedSubgraphs:
    """Answers any path `/<subgraph>`; `/jwks` gives the key set and `/seen` how many different requests each has had."""

    def __init__(self, jwks: bytes) -> None:
        self._subgraphs = subgraphs()
        self._answers: dict[tuple[str, bytes], bytes] = {("/jwks", b""): jwks}

    def answer(self, path: str, body: bytes) -> bytes | Awaitable[bytes]:
        kept = self._answers.get((path, body))
        return kept if kept is not None else self._compute(path, body)

    async def _compute(self, path: str, body: bytes) -> bytes:
        if path == "/seen":
            return orjson.dumps([[seen, request.decode()] for seen, request in self._answers])
        _, answer = await self._subgraphs[path.strip("/")].answer(body, {})
        if len(self._answers) < _KEPT:
            self._answers[(path, body)] = answer
        return answer


def main(arguments: list[str]) -> None:
    port, *files = arguments
    jwks = Path(files[0]).read_bytes() if files else b"{}"
    serve(int(port), CachedSubgraphs(jwks).answer)


if __name__ == "__main__":
    main(sys.argv[1:])
