"""Reads the bodies of streams as they come."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.conformance.subscriptions.market import Market

SSE = {"accept": "text/event-stream"}
MULTIPART = {"accept": "multipart/mixed;boundary=graphql;subscriptionSpec=1.0, application/json"}
PART = "\r\ncontent-type: application/json\r\n\r\n%s\r\n--graphql"


@dataclass(slots=True)
class Stream:
    """An answer under way: `read` gives what it goes on with, as far as asked."""

    answer: httpx.Response
    chunks: AsyncIterator[str]
    unread: str = ""

    async def expect(self, text: str) -> None:
        """The next bytes are these."""
        while len(self.unread) < len(text):
            self.unread += await anext(self.chunks)
        assert self.unread[: len(text)] == text
        self.unread = self.unread[len(text) :]

    async def ends(self) -> None:
        """Nothing more comes."""
        assert self.unread == ""
        assert [chunk async for chunk in self.chunks if chunk] == []


@asynccontextmanager
async def post(market: Market, query: str, headers: Mapping[str, str]) -> AsyncIterator[Stream]:
    async with market.graph.client.stream("POST", "/graphql", json={"query": query}, headers=headers) as answer:
        yield Stream(answer, answer.aiter_text())


@asynccontextmanager
async def listen(market: Market, headers: Mapping[str, str]) -> AsyncIterator[Stream]:
    async with market.graph.client.stream("GET", "/graphql", headers=headers) as answer:
        yield Stream(answer, answer.aiter_text())


def next_event(data: Any) -> str:
    return f"event: next\ndata: {_json(data)}\n\n"


def part(data: Any) -> str:
    return PART % _json(data)


COMPLETE = "event: complete\ndata:\n\n"


def _json(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"))
