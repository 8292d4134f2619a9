"""Books whose ratings come when a test says so, and an answer read part by part."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph
from tests.fixtures.parts import Reader

CURRENT = "multipart/mixed, application/json"
OLD = "multipart/mixed; deferSpec=20220824, application/json"
BOUNDARY = "--graphql"
TITLES = {"1": "Emma", "2": "Ulysses"}


@dataclass(slots=True)
class Library:
    """Books of one subgraph, and stars of another that says nothing until `rated` is set; `stars` may be exceptions."""

    graph: Federation
    rated: asyncio.Event = field(default_factory=asyncio.Event)

    def post(self, query: str, accept: str, variables: Mapping[str, Any] | None = None) -> Any:
        body = {"query": query, "variables": variables}
        return self.graph.client.stream("POST", "/graphql", json=body, headers={"accept": accept})


@asynccontextmanager
async def library(settings: Mapping[str, Any] | None = None, *, fails: bool = False) -> AsyncIterator[Library]:
    rated = asyncio.Event()

    async def stars(book: Any, *_: Any) -> int:
        if book["id"] == "2" and fails:
            raise RuntimeError("no stars, and at once")
        await rated.wait()
        if book["id"] == "1" and fails:
            raise RuntimeError("no stars")
        return 5 if book["id"] == "1" else 3

    async def comments(book: Any, *_: Any, **__: Any) -> list[str] | None:
        await rated.wait()
        return None if fails else [f"{book['id']}-0"]

    subgraphs = {
        "books": Subgraph(
            sdl("simple_key", "books"),
            {
                "Query.book": lambda *_, **named: {"id": named["id"], "title": TITLES[named["id"]]},
                "Query.books": [{"id": id_, "title": title} for id_, title in TITLES.items()],
            },
            {"Book": lambda book: {"__typename": "Book", "id": book["id"], "title": TITLES[book["id"]]}},
        ),
        "ratings": Subgraph(
            sdl("simple_key", "ratings"),
            {"Query.best": {"id": "3"}, "Book.stars": stars, "Book.comments": comments},
            {"Book": lambda book: {"__typename": "Book", "id": book["id"]}},
        ),
    }
    async with federation("simple_key", subgraphs, settings) as graph:
        try:
            yield Library(graph, rated)
        finally:
            # Nobody waits for ratings after a test that failed.
            rated.set()


class Parts:
    """The parts of a multipart body, one by one."""

    def __init__(self, answer: Any) -> None:
        self._chunks = answer.aiter_text()
        self._unread = ""

    async def next(self) -> Any:
        """The next part; None after the last."""
        async with asyncio.timeout(20):
            while "\r\n\r\n" not in self._unread or BOUNDARY not in self._unread.split("\r\n\r\n", 1)[1]:
                chunk = await anext(self._chunks, None)
                if chunk is None:
                    assert self._unread.endswith(f"{BOUNDARY}--\r\n")
                    return None
                self._unread += chunk
        _, _, rest = self._unread.partition("\r\n\r\n")
        part, _, after = rest.partition(f"\r\n{BOUNDARY}")
        self._unread = BOUNDARY + after
        return json.loads(part)


async def sequence(shelf: Library, query: str, accept: str, variables: Mapping[str, Any] | None = None) -> list[Any]:
    """All parts; the first is read before there are any ratings."""
    return await read_parts(shelf.graph, query, accept, variables, after_first=shelf.rated.set)


async def read_parts(
    graph: Federation,
    query: str,
    accept: str,
    variables: Mapping[str, Any] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    after_first: Callable[[], None] = lambda: None,
) -> list[Any]:
    """All parts of an answer."""
    body = {"query": query, "variables": variables}
    async with graph.client.stream(
        "POST", "/graphql", json=body, headers={"accept": accept, **(headers or {})}
    ) as answer:
        parts = Parts(answer)
        read = [await parts.next()]
        after_first()
        while (part := await parts.next()) is not None:
            read.append(part)
    return read


async def read_whole(graph: Federation, query: str, accept: str, **more: Any) -> Reader:
    """What a client makes of all parts of an answer."""
    first, *later = await read_parts(graph, query, accept, **more)
    reader = Reader(first)
    for part in later:
        reader.take(part)
    assert reader.over
    return reader
