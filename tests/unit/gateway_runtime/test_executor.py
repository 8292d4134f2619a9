"""The executor against plans written by hand and a transport that is scripted, so that order is seen and not timed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import orjson
import pytest

from gateway.executor.compiled import compile_plan
from gateway.executor.execution import Execution
from gateway.executor.executor import Executor
from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient, TransportError, TransportFault
from gateway.executor.subgraph_errors import SubgraphErrorsConfig
from gateway.planner.plan import (
    Condition,
    EntityTarget,
    Fetch,
    Items,
    QueryPlan,
    Rename,
    Representation,
    RepresentationField,
)

MASKED = "Something went wrong in this part of the answer."

USER = Representation(on_types=frozenset({"User"}), fields=(RepresentationField("id", "id"),), keys=frozenset({"id"}))


class Transport:
    """Answers by host. An answer is JSON, bytes or an exception; `replies` are the answers to one request after the other.

    A gate is waited for before a request is answered.
    """

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = answers
        self.replies: dict[str, list[Any]] = {}
        self.gates: dict[str, asyncio.Event] = {}
        self.ended: dict[str, asyncio.Event] = {}
        self.log: list[str] = []
        self.sent: dict[str, list[Any]] = {}
        self.idempotent: dict[str, bool] = {}
        self._moved = asyncio.Condition()

    @property
    def bodies(self) -> dict[str, Any]:
        """The last body that each host was sent."""
        return {name: sent[-1] for name, sent in self.sent.items()}

    async def began(self, name: str, times: int = 1) -> None:
        """Returns once so many requests to a host have begun."""
        async with self._moved:
            await self._moved.wait_for(lambda: len(self.sent.get(name, ())) >= times)

    async def send(self, endpoint: Endpoint, body: bytes, *, headers: bytes, idempotent: bool) -> HttpAnswer:
        name = endpoint.host
        assert headers == b""
        self.log.append(f"start {name}")
        sent = self.sent.setdefault(name, [])
        sent.append(orjson.loads(body))
        number = len(sent) - 1
        self.idempotent[name] = idempotent
        async with self._moved:
            self._moved.notify_all()
        if name in self.gates:
            await self.gates[name].wait()
        answer = self.replies[name][number] if name in self.replies else self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        self.log.append(f"end {name}")
        self.ended.setdefault(name, asyncio.Event()).set()
        return HttpAnswer(200, (), answer if isinstance(answer, bytes) else orjson.dumps(answer))


def executor(transport: Transport, **errors: Any) -> Executor:
    return Executor(
        cast(SubgraphClient, transport),
        {name: f"http://{name}/" for name in transport.answers},
        concrete_types=frozenset({"User"}),
        errors=SubgraphErrorsConfig(**errors),
    )


async def run(
    transport: Transport, *fetches: Fetch, variables: dict[str, Any] | None = None, **errors: Any
) -> Execution:
    plan = compile_plan(QueryPlan("query", fetches))
    execution = Execution()
    await executor(transport, **errors).execute(execution, plan, variables or {}, lambda _subgraph: b"")
    return execution


def root(id: int, subgraph: str, document: str, **more: Any) -> Fetch:
    return Fetch(id=id, subgraph=subgraph, kind="query", document=document, name_offset=5, **more)


def entities(id: int, subgraph: str, after: set[int], selection: str, *path: Any, **more: Any) -> Fetch:
    document = (
        f"query($representations:[_Any!]!){{_entities(representations:$representations){{...on User{{{selection}}}}}}}"
    )
    target = EntityTarget(paths=(path,), representations=(USER,), **more)
    return Fetch(
        id=id,
        subgraph=subgraph,
        kind="query",
        document=document,
        name_offset=5,
        after=frozenset(after),
        targets=(target,),
    )


def user(identity: str) -> dict[str, str]:
    return {"__typename": "User", "id": identity}


async def test_a_fetch_starts_when_its_own_dependencies_are_done_and_not_later() -> None:
    transport = Transport(
        {
            "slow": {"data": {"x": 1}},
            "fast": {"data": {"me": user("1")}},
            "next": {"data": {"_entities": [{"name": "Ada"}]}},
        }
    )
    transport.gates["slow"] = asyncio.Event()

    async def open_gate() -> None:
        await transport.ended.setdefault("next", asyncio.Event()).wait()
        transport.gates["slow"].set()

    execution, _ = await asyncio.gather(
        run(
            transport,
            root(0, "slow", "{x}"),
            root(1, "fast", "{me{__typename id}}"),
            entities(2, "next", {1}, "name", "me"),
        ),
        open_gate(),
    )
    assert transport.log.index("end next") < transport.log.index("end slow")
    assert execution.tree == {"x": 1, "me": {**user("1"), "name": "Ada"}}


async def test_a_fetch_waits_for_all_that_it_depends_on() -> None:
    transport = Transport(
        {
            "a": {"data": {"me": user("1")}},
            "b": {"data": {"you": user("2")}},
            "c": {"data": {"_entities": [{"name": "Ada"}]}},
        }
    )
    await run(
        transport,
        root(0, "a", "{me{__typename id}}"),
        root(1, "b", "{you{__typename id}}"),
        entities(2, "c", {0, 1}, "name", "me"),
    )
    assert transport.log[-2:] == ["start c", "end c"]


async def test_mutations_in_a_chain_run_one_after_the_other_and_are_not_idempotent() -> None:
    transport = Transport({"a": {"data": {"x": 1}}, "b": {"data": {"y": 2}}})
    await run(
        transport,
        Fetch(id=0, subgraph="a", kind="mutation", document="mutation{x}", name_offset=8),
        Fetch(id=1, subgraph="b", kind="mutation", document="mutation{y}", name_offset=8, after=frozenset({0})),
    )
    assert transport.log == ["start a", "end a", "start b", "end b"]
    assert transport.idempotent == {"a": False, "b": False}


@pytest.mark.parametrize(
    ("condition", "variables", "asked"),
    [
        (Condition(include=frozenset({"a"})), {"a": True}, True),
        (Condition(include=frozenset({"a"})), {"a": False}, False),
        (Condition(skip=frozenset({"b"})), {"b": False}, True),
        (Condition(skip=frozenset({"b"})), {"b": True}, False),
        (Condition(frozenset({"a"}), frozenset({"b"})), {"a": True, "b": True}, False),
    ],
)
async def test_a_condition_gates_its_fetch_and_what_follows_goes_on(
    condition: Condition, variables: dict[str, bool], asked: bool
) -> None:
    transport = Transport({"a": {"data": {"x": 1}}, "b": {"data": {"y": 2}}})
    execution = await run(
        transport,
        root(0, "a", "{x}", condition=condition),
        root(1, "b", "{y}", after=frozenset({0})),
        variables=variables,
    )
    assert execution.tree == ({"x": 1, "y": 2} if asked else {"y": 2})


async def test_without_an_entity_nobody_is_asked() -> None:
    transport = Transport({"a": {"data": {"me": None}}, "b": {}})
    execution = await run(transport, root(0, "a", "{me{__typename id}}"), entities(1, "b", {0}, "name", "me"))
    assert transport.log == ["start a", "end a"]
    assert (execution.tree, execution.errors) == ({"me": None}, [])


async def test_data_of_a_field_that_returns_query_goes_where_the_path_says() -> None:
    transport = Transport({"a": {"data": {"done": [{}, {}]}}, "b": {"data": {"now": {"at": 7}}}})
    execution = await run(
        transport,
        root(0, "a", "{done{__typename}}"),
        root(1, "b", "{now{at}}", after=frozenset({0}), path=("done", Items())),
    )
    assert execution.tree == {"done": [{"now": {"at": 7}}, {"now": {"at": 7}}]}
    assert execution.tree["done"][0]["now"] is not execution.tree["done"][1]["now"]


async def test_an_alias_of_the_planner_gets_its_name_back_also_in_error_paths() -> None:
    transport = Transport(
        {"a": {"data": {"_a0": None}, "errors": [{"message": "No.", "path": ["_a0"], "extensions": {"code": "NOPE"}}]}}
    )
    execution = await run(transport, root(0, "a", "{_a0:x}", renames=(Rename((), "_a0", "x"),)))
    assert execution.tree == {"x": None}
    assert [error.formatted() for error in execution.errors] == [
        {"message": "No.", "path": ["x"], "extensions": {"code": "NOPE"}}
    ]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"<html>", "SUBREQUEST_FAILED"),
        (b"[]", "SUBREQUEST_FAILED"),
        (b"{}", "SUBREQUEST_FAILED"),
        (b'{"data":7}', "SUBREQUEST_FAILED"),
        (b'{"data":{"_entities":7}}', "SUBREQUEST_FAILED"),
        (b'{"data":{"_entities":[]}}', "SUBREQUEST_FAILED"),
        (b'{"data":{"_entities":[{},{}]}}', "SUBREQUEST_FAILED"),
        (b'{"data":' + b"[" * 100_000, "SUBREQUEST_FAILED"),
        (b'{"errors":7}', "INTERNAL_SERVER_ERROR"),
        (b'{"errors":[7, {"path": {}}, {"message": {}}]}', "INTERNAL_SERVER_ERROR"),
        (TransportError(TransportFault.TOO_LARGE, "too large"), "SUBGRAPH_UNAVAILABLE"),
        (TransportError(TransportFault.TIMEOUT, "late"), "SUBGRAPH_UNAVAILABLE"),
    ],
)
async def test_a_hostile_or_absent_answer_is_one_masked_error(answer: Any, code: str) -> None:
    transport = Transport({"a": {"data": {"me": user("1")}}, "b": answer})
    execution = await run(transport, root(0, "a", "{me{__typename id}}"), entities(1, "b", {0}, "name", "me"))
    assert execution.tree == {"me": user("1")}
    assert [(error.code, error.path) for error in execution.errors] == [(code, ("me",))]
    assert execution.errors[0].explains(("me", "name"))
    assert not execution.errors[0].explains(("you", "name"))


async def test_entities_of_the_wrong_kind_add_nothing() -> None:
    transport = Transport(
        {"a": {"data": {"all": [user("1"), user("2")]}}, "b": {"data": {"_entities": [5, {"name": "B"}]}}}
    )
    execution = await run(
        transport, root(0, "a", "{all{__typename id}}"), entities(1, "b", {0}, "name", "all", Items())
    )
    assert execution.tree == {"all": [user("1"), {**user("2"), "name": "B"}]}


async def test_only_listed_extensions_of_a_refusal_are_kept() -> None:
    refusal = {"message": "Wait.", "path": ["x"], "extensions": {"code": "SLOW", "retryAfter": 3, "service": "a"}}
    transport = Transport({"a": {"data": {"x": None}, "errors": [refusal]}})
    execution = await run(transport, root(0, "a", "{x}"), forward_extensions={"retryAfter"})
    assert execution.errors[0].formatted()["extensions"] == {"retryAfter": 3, "code": "SLOW"}


@pytest.mark.parametrize(
    "code", ["INTERNAL_SERVER_ERROR", "GRAPHQL_VALIDATION_FAILED", "INTERNAL_TOKEN_REQUIRED", None, 7]
)
async def test_texts_that_speak_of_the_gateways_own_request_are_masked(code: object) -> None:
    error = {"message": "secret", "path": ["x"], "extensions": {"code": code}}
    transport = Transport({"a": {"data": {"x": None}, "errors": [error]}})
    execution = await run(transport, root(0, "a", "{x}"))
    assert [(e.code, e.path) for e in execution.errors] == [("INTERNAL_SERVER_ERROR", ("x",))]
    assert "secret" not in str(execution.errors)


@pytest.mark.parametrize(
    ("client", "coded", "uncoded"),
    [
        ("coded", ("No.", "NOPE"), (MASKED, "INTERNAL_SERVER_ERROR")),
        ("none", (MASKED, "INTERNAL_SERVER_ERROR"), (MASKED, "INTERNAL_SERVER_ERROR")),
        ("all", ("No.", "NOPE"), ("boom", "INTERNAL_SERVER_ERROR")),
    ],
)
async def test_what_a_client_reads_is_a_setting(client: str, coded: tuple[str, str], uncoded: tuple[str, str]) -> None:
    errors = [
        {"message": "No.", "path": ["x"], "extensions": {"code": "NOPE"}},
        {"message": "boom", "path": ["y"]},
    ]
    transport = Transport({"a": {"data": {"x": None, "y": None}, "errors": errors}})
    execution = await run(transport, root(0, "a", "{x y}"), client=client)
    assert [(error.message, error.code) for error in execution.errors] == [coded, uncoded]


@pytest.mark.parametrize(
    ("log", "logged"),
    [("masked", [(None, "['y']")]), ("all", [("NOPE", "['x']"), (None, "['y']")]), ("none", [])],
)
@pytest.mark.parametrize("texts", [False, True])
async def test_what_is_logged_is_another_and_texts_only_where_they_are_asked_for(
    caplog: pytest.LogCaptureFixture, log: str, logged: list[tuple[str | None, str]], texts: bool
) -> None:
    errors = [
        {"message": "No.", "path": ["x"], "extensions": {"code": "NOPE"}},
        {"message": "boom", "path": ["y"]},
    ]
    transport = Transport({"a": {"data": {"x": None, "y": None}, "errors": errors}})
    with caplog.at_level("INFO"):
        await run(transport, root(0, "a", "{x y}"), log=log, log_texts=texts)
    told = [record.__dict__ for record in caplog.records]
    assert [(line["code"], line["path"]) for line in told] == logged
    wanted = {"['x']": "No.", "['y']": "boom"}
    assert [line.get("detail") for line in told] == [wanted[path] if texts else None for _, path in logged]


async def test_only_used_variables_travel_and_an_absent_one_stays_absent() -> None:
    transport = Transport({"a": {"data": {"x": 1}}})
    await run(transport, root(0, "a", "query($p:Int,$q:Int){x}", variables=("p", "q")), variables={"p": None, "z": 1})
    assert transport.bodies["a"] == {"query": "query($p:Int,$q:Int){x}", "variables": {"p": None}}


async def test_a_bug_while_fetching_is_raised_and_stops_the_rest() -> None:
    transport = Transport({"a": RuntimeError("bug"), "b": {"data": {"y": 1}}})
    with pytest.raises(ExceptionGroup) as group:
        await run(transport, root(0, "a", "{x}"), root(1, "b", "{y}"))
    assert [str(error) for error in group.value.exceptions] == ["bug"]


async def test_what_comes_for_an_object_is_not_lost_though_an_equal_one_comes_meanwhile() -> None:
    # Given two fetches of one list, of which the first fails at one object, and a request for the other one under way
    known = {**user("1"), "age": 7}
    transport = Transport(
        {
            "a": {"data": {"all": [{"owner": None}, {"owner": user("1")}]}},
            "b": {"data": {"all": [{"owner": known}, {"owner": known}]}},
            "c": {"data": {"_entities": [{"name": "Ada"}]}},
            "d": {"data": {"_entities": [{"size": 5}]}},
        }
    )
    transport.gates = {"b": asyncio.Event(), "c": asyncio.Event()}

    async def in_turn() -> None:
        await transport.began("c")
        transport.gates["b"].set()
        # When the second brings an object that equals the other
        await transport.ended.setdefault("d", asyncio.Event()).wait()
        transport.gates["c"].set()

    execution, _ = await asyncio.gather(
        run(
            transport,
            root(0, "a", "{all{owner{__typename id}}}"),
            root(1, "b", "{all{owner{__typename id age}}}"),
            entities(2, "c", {0}, "name", "all", Items(), "owner"),
            entities(3, "d", {1}, "size", "all", Items(), "owner"),
        ),
        in_turn(),
    )
    # Then what was asked for is there
    assert execution.tree["all"][1]["owner"] == {**known, "name": "Ada", "size": 5}
