"""`@defer` over running subgraphs: what is not deferred comes while the subgraph of what is still waits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.pipeline.deferred import Variant
from gateway.pipeline.keys import VariantKey
from gateway.pipeline.prepare import Preparation
from tests.conformance.in_parts import CURRENT, OLD, Library, Parts, library, read_parts, read_whole, sequence
from tests.fixtures.parts import Reader

DEFERRED = "{ book(id: 1) { title ... @defer { stars } } }"


@pytest.fixture
async def shelf() -> AsyncIterator[Library]:
    async with library() as shelf:
        yield shelf


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


MANY = """query($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Boolean!) { books { title
  ... @defer(if: $a, label: "a") { one: stars } ... @defer(if: $b, label: "b") { two: stars }
  ... @defer(if: $c, label: "c") { three: stars } ... @defer(if: $d, label: "d") { four: stars }
  ... @defer(if: $e, label: "e") { five: stars } } }"""


@pytest.mark.parametrize("active", ["a", "bd", "abcde"])
async def test_any_number_of_variables_decides_what_is_deferred(shelf: Library, active: str) -> None:
    shelf.rated.set()
    first, *later = await sequence(shelf, MANY, CURRENT, _true("abcde", active))
    aliases = dict(zip("abcde", ("one", "two", "three", "four", "five"), strict=True))
    assert first["data"]["books"][0] == {"title": "Emma", **{aliases[n]: 5 for n in "abcde" if n not in active}}
    assert [each["label"] for each in first.get("pending", ())] == [n for n in active for _ in (0, 1)]
    came = [name for part in later for each in part["incremental"] for name in each["data"]]
    assert sorted(came) == sorted([aliases[n] for n in active] * 2)


async def test_of_the_ways_to_defer_an_operation_no_more_are_kept_than_operations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a gateway that keeps one, and a count of those that are prepared
    made: list[frozenset[str]] = []
    prepare = Preparation.prepare_variant

    def prepare_variant(self: Preparation, key: VariantKey) -> Variant:
        made.append(key.active)
        return prepare(self, key)

    monkeypatch.setattr(Preparation, "prepare_variant", prepare_variant)
    async with library({"pipeline": {"operations_kept": 1}}) as shelf:
        shelf.rated.set()
        # When an operation is asked for in one way twice, in another, and in the first again
        answers = [await read_whole(shelf.graph, MANY, OLD, variables=_true("abcde", some)) for some in "aaba"]
    # Then a way that was kept is not prepared anew, and each answer is whole
    assert made == [frozenset("a"), frozenset("b"), frozenset("a")]
    assert len(answers[0].data["books"][1]) == 6
    assert all(answer.data == answers[0].data for answer in answers)


def _true(names: str, some: str) -> dict[str, bool]:
    return {name: name in some for name in names}


async def test_a_listed_operation_is_answered_in_parts_and_its_first_request_prepares_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a listed operation with three variables that decide what is deferred
    text = """query Book($a: Boolean!, $b: Boolean!, $c: Boolean!) { book(id: 1) { title ... @defer(if: $a) { stars }
      ... @defer(if: $b) { two: stars } ... @defer(if: $c) { three: stars } } }"""
    (tmp_path / "web.json").write_text(json.dumps({"Book": text}))
    async with library({"persisted": {"directory": str(tmp_path), "clients": ["web"]}}) as shelf:
        shelf.rated.set()
        for preparing in ("prepare", "prepare_variant"):
            monkeypatch.delattr(Preparation, preparing)
        # When it is asked for by its id, then it comes in the parts that the variables choose
        body = {"documentId": "Book", "variables": _true("abc", "ac")}
        async with shelf.graph.client.stream("POST", "/graphql", json=body, headers={"accept": OLD}) as answer:
            parts = Parts(answer)
            assert await parts.next() == {"data": {"book": {"title": "Emma", "two": 5}}, "hasNext": True}
            came = []
            while (part := await parts.next()) is not None:
                came += [each["data"] for each in part["incremental"]]
        assert sorted(came, key=str) == [{"stars": 5}, {"three": 5}]


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


async def test_fragments_that_would_be_too_many_come_with_the_part_that_they_stand_in() -> None:
    # Given that two may be pending, and a deferred fragment on two objects with two more in it
    async with library({"incremental": {"max_pending": 2}}) as shelf:
        query = """{ books { title ... @defer(label: "outer") { stars
          ... @defer(label: "near") { comments } ... @defer(label: "far") { far: comments(first: 1) } } } }"""
        first, *later = await sequence(shelf, query, CURRENT)
        reader, pending = Reader(first), [len(first["pending"])]
        for part in later:
            reader.take(part)
            pending.append(pending[-1] + len(part.get("pending", ())) - len(part.get("completed", ())))
        # Then so many are at no time, and nothing is missing in the end
        assert max(pending) == 2
        announced = [each["label"] for part in (first, *later) for each in part.get("pending", ())]
        assert announced == ["outer", "outer"]
        assert reader.data == await whole_books(shelf)


async def whole_books(shelf: Library) -> Any:
    query = "{ books { title stars comments far: comments(first: 1) } }"
    return (await shelf.graph.client.post("/graphql", json={"query": query})).json()["data"]


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


async def test_a_client_that_goes_away_leaves_its_place_to_the_next() -> None:
    # Given a gateway that answers one request at a time, of which parts are still to come
    async with library({"http": {"max_in_flight": 1}}) as shelf:
        async with shelf.post(DEFERRED, CURRENT) as answer:
            await Parts(answer).next()
            refused = await shelf.graph.ask("{ best { stars } }")
            assert refused["errors"][0]["extensions"]["code"] == "OVERLOADED"
        shelf.rated.set()
        # When its client is gone, then there is room
        async with asyncio.timeout(20):
            while "errors" in (answered := await shelf.graph.ask("{ best { stars } }")):  # noqa: ASYNC110 - the place tells nobody
                await asyncio.sleep(0.01)
        assert answered == {"data": {"best": {"stars": 3}}}


def _fetching() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "_run_all" in repr(task.get_coro())]


async def test_a_client_that_completes_its_operation_on_a_socket_ends_the_fetches_of_its_parts(shelf: Library) -> None:
    async with socket_to(shelf) as socket:
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": DEFERRED}}))
        assert json.loads(await socket.recv())["payload"]["data"] == {"book": {"title": "Emma"}}
        (fetching,) = _fetching()
        await socket.send(json.dumps({"id": "1", "type": "complete"}))
        await asyncio.wait({fetching}, timeout=20)
        assert fetching.cancelled()
        # And the connection goes on
        shelf.rated.set()
        await socket.send(json.dumps({"id": "2", "type": "subscribe", "payload": {"query": "{ best { stars } }"}}))
        assert json.loads(await socket.recv())["payload"] == {"data": {"best": {"stars": 3}}}
    assert _fetching() == []


async def test_a_server_sent_stream_that_is_left_ends_the_fetches_of_its_parts(shelf: Library) -> None:
    async with shelf.post(DEFERRED, "text/event-stream") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["data"] == {"book": {"title": "Emma"}}
                break
        (fetching,) = _fetching()
    await asyncio.wait({fetching}, timeout=20)
    assert fetching.cancelled()
    shelf.rated.set()


@pytest.mark.parametrize("accept", [CURRENT, OLD])
async def test_the_cost_is_told_with_the_first_part_and_is_that_of_the_whole(accept: str) -> None:
    async with library({"limits": {"cost": {"mode": "measured", "expose": True}}}) as shelf:
        shelf.rated.set()
        headers = {"x-query-cost": "1"}
        whole = await shelf.graph.ask(DEFERRED.replace("@defer", ""), headers=headers)
        first, last = await read_parts(shelf.graph, DEFERRED, accept, headers=headers)
        assert first["extensions"] == whole["extensions"] == {"cost": {"estimated": 1, "max": 10_000}}
        assert "extensions" not in last
        unasked, _ = await read_parts(shelf.graph, DEFERRED, accept)
        assert "extensions" not in unasked


@pytest.mark.parametrize("accept", [CURRENT, OLD])
async def test_the_plan_comes_with_the_first_part_and_complete_with_the_last(accept: str) -> None:
    async with library({"pipeline": {"expose_query_plan": True}}) as shelf:
        query = '{ book(id: 1) { title ... @defer(label: "later") { stars ... @defer { comments } } } }'
        first, *later = await read_parts(
            shelf.graph, query, accept, headers={"x-query-plan": "1"}, after_first=shelf.rated.set
        )
        plans = [part["extensions"]["queryPlan"] for part in (first, later[-1])]
        assert [part for part in later[:-1] if "extensions" in part] == []
        for plan in plans:
            assert [(fetch["subgraph"], fetch["after"]) for fetch in plan["fetches"]] == [
                ("books", []),
                ("ratings", [0]),
                ("ratings", [0]),
            ]
            assert plan["deferred"] == [
                {"number": 1, "path": "book", "fetches": [1], "label": "later"},
                {"number": 2, "path": "book", "fetches": [2], "within": 1},
            ]
        assert [[len(fetch["runs"]) for fetch in plan["fetches"]] for plan in plans] == [[1, 0, 0], [1, 1, 1]]
        # And nobody else is told of it
        assert not any("extensions" in part for part in await read_parts(shelf.graph, query, accept))


async def test_deferred_fields_are_fields_and_the_directive_may_be_off() -> None:
    async with library({"limits": {"fields": 2}}) as shelf:
        refused = await shelf.graph.ask("{ book(id: 1) { title ... @defer { stars } } }", headers={"accept": OLD})
        assert refused["errors"][0]["extensions"]["code"] == "FIELD_LIMIT_EXCEEDED"
    async with library({"incremental": {"enabled": False}}) as shelf:
        refused = await shelf.graph.ask("{ book(id: 1) { title ... @defer { stars } } }", headers={"accept": OLD})
        assert refused["errors"][0]["message"] == "Unknown directive '@defer'."


@asynccontextmanager
async def socket_to(shelf: Library) -> AsyncIterator[ClientConnection]:
    url = str(shelf.graph.client.base_url).replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
        await socket.send(json.dumps({"type": "connection_init"}))
        await socket.recv()
        yield socket


async def test_websockets_carry_the_parts_as_they_come(shelf: Library) -> None:
    async with socket_to(shelf) as socket:
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": DEFERRED}}))
        async with asyncio.timeout(20):
            first = json.loads(await socket.recv())
            shelf.rated.set()
            second, third = json.loads(await socket.recv()), json.loads(await socket.recv())
    assert first["payload"]["data"] == {"book": {"title": "Emma"}}
    assert second["payload"]["incremental"] == [{"id": "0", "data": {"stars": 5}}]
    assert third == {"id": "1", "type": "complete"}
