"""Field by role, in every subgraph: what is somebody's own is read and written by nobody who may not. Leaks: none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import parse, print_ast, visit
from graphql.language import Node, StringValueNode, VariableNode, Visitor

from shared.auth.actor import Actor
from shared.graphql.subscriptions import AnswerStream
from shared.ids import new_id
from shared.register import load_register
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.authorization.cast import EVERYBODY, World
from tests.integration.authorization.reads import PUBLIC_ENTITIES, PUBLIC_FIELDS, READS, Read
from tests.integration.authorization.watches import WATCHES, Watch
from tests.integration.authorization.writes import OPEN_TO_ALL, WRITES, Write

OFFERED = """{
  __schema { queryType { fields { name } } mutationType { fields { name } } subscriptionType { fields { name } } }
  __type(name: "_Entity") { possibleTypes { name } }
}"""
NONE: dict[str, Any] = {"fields": []}
INTERNAL = {"INTERNAL_SERVER_ERROR", "GRAPHQL_VALIDATION_FAILED", "BAD_USER_INPUT", "INVALID_INPUT", "INVALID_ID"}
"""Refusals that would prove nothing: the request failed before anybody asked who may."""


class _Filled(Visitor):
    """Puts the world's ids in the places of a document's variables."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        super().__init__()
        self._ids = ids

    def enter_variable(self, node: VariableNode, *_: object) -> Node:
        return StringValueNode(value=self._ids[node.name.value])


def filled(text: str, world: World) -> str:
    return print_ast(visit(parse(text), _Filled(world.ids)))


def document(read: Read, world: World) -> tuple[str, dict[str, Any]]:
    if read.entity is None:
        return filled(f"{{ {read.selection} }}", world), {}
    query = "query($r: [_Any!]!) { _entities(representations: $r) { ... on %s { %s } } }"
    reference = {"__typename": read.entity, "id": world.ids[read.id]}
    return query % (read.entity, read.selection), {"r": [reference]}


def shown(value: Any) -> bool:
    """Whether an answer tells anything: nulls, zeros and empty lists do not."""
    if isinstance(value, Mapping):
        return any(shown(v) for v in value.values())
    if isinstance(value, list):
        return any(shown(v) for v in value)
    return bool(value)


def codes_of(answer: Mapping[str, Any]) -> set[str]:
    return {error["extensions"]["code"] for error in answer.get("errors", [])}


async def contents(subgraph: SubgraphUnderTest) -> list[dict[str, Any]]:
    """Every row of the domain, but for the records of requests and of attempts."""
    names = await subgraph.rows("SELECT tablename FROM pg_tables WHERE schemaname = :s", s=subgraph.domain)
    tables = {row["tablename"] for row in names} - {"idempotency_record", "login_attempt"}
    selects = (f"SELECT '{table}' AS held_in, to_jsonb(t)::text AS held FROM {table} t" for table in tables)
    return await subgraph.rows(" UNION ALL ".join(selects) + " ORDER BY held_in, held")


@pytest.mark.parametrize("read", READS, ids=str)
async def test_what_is_somebodys_own_is_seen_by_those_alone_who_may(worlds: dict[str, World], read: Read) -> None:
    world = worlds[read.domain]
    query, variables = document(read, world)
    # when everybody asks for it
    seen, failed = set(), set()
    for name, actor in world.cast.items():
        answer = await world.subgraph.execute(query, variables, actor=actor)
        failed |= codes_of(answer) & INTERNAL
        if shown(answer["data"]):
            seen.add(name)
    # then those who may have seen something, and nobody else
    assert failed == set()
    assert seen == read.seen_by


@pytest.mark.parametrize("write", WRITES, ids=str)
async def test_a_write_by_who_may_not_is_refused_and_changes_nothing(worlds: dict[str, World], write: Write) -> None:
    world = worlds[write.domain]
    before = await contents(world.subgraph)
    # when all who may not try it
    for name in sorted(EVERYBODY - write.allowed):
        refused = await refusals(world, write, world.cast[name])
        # then each is refused for who they are
        assert refused, name
        assert refused & INTERNAL == set(), name
    # and nothing has changed
    assert await contents(world.subgraph) == before


async def refusals(world: World, write: Write, actor: Actor) -> set[str]:
    """The codes that the write was refused with."""
    input_type = f"{write.mutation[0].upper()}{write.mutation[1:]}Input"
    query = f"mutation($input: {input_type}!) {{ {write.mutation}(input: $input) {{ userErrors {{ code }} }} }}"
    values = {name: _filled(value, world.ids) for name, value in write.values.items()}
    values = {"input": {"idempotencyKey": str(new_id())} | values}
    answer = await world.subgraph.execute(query, values, actor=actor)
    payload = (answer["data"] or {}).get(write.mutation) or {"userErrors": []}
    return codes_of(answer) | {error["code"] for error in payload["userErrors"]}


def _filled(value: Any, ids: Mapping[str, str]) -> Any:
    return ids[value[1:]] if isinstance(value, str) and value.startswith("$") else value


@pytest.mark.parametrize("watch", WATCHES, ids=str)
async def test_a_subscription_is_opened_by_those_alone_who_may(worlds: dict[str, World], watch: Watch) -> None:
    world = worlds[watch.domain]
    query, hub = filled(f"subscription {{ {watch.selection} }}", world), world.subgraph.resources.hub
    # when everybody asks for it
    opened, failed = set(), set()
    for name, actor in world.cast.items():
        answer = await world.subgraph.open(query, actor=actor)
        if isinstance(answer, AnswerStream):
            opened.add(name)
            await answer.aclose()
        else:
            failed |= codes_of(answer) & INTERNAL
    # then those who may have got a stream, everybody else was refused for who they are, and nothing stays open
    assert failed == set()
    assert opened == watch.opened_by
    assert hub.open_streams == 0


async def test_no_field_entity_mutation_or_subscription_of_any_subgraph_is_left_out(worlds: dict[str, World]) -> None:
    # given what the subgraphs offer
    fields, entities, mutations, subscriptions = set(), set(), set(), set()
    for domain, world in worlds.items():
        offered = await world.subgraph.data(OFFERED)
        fields |= {f"{domain}.{field['name']}" for field in offered["__schema"]["queryType"]["fields"]}
        entities |= {f"{domain}.{kind['name']}" for kind in offered["__type"]["possibleTypes"]}
        mutations |= {f"{domain}.{field['name']}" for field in (offered["__schema"]["mutationType"] or NONE)["fields"]}
        watched = offered["__schema"]["subscriptionType"] or NONE
        subscriptions |= {f"{domain}.{field['name']}" for field in watched["fields"]}
    fields -= {f"{domain}.{name}" for domain in worlds for name in ("_entities", "_service")}
    # then each of it is in the tables, or is open to all on purpose
    assert set(worlds) == {entry.name for entry in load_register().subgraphs}
    asked = {f"{read.domain}.{root_field(read.selection)}" for read in READS if not read.entity}
    assert asked | PUBLIC_FIELDS == fields
    assert {f"{read.domain}.{read.entity}" for read in READS if read.entity} | PUBLIC_ENTITIES == entities
    assert {f"{write.domain}.{write.mutation}" for write in WRITES} | OPEN_TO_ALL == mutations
    assert {f"{watch.domain}.{root_field(watch.selection)}" for watch in WATCHES} == subscriptions


def root_field(selection: str) -> str:
    return selection.partition(" ")[0].partition("(")[0]
