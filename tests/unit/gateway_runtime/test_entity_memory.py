"""No entity is asked the same twice in one operation, counted in what is sent."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.planner.plan import Items
from tests.unit.gateway_runtime.test_executor import Transport, entities, root, run, user

ALL = ("all", Items())


def people(*identities: str) -> dict[str, Any]:
    return {"data": {"all": [{"friend": user(identity)} for identity in identities]}}


def ids(body: Any) -> list[str]:
    return [representation["id"] for representation in body["variables"]["representations"]]


def names(*names: str) -> dict[str, Any]:
    return {"data": {"_entities": [{"name": name} for name in names]}}


async def test_a_later_fetch_asks_only_for_what_is_not_known_yet() -> None:
    # Given two fetches that ask one subgraph the same of different places, one after the other
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1", "2"), "c": None})
    transport.replies["c"] = [names("Ada"), names("Bob")]

    execution = await run(
        transport,
        root(0, "a", "{me{__typename id}}"),
        entities(1, "c", {0}, "name", "me"),
        root(2, "b", "{all{friend{__typename id}}}", after=frozenset({1})),
        entities(3, "c", {2}, "name", *ALL, "friend"),
    )

    assert [ids(body) for body in transport.sent["c"]] == [["1"], ["2"]]
    assert execution.tree["me"]["name"] == "Ada"
    assert [item["friend"]["name"] for item in execution.tree["all"]] == ["Ada", "Bob"]


async def test_where_all_is_known_nobody_is_asked() -> None:
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1"), "c": names("Ada")})

    execution = await run(
        transport,
        root(0, "a", "{me{__typename id}}"),
        entities(1, "c", {0}, "name", "me"),
        root(2, "b", "{all{friend{__typename id}}}", after=frozenset({1})),
        entities(3, "c", {2}, "name", *ALL, "friend"),
    )

    assert len(transport.sent["c"]) == 1
    assert execution.tree["all"][0]["friend"]["name"] == "Ada"


async def test_what_is_under_way_is_waited_for() -> None:
    # Given a first request that is not answered before the second fetch has what it needs
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1", "2"), "c": None})
    transport.replies["c"] = [names("Ada"), names("Bob")]
    transport.gates["b"] = asyncio.Event()
    transport.gates["c"] = asyncio.Event()

    async def in_turn() -> None:
        await transport.began("c")
        transport.gates["b"].set()
        await transport.began("c", 2)
        transport.gates["c"].set()

    execution, _ = await asyncio.gather(
        run(
            transport,
            root(0, "a", "{me{__typename id}}"),
            entities(1, "c", {0}, "name", "me"),
            root(2, "b", "{all{friend{__typename id}}}"),
            entities(3, "c", {2}, "name", *ALL, "friend"),
        ),
        in_turn(),
    )

    assert [ids(body) for body in transport.sent["c"]] == [["1"], ["2"]]
    assert [item["friend"]["name"] for item in execution.tree["all"]] == ["Ada", "Bob"]


async def test_an_entity_that_got_no_answer_is_asked_again() -> None:
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1"), "c": None})
    transport.replies["c"] = [{"data": {"_entities": [None]}}, names("Ada")]

    execution = await run(
        transport,
        root(0, "a", "{me{__typename id}}"),
        entities(1, "c", {0}, "name", "me"),
        root(2, "b", "{all{friend{__typename id}}}", after=frozenset({1})),
        entities(3, "c", {2}, "name", *ALL, "friend"),
    )

    assert [ids(body) for body in transport.sent["c"]] == [["1"], ["1"]]
    assert execution.tree["all"][0]["friend"]["name"] == "Ada"


async def test_a_failure_explains_the_nulls_of_all_who_waited_for_it() -> None:
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1"), "c": b"<html>"})
    transport.gates["b"] = asyncio.Event()
    transport.gates["c"] = asyncio.Event()

    async def in_turn() -> None:
        await transport.began("c")
        transport.gates["b"].set()
        await transport.ended.setdefault("b", asyncio.Event()).wait()
        transport.gates["c"].set()

    execution, _ = await asyncio.gather(
        run(
            transport,
            root(0, "a", "{me{__typename id}}"),
            entities(1, "c", {0}, "name", "me"),
            root(2, "b", "{all{friend{__typename id}}}"),
            entities(3, "c", {2}, "name", *ALL, "friend"),
        ),
        in_turn(),
    )

    assert [error.code for error in execution.errors] == ["SUBREQUEST_FAILED"]
    assert execution.errors[0].explains(("me", "name"))
    assert execution.errors[0].explains(("all", 0, "friend", "name"))


async def test_composite_answers_are_copied_for_later_places() -> None:
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": people("1"), "c": None})
    transport.replies["c"] = [{"data": {"_entities": [{"box": {"size": 1}}]}}]

    execution = await run(
        transport,
        root(0, "a", "{me{__typename id}}"),
        entities(1, "c", {0}, "box{size}", "me"),
        root(2, "b", "{all{friend{__typename id}}}", after=frozenset({1})),
        entities(3, "c", {2}, "box{size}", *ALL, "friend"),
    )

    later = execution.tree["all"][0]["friend"]["box"]
    assert later == {"size": 1}
    assert later is not execution.tree["me"]["box"]
