"""Passes over the fetch graph that save requests, or waiting, without changing what is fetched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.planner.budget import Budget
from gateway.planner.fetch_graph import Input, Step, merge_fields
from gateway.planner.plan import RepresentationField


def optimize(steps: Sequence[Step], budget: Budget) -> list[list[Step]]:
    """The steps as requests, in an order in which each comes after those it waits for.

    A request with several steps is one call of several `_entities` fields.
    """
    kept = _prune(list(steps))
    kept = _merge_siblings(kept, budget)
    _drop_indirect(kept, budget)
    return _batch(kept)


def depths(steps: Sequence[Step]) -> dict[Step, int]:
    """How many requests a step has to wait for, one after the other."""
    found: dict[Step, int] = {}

    def depth(step: Step) -> int:
        if step not in found:
            found[step] = 1 + max((depth(earlier) for earlier in step.after), default=-1)
        return found[step]

    for step in steps:
        depth(step)
    return found


def _prune(steps: list[Step]) -> list[Step]:
    """Without steps that select nothing: they were only passed through."""
    for step in steps:
        if step.level.is_empty():
            for other in steps:
                if step in other.after:
                    other.after.discard(step)
                    other.after |= step.after
    return [step for step in steps if not step.level.is_empty()]


def _merge_siblings(steps: list[Step], budget: Budget) -> list[Step]:
    """One entity call for what several would ask of the same objects, unless one has to wait for the other."""
    groups: dict[object, list[Step]] = {}
    kept: list[Step] = []
    order = depths(steps)
    waiting: dict[Step, set[Step]] = {}
    for step in steps:
        for earlier in step.after:
            waiting.setdefault(earlier, set()).add(step)
    for step in sorted(steps, key=lambda step: (order[step], step.number)):
        group = groups.setdefault((step.subgraph, step.path, step.turn, step.is_entity_call, step.marks), [])
        target = next((other for other in group if _can_merge(other, step, budget)), None)
        if target is None:
            group.append(step)
            kept.append(step)
        else:
            _merge(target, step, waiting)
    return kept


def _can_merge(one: Step, other: Step, budget: Budget) -> bool:
    if one.is_entity_call != other.is_entity_call or one.kind != other.kind:
        return False
    if not one.is_entity_call:
        return bool(one.path) and not _waits_for(other, one, budget) and not _waits_for(one, other, budget)
    budget.spend(len(other.inputs))
    if one.contexts != other.contexts:
        # An entity is left out of a call where a context argument has no value, and must not miss what needs none.
        return False
    if not all(_agree(mine, theirs) for theirs in other.inputs for mine in _overlapping(one, theirs)):
        return False
    if _differ_in_types(one, other) and not _may_join(one, other):
        return False
    return not _waits_for(other, one, budget) and not _waits_for(one, other, budget)


def _overlapping(step: Step, item: Input) -> Iterable[Input]:
    """The inputs of a step that concern some of the same types; the inputs of one step share no type."""
    if len(step.inputs) == 1:
        return step.inputs
    return [mine for name in item.types if (mine := step.input_of.get(name)) is not None]


def _differ_in_types(one: Step, other: Step) -> bool:
    return len(one.inputs) > 1 or len(other.inputs) > 1 or one.inputs[0].types != other.inputs[0].types


def _agree(one: Input, other: Input) -> bool:
    """Whether one representation can serve both: same key, same name, no field with two meanings."""
    if not one.types & other.types:
        return True
    if one.types != other.types or one.typename != other.typename or one.keys != other.keys:
        return False
    sources = {(item.name, item.on_types): item for item in one.fields}
    return all(_same_source(sources.get((item.name, item.on_types)), item) for item in other.fields)


def _same_source(one: RepresentationField | None, other: RepresentationField) -> bool:
    if one is None:
        return True
    if one.source != other.source or (one.selections is None) != (other.selections is None):
        return False
    below = {(item.name, item.on_types): item for item in one.selections or ()}
    return all(_same_source(below.get((item.name, item.on_types)), item) for item in other.selections or ())


def _may_join(one: Step, other: Step) -> bool:
    """Objects of different types may share a call only if none is asked for what the other alone needs."""
    shared = one.level.on.keys() & other.level.on.keys()
    return all(one.level.on[name].fingerprint() == other.level.on[name].fingerprint() for name in shared)


def _merge(target: Step, step: Step, waiting: dict[Step, set[Step]]) -> None:
    target.level.absorb(step.level)
    target.after |= step.after
    target.serves |= step.serves
    for theirs in step.inputs:
        mine = next(iter(_overlapping(target, theirs)), None)
        if mine is None or mine.types != theirs.types:
            target.add_input(theirs)
        else:
            mine.fields = merge_fields(mine.fields, theirs.fields)
    for other in waiting.pop(step, set()):
        other.after.discard(step)
        other.after.add(target)
        waiting.setdefault(target, set()).add(other)
    for earlier in step.after:
        waiting[earlier].discard(step)
        waiting[earlier].add(target)


def _waits_for(step: Step, earlier: Step, budget: Budget) -> bool:
    pending, seen = list(step.after), set(step.after)
    while pending:
        budget.spend()
        current = pending.pop()
        if current is earlier:
            return True
        fresh = current.after - seen
        seen |= fresh
        pending.extend(fresh)
    return False


def _drop_indirect(steps: Iterable[Step], budget: Budget) -> None:
    """Wait only for the last of those that wait for one another."""
    for step in steps:
        for earlier in sorted(step.after, key=lambda item: item.number):
            if any(other is not earlier and _waits_for(other, earlier, budget) for other in step.after):
                step.after.discard(earlier)


def _batch(steps: list[Step]) -> list[list[Step]]:
    """Entity calls of one subgraph that have equally long to wait travel as one request."""
    order = depths(steps)
    requests: dict[object, list[Step]] = {}
    for step in sorted(steps, key=lambda step: (order[step], step.number)):
        key: object = (order[step], step.turn, step.subgraph, step.marks) if step.is_entity_call else step
        requests.setdefault(key, []).append(step)
    return list(requests.values())
