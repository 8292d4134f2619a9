"""A plan made ready for any number of executions: request bodies, shapes of answers, and generated collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

from gateway.executor.collection import Collect, Path, compile_collection, shared_paths
from gateway.executor.merge import Shape, shape_of
from gateway.planner.plan import Condition, EntityTarget, Fetch, QueryPlan, Rename


@dataclass(frozen=True, slots=True)
class CompiledTarget:
    """`slot` is the same for all targets of a plan that ask the same of entities; None where no other does."""

    target: EntityTarget
    collect: Collect
    shape: Shape
    leaves_only: bool
    condition: Condition | None
    slot: int | None


@dataclass(frozen=True, slots=True)
class CompiledFetch:
    """A fetch with all that can be made ready before the first request.

    `body` is the whole body where no variable and no entity goes into it, `shares` says that other fetches may have asked
    the same of some entities.
    """

    fetch: Fetch
    body_prefix: bytes
    body: bytes | None
    shape: Shape
    targets: tuple[CompiledTarget, ...]
    dependents: tuple[int, ...]
    shares: bool


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """Positions in `fetches` are what `dependents` refers to. `waits` is how many fetches each of them waits for.

    `shared_places` are the response keys on the way to where equal objects of the tree become one.
    """

    fetches: tuple[CompiledFetch, ...]
    waits: tuple[int, ...]
    shared_places: frozenset[tuple[str, ...]]


def compile_plan(plan: QueryPlan) -> CompiledPlan:
    """Prepare a plan for any number of executions."""
    position = {fetch.id: index for index, fetch in enumerate(plan.fetches)}
    dependents: list[list[int]] = [[] for _ in plan.fetches]
    for index, fetch in enumerate(plan.fetches):
        for dependency in fetch.after:
            dependents[position[dependency]].append(index)
    shared = shared_paths(plan.fetches)
    slots = _slots(plan)
    return CompiledPlan(
        tuple(
            _compile_fetch(fetch, tuple(dependents[index]), shared, slots) for index, fetch in enumerate(plan.fetches)
        ),
        waits=tuple(len(fetch.after) for fetch in plan.fetches),
        shared_places=frozenset(tuple(segment for segment in path if isinstance(segment, str)) for path in shared),
    )


_Question = tuple[object, ...]
"""What a target asks: equal for targets whose entities may share an answer."""


def _slots(plan: QueryPlan) -> dict[_Question, int]:
    """Numbers for the questions that several fetches ask. After a mutation's step an answer may be another one."""
    if plan.kind == "mutation":
        return {}
    asked = Counter(_question(fetch, target) for fetch in plan.fetches for target in fetch.targets)
    return {question: number for number, question in enumerate(asked) if asked[question] > 1}


def _question(fetch: Fetch, target: EntityTarget) -> _Question:
    return fetch.subgraph, _selection(fetch.document, target.alias), target.renames


def _selection(document: str, alias: str) -> str:
    (operation,) = parse(document, no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode) and alias == (node.alias or node.name).value and node.selection_set:
            return print_ast(node.selection_set)
    return ""


def _compile_fetch(
    fetch: Fetch, dependents: tuple[int, ...], shared: frozenset[Path], slots: dict[_Question, int]
) -> CompiledFetch:
    shape = shape_of(fetch.document)
    _rename_shape(shape, fetch.renames)
    targets = tuple(_compile_target(fetch, target, shape, shared, slots) for target in fetch.targets)
    prefix = b'{"query":%b,"variables":{' % orjson.dumps(fetch.document)
    return CompiledFetch(
        fetch,
        prefix,
        None if targets or fetch.variables else prefix + b"}}",
        shape,
        targets,
        dependents,
        shares=any(target.slot is not None for target in targets),
    )


def _compile_target(
    fetch: Fetch, target: EntityTarget, shape: Shape, shared: frozenset[Path], slots: dict[_Question, int]
) -> CompiledTarget:
    below = shape[target.alias] or {}
    _rename_shape(below, target.renames)
    return CompiledTarget(
        target,
        compile_collection(target, shared),
        below,
        leaves_only=all(inner is None for inner in below.values()),
        condition=target.condition,
        slot=slots.get(_question(fetch, target)) if slots else None,
    )


def _rename_shape(shape: Shape, renames: Sequence[Rename]) -> None:
    """Renamed answers are merged by the names they end up with."""
    for rename in renames:
        below: Shape | None = shape
        for segment in rename.path:
            if isinstance(segment, str) and below is not None:
                below = below.get(segment)
        if below is not None and below.get(rename.alias) is not None:
            below[rename.name] = below[rename.alias]
        elif below is not None:
            below.setdefault(rename.name, None)
