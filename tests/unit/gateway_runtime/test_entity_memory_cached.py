from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pytest

from gateway.cache.answers import Missing
from gateway.cache.lookup import Lookup
from gateway.cache.session import CacheSession
from gateway.executor.compiled import compile_plan
from gateway.executor.execution import Execution
from gateway.planner.plan import Items, QueryPlan
from tests.unit.gateway_runtime.test_executor import Transport, entities, executor, root, user


class Knows:
    """A session that knows of one representation only, and writes nothing."""

    def __init__(self, fetch: int, representation: bytes, answer: dict[str, Any]) -> None:
        self._fetch, self._known = fetch, {representation: answer}

    async def look(
        self, fetch: int, representations: Sequence[Sequence[bytes]], _variables: Mapping[str, Any]
    ) -> Lookup | None:
        if fetch != self._fetch:
            return None
        answers = tuple([self._known.get(each) for each in items] for items in representations)
        missing = tuple(Missing((), [each for each in items if each not in self._known]) for items in representations)
        return Lookup(cast(Any, None), 0, answers, missing, (0.0,))

    def keep(self, lookup: Lookup, body: bytes) -> None: ...


@pytest.mark.parametrize("selection", ["name", "home{at}"])
async def test_what_the_cache_knew_of_a_fetch_under_way_is_there_for_those_who_ask_meanwhile(selection: str) -> None:
    def about(text: str) -> dict[str, Any]:
        return {"name": text} if selection == "name" else {"home": {"at": text}}

    # Given a fetch of two users, of which the cache knows the first, while the second is still asked for
    transport = Transport(
        {
            "a": {"data": {"all": [user("1"), user("2")]}},
            "c": {"data": {"me": user("1")}},
            "b": {"data": {"_entities": [about("Bob")]}},
        }
    )
    transport.gates = {"b": asyncio.Event(), "c": asyncio.Event()}
    fetches = (
        root(0, "a", "{all{__typename id}}"),
        root(1, "c", "{me{__typename id}}"),
        entities(2, "b", {0}, selection, "all", Items()),
        entities(3, "b", {1}, selection, "me"),
    )
    session = Knows(2, b'{"__typename":"User","id":"1"}', about("Ada"))
    execution = Execution(b"", cast(CacheSession, session))
    running = asyncio.ensure_future(
        executor(transport).execute(execution, compile_plan(QueryPlan("query", fetches)), {}, lambda _: b"")
    )
    async with asyncio.timeout(5):
        await transport.began("b")
        # When another fetch asks the same of the first
        transport.gates["c"].set()
        await transport.ended.setdefault("c", asyncio.Event()).wait()
        for _ in range(20):
            await asyncio.sleep(0)
        transport.gates["b"].set()
        await running
    # Then it has the answer
    assert execution.tree["me"] == {**user("1"), **about("Ada")}
    assert execution.tree["all"] == [{**user("1"), **about("Ada")}, {**user("2"), **about("Bob")}]
    assert not execution.errors
