"""`@defer` over running subgraphs: what is not deferred comes while the subgraph of what is still waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

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
        yield Library(graph, rated)


@pytest.fixture
async def shelf() -> AsyncIterator[Library]:
    async with library() as shelf:
        yield shelf


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
    async with shelf.post(query, accept, variables) as answer:
        parts = Parts(answer)
        read = [await parts.next()]
        shelf.rated.set()
        while (part := await parts.next()) is not None:
            read.append(part)
    return read


async def test_the_first_part_leaves_while_the_deferred_subgraph_is_still_silent(shelf: Library) -> None:
    query = '{ book(id: 1) { title ... @defer(label: "later") { stars } } }'
    assert await sequence(shelf, query, "multipart/mixed, application/json") == [
        {
            "data": {"book": {"title": "Emma"}},
            "pending": [{"id": "0", "path": ["book"], "label": "later"}],
            "hasNext": True,
        },
        {"incremental": [{"id": "0", "data": {"stars": 5}}], "completed": [{"id": "0"}], "hasNext": False},
    ]
    assert {name: len(subgraph.requests) for name, subgraph in shelf.graph.subgraphs.items()} == {
        "books": 1,
        "ratings": 1,
    }


async def test_clients_of_the_older_format_are_told_path_and_label(shelf: Library) -> None:
    query = '{ book(id: 1) { title ... @defer(label: "later") { stars } } }'
    async with shelf.post(query, OLD) as answer:
        assert answer.headers["content-type"] == 'multipart/mixed;boundary="graphql";deferSpec=20220824'
        shelf.rated.set()
    assert await sequence(shelf, query, OLD) == [
        {"data": {"book": {"title": "Emma"}}, "hasNext": True},
        {"incremental": [{"data": {"stars": 5}, "path": ["book"], "label": "later"}], "hasNext": False},
    ]


async def test_every_object_of_a_list_is_pending_by_itself(shelf: Library) -> None:
    assert await sequence(shelf, "{ books { title ... @defer { stars } } }", "multipart/mixed") == [
        {
            "data": {"books": [{"title": "Emma"}, {"title": "Ulysses"}]},
            "pending": [{"id": "0", "path": ["books", 0]}, {"id": "1", "path": ["books", 1]}],
            "hasNext": True,
        },
        {
            "incremental": [{"id": "0", "data": {"stars": 5}}, {"id": "1", "data": {"stars": 3}}],
            "completed": [{"id": "0"}, {"id": "1"}],
            "hasNext": False,
        },
    ]


async def test_a_fragment_within_a_deferred_one_is_announced_with_it(shelf: Library) -> None:
    query = "{ book(id: 1) { title ... @defer { stars ... @defer { comments(first: 1) } } } }"
    assert await sequence(shelf, query, "multipart/mixed") == [
        {"data": {"book": {"title": "Emma"}}, "pending": [{"id": "0", "path": ["book"]}], "hasNext": True},
        {
            "pending": [{"id": "1", "path": ["book"]}],
            "incremental": [{"id": "0", "data": {"stars": 5}}],
            "completed": [{"id": "0"}],
            "hasNext": True,
        },
        {"incremental": [{"id": "1", "data": {"comments": ["1-0"]}}], "completed": [{"id": "1"}], "hasNext": False},
    ]


async def test_a_field_that_is_also_asked_for_at_once_is_not_deferred(shelf: Library) -> None:
    query = "{ book(id: 1) { ... @defer { title stars } ... @defer { stars comments(first: 1) } title } }"
    assert await sequence(shelf, query, "multipart/mixed") == [
        {
            "data": {"book": {"title": "Emma"}},
            "pending": [{"id": "0", "path": ["book"]}, {"id": "1", "path": ["book"]}],
            "hasNext": True,
        },
        {"incremental": [{"id": "0", "data": {"stars": 5}}], "completed": [{"id": "0"}], "hasNext": True},
        {"incremental": [{"id": "1", "data": {"comments": ["1-0"]}}], "completed": [{"id": "1"}], "hasNext": False},
    ]


async def test_a_variable_decides_whether_a_fragment_is_deferred(shelf: Library) -> None:
    query = "query($later: Boolean!) { book(id: 1) { title ... @defer(if: $later) { stars } } }"
    assert len(await sequence(shelf, query, OLD, {"later": True})) == 2
    whole = await shelf.graph.ask(query, {"later": False}, headers={"accept": OLD})
    assert whole == {"data": {"book": {"title": "Emma", "stars": 5}}}


async def test_a_client_that_takes_no_parts_is_answered_whole(shelf: Library) -> None:
    shelf.rated.set()
    query = "{ book(id: 1) { title ... @defer { stars } } }"
    whole = {"data": {"book": {"title": "Emma", "stars": 5}}}
    for accept in ("application/json", "multipart/mixed;subscriptionSpec=1.0, application/json"):
        answer = await shelf.graph.client.post("/graphql", json={"query": query}, headers={"accept": accept})
        assert (answer.headers["content-type"], answer.json()) == ("application/json; charset=utf-8", whole)


async def test_where_too_much_would_be_pending_nothing_is_deferred() -> None:
    async with library({"incremental": {"max_pending": 1}}) as shelf:
        shelf.rated.set()
        answer = await shelf.graph.client.post(
            "/graphql", json={"query": "{ books { title ... @defer { stars } } }"}, headers={"accept": OLD}
        )
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert answer.json() == {"data": {"books": [{"title": "Emma", "stars": 5}, {"title": "Ulysses", "stars": 3}]}}


async def test_an_error_comes_with_the_part_that_it_is_about() -> None:
    async with library(fails=True) as shelf:
        first, last = await sequence(shelf, "{ book(id: 1) { title ... @defer { stars } } }", "multipart/mixed")
        assert "errors" not in first
        (entry,) = last["incremental"]
        assert entry["data"] == {"stars": None}
        assert [(error["path"], error["extensions"]["code"]) for error in entry["errors"]] == [
            (["book", "stars"], "INTERNAL_SERVER_ERROR")
        ]
        assert last["completed"] == [{"id": "0"}]


async def test_an_error_of_what_is_deferred_waits_for_its_part_however_early_it_is() -> None:
    async with library(fails=True) as shelf:
        query = "{ best { stars } book(id: 2) { title ... @defer { stars } } }"
        reading = asyncio.create_task(sequence(shelf, query, "multipart/mixed"))
        async with asyncio.timeout(20):
            while len(shelf.graph.subgraphs["ratings"].requests) < 2:  # noqa: ASYNC110 - a list tells nobody
                await asyncio.sleep(0.01)
            # The error is known before anything is delivered: the answer to another request comes after it.
            await shelf.graph.client.post("/graphql", json={"query": "{ book(id: 2) { stars } }"})
        shelf.rated.set()
        first, last = await reading
        assert (first["data"], "errors" in first) == ({"best": {"stars": 3}, "book": {"title": "Ulysses"}}, False)
        assert [error["path"] for error in last["incremental"][0]["errors"]] == [["book", "stars"]]


async def test_a_null_that_goes_up_past_a_fragment_fails_it_as_a_whole() -> None:
    async with library(fails=True) as shelf:
        query = "{ book(id: 1) { title ... @defer { comments } } }"
        first, last = await sequence(shelf, query, "multipart/mixed")
        assert first["data"] == {"book": {"title": "Emma"}}
        assert "incremental" not in last
        (failed,) = last["completed"]
        assert (failed["id"], failed["errors"][0]["extensions"]["code"]) == ("0", "INTERNAL_SERVER_ERROR")
        _, last = await sequence(shelf, query, OLD)
        (patch,) = last["incremental"]
        assert (patch["data"], patch["path"], len(patch["errors"])) == (None, ["book"], 1)


async def test_a_client_that_goes_away_ends_the_fetches_of_its_parts(shelf: Library) -> None:
    async with shelf.post("{ book(id: 1) { title ... @defer { stars } } }", OLD) as answer:
        await Parts(answer).next()
        (fetching,) = _fetching()
    await asyncio.wait({fetching}, timeout=20)
    assert fetching.cancelled()
    shelf.rated.set()


def _fetching() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "execute_into" in repr(task.get_coro())]


async def test_deferred_fields_are_fields_and_the_directive_may_be_off() -> None:
    async with library({"limits": {"fields": 2}}) as shelf:
        refused = await shelf.graph.ask("{ book(id: 1) { title ... @defer { stars } } }", headers={"accept": OLD})
        assert refused["errors"][0]["extensions"]["code"] == "FIELD_LIMIT_EXCEEDED"
    async with library({"incremental": {"enabled": False}}) as shelf:
        refused = await shelf.graph.ask("{ book(id: 1) { title ... @defer { stars } } }", headers={"accept": OLD})
        assert refused["errors"][0]["message"] == "Unknown directive '@defer'."


async def test_websockets_carry_the_parts_as_they_come(shelf: Library) -> None:
    url = str(shelf.graph.client.base_url).replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        query = "{ book(id: 1) { title ... @defer { stars } } }"
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
        async with asyncio.timeout(20):
            first = json.loads(await socket.recv())
            shelf.rated.set()
            second, third = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert first["payload"]["data"] == {"book": {"title": "Emma"}}
    assert second["payload"]["incremental"] == [{"id": "0", "data": {"stars": 5}}]
    assert third == {"id": "1", "type": "complete"}
