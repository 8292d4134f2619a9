"""A plan made ready for any number of executions: request bodies, shapes of answers, and generated collections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode

from gateway.executor.collection import Collection, Path, compile_collection, plain, shared_paths
from gateway.executor.contexts import ContextCalls, GroupedCall
from gateway.executor.merge import Shape, operation_in, shape_below
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

    `is_plain_root`: its data goes into the root of the tree as it is.
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
    is_plain_root: bool = False
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
    operations = [operation_in(fetch.document) for fetch in plan.fetches]
    brought = Counter(
        place for fetch, op in zip(plan.fetches, operations, strict=True) for place in _brought(fetch, op)
    )
    # Where two fetches bring the objects, the later may bring some that a request under way is not for.
    shared = {path: key for path, key in shared_paths(plan.fetches).items() if brought[_keys(path)] <= 1}
    numbers = _numbers(plan, operations)
    return CompiledPlan(
        tuple(
            _compile_fetch(fetch, operation, tuple(below), shared, numbers)
            for fetch, operation, below in zip(plan.fetches, operations, dependents, strict=True)
        ),
        waits=tuple(len(fetch.after) for fetch in plan.fetches),
        shared_places=frozenset(_keys(path) for path in shared),
        is_one_request=len(plan.fetches) == 1 and plan.fetches[0].condition is None,
    )


def _keys(path: Path) -> tuple[str, ...]:
    """The response keys on the way."""
    return tuple(segment for segment in path if isinstance(segment, str))


def _brought(fetch: Fetch, operation: OperationDefinitionNode) -> set[tuple[str, ...]]:
    """The places of the objects that a fetch adds or adds to, other than those it is about."""
    if not fetch.targets:
        shape = shape_below(operation.selection_set)
        _rename_shape(shape, fetch.renames)
        return set(_objects_in(shape, _keys(fetch.path)))
    places: set[tuple[str, ...]] = set()
    for target in fetch.targets:
        shape = shape_below(_selections(operation, target))
        _rename_shape(shape, target.renames)
        places.update(*(_objects_in(shape, _keys(path)) for path in target.paths))
    return places


def _objects_in(shape: Shape, at: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for key, below in shape.items():
        if below is not None:
            yield (*at, key)
            yield from _objects_in(below, (*at, key))


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Of each target by its identity: the number of its question, and of the objects it concerns."""

    slots: Mapping[int, int]
    crowds: Mapping[int, int]


def _numbers(plan: QueryPlan, operations: Sequence[OperationDefinitionNode]) -> _Numbers:
    targets = [
        (fetch, operation, target)
        for fetch, operation in zip(plan.fetches, operations, strict=True)
        for target in fetch.targets
    ]
    # After a mutation's step an answer may be another one.
    questions = {
        id(target): _question(fetch, operation, target)
        for fetch, operation, target in targets
        if plan.kind != "mutation" and not target.contexts
    }
    return _Numbers(_numbered(questions), _numbered({id(target): _crowd(target) for _, _, target in targets}))


def _numbered(keys: Mapping[int, Hashable]) -> dict[int, int]:
    """A number for each whose key others have too: the same for the same key."""
    counted = Counter(keys.values())
    numbers = {key: number for number, key in enumerate(counted) if counted[key] > 1}
    return {each: numbers[key] for each, key in keys.items() if key in numbers}


def _crowd(target: EntityTarget) -> Hashable:
    """Equal for targets that concern the same objects of the tree."""
    spec = plain(target.representations)
    return (target.paths, spec.on_types, spec.keys) if spec is not None else target


def _question(fetch: Fetch, operation: OperationDefinitionNode, target: EntityTarget) -> Hashable:
    """Equal for targets whose entities may share an answer: the same is asked of the same subgraph.

    What is not deferred waits for no answer to what is, though it be to the same question.
    """
    below = _selections(operation, target)
    assert below.loc is not None
    selected = fetch.document[below.loc.start : below.loc.end]
    return fetch.subgraph, selected, target.renames, _deferred_by(fetch)


def _deferred_by(fetch: Fetch) -> frozenset[str]:
    """The marks of the deferred fragments that everything a fetch brings stands in."""
    return frozenset.intersection(*fetch.serves) if fetch.serves else frozenset()


def _selections(operation: OperationDefinitionNode, target: EntityTarget) -> SelectionSetNode:
    """What a fetch selects for the entities of one of its targets."""
    return next(
        node.selection_set
        for node in operation.selection_set.selections
        if isinstance(node, FieldNode) and (node.alias or node.name).value == target.alias and node.selection_set
    )


def _compile_fetch(
    fetch: Fetch,
    operation: OperationDefinitionNode,
    dependents: tuple[int, ...],
    shared: Mapping[Path, str],
    numbers: _Numbers,
) -> CompiledFetch:
    shape = shape_below(operation.selection_set)
    _rename_shape(shape, fetch.renames)
    targets = tuple(_compile_target(target, shape, shared, numbers) for target in fetch.targets)
    prefix = _prefix(fetch.document)
    return CompiledFetch(
        fetch,
        prefix,
        None if targets or fetch.variables else prefix + b"}}",
        shape,
        targets,
        dependents,
        shares=any(target.slot is not None for target in targets),
        is_plain_root=not targets and not fetch.path and not fetch.renames,
        contexts=ContextCalls(fetch) if any(target.contexts for target in fetch.targets) else None,
    )


def _prefix(document: str) -> bytes:
    return b'{"query":%b,"variables":{' % orjson.dumps(document)


def _compile_target(
    target: EntityTarget, shape: Shape, shared: Mapping[Path, str], numbers: _Numbers
) -> CompiledTarget:
    below = shape[target.alias] or {}
    _rename_shape(below, target.renames)
    crowd = numbers.crowds.get(id(target))
    return CompiledTarget(
        target,
        compile_collection(target, shared, again=crowd is not None),
        below,
        leaves_only=all(inner is None for inner in below.values()),
        condition=target.condition,
        slot=numbers.slots.get(id(target)),
        crowd=crowd,
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
