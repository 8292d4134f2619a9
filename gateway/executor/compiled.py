"""A plan made ready for any number of executions: request bodies, shapes of answers, and generated collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import orjson
from graphql import FieldNode, OperationDefinitionNode, parse, print_ast

from gateway.executor.collection import Collection, Path, compile_collection, plain, shared_paths
from gateway.executor.contexts import ContextCalls, GroupedCall
from gateway.executor.merge import Shape, shape_of
from gateway.planner.plan import Condition, EntityTarget, Fetch, QueryPlan, Rename


@dataclass(frozen=True, slots=True)
class CompiledTarget:
    """`slot` is the same for all targets of a plan that ask the same of entities, `crowd` for those that ask anything of the
    same objects; None where no other does."""

    target: EntityTarget
    collection: Collection
    shape: Shape
    leaves_only: bool
    condition: Condition | None
    slot: int | None
    crowd: int | None


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
    contexts: ContextCalls | None = None

    def regrouped(self, call: GroupedCall) -> CompiledFetch:
        """The fetch as one request of its groups."""
        fetch = replace(
            self.fetch,
            document=call.document,
            variables=(*self.fetch.variables, *call.values),
            targets=tuple(batch.target for batch in call.batches),
        )
        targets = tuple(
            replace(self.targets[position], target=batch.target, slot=None)
            for position, batch in zip(call.positions, call.batches, strict=True)
        )
        return replace(self, fetch=fetch, body_prefix=_prefix(call.document), body=None, targets=targets, contexts=None)


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    """Positions in `fetches` are what `dependents` refers to. `waits` is how many fetches each of them waits for.

    `is_one_request`: there is one fetch, and it is sent whatever the variables are. `shared_places` are the response keys on
    the way to where equal objects of the tree become one.
    """

    fetches: tuple[CompiledFetch, ...]
    waits: tuple[int, ...]
    shared_places: frozenset[tuple[str, ...]]
    is_one_request: bool


def compile_plan(plan: QueryPlan) -> CompiledPlan:
    """Prepare a plan for any number of executions."""
    position = {fetch.id: index for index, fetch in enumerate(plan.fetches)}
    dependents: list[list[int]] = [[] for _ in plan.fetches]
    for index, fetch in enumerate(plan.fetches):
        for dependency in fetch.after:
            dependents[position[dependency]].append(index)
    shared = shared_paths(plan.fetches)
    targets = [target for fetch in plan.fetches for target in fetch.targets]
    crowds = _numbered(_crowd(target) for target in targets)
    slots = _slots(plan)
    return CompiledPlan(
        tuple(
            _compile_fetch(fetch, tuple(dependents[index]), shared, slots, crowds)
            for index, fetch in enumerate(plan.fetches)
        ),
        waits=tuple(len(fetch.after) for fetch in plan.fetches),
        shared_places=frozenset(tuple(segment for segment in path if isinstance(segment, str)) for path in shared),
        is_one_request=len(plan.fetches) == 1 and plan.fetches[0].condition is None,
    )


_Numbers = dict[Hashable, int]


def _numbered(keys: Iterable[Hashable]) -> _Numbers:
    """A number for each key that comes more than once."""
    counted = Counter(keys)
    return {key: number for number, key in enumerate(counted) if counted[key] > 1}


def _slots(plan: QueryPlan) -> _Numbers:
    """Numbers for the questions that several fetches ask. After a mutation's step an answer may be another one."""
    if plan.kind == "mutation":
        return {}
    return _numbered(
        _question(fetch, target) for fetch in plan.fetches for target in fetch.targets if not target.contexts
    )


def _crowd(target: EntityTarget) -> Hashable:
    """Equal for targets that concern the same objects of the tree."""
    spec = plain(target.representations)
    return (target.paths, spec.on_types, spec.keys) if spec is not None else target


def _question(fetch: Fetch, target: EntityTarget) -> Hashable:
    return fetch.subgraph, _selection(fetch.document, target.alias), target.renames


def _selection(document: str, alias: str) -> str:
    (operation,) = parse(document, no_location=True).definitions
    assert isinstance(operation, OperationDefinitionNode)
    for node in operation.selection_set.selections:
        if isinstance(node, FieldNode) and alias == (node.alias or node.name).value and node.selection_set:
            return print_ast(node.selection_set)
    return ""


def _compile_fetch(
    fetch: Fetch, dependents: tuple[int, ...], shared: frozenset[Path], slots: _Numbers, crowds: _Numbers
) -> CompiledFetch:
    shape = shape_of(fetch.document)
    _rename_shape(shape, fetch.renames)
    targets = tuple(_compile_target(fetch, target, shape, shared, slots, crowds) for target in fetch.targets)
    prefix = _prefix(fetch.document)
    return CompiledFetch(
        fetch,
        prefix,
        None if targets or fetch.variables else prefix + b"}}",
        shape,
        targets,
        dependents,
        shares=any(target.slot is not None for target in targets),
        contexts=ContextCalls(fetch) if any(target.contexts for target in fetch.targets) else None,
    )


def _prefix(document: str) -> bytes:
    return b'{"query":%b,"variables":{' % orjson.dumps(document)


def _compile_target(
    fetch: Fetch, target: EntityTarget, shape: Shape, shared: frozenset[Path], slots: _Numbers, crowds: _Numbers
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
        crowd=crowds.get(_crowd(target)) if crowds else None,
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
