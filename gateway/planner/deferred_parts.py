"""The deferred parts of a plan as a person reads them: where each stands and which requests it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.planner.deferral import Deferral, owners
from gateway.planner.operation import FieldSelection, Operation
from gateway.planner.plan import QueryPlan


@dataclass(frozen=True, slots=True)
class DeferredPart:
    """A deferred fragment on the objects at `path`, response keys from the root.

    `within` is the number of the one it stands in; those of `after` bring some of what it selects as well. `fetches` are the
    ids of the requests that it waits for beside those that are not deferred.
    """

    number: int
    path: tuple[str, ...]
    label: str | None
    within: int | None
    after: tuple[int, ...]
    fetches: tuple[int, ...]


def deferred_parts(operation: Operation, plan: QueryPlan) -> tuple[DeferredPart, ...]:
    """All deferred fragments of an operation in the order of their delivery, numbered from 1."""
    found = sorted(_found(operation.selections, operation.deferrals, ()), key=lambda item: item[0].mark)
    numbers = {deferral.mark: number for number, (deferral, _) in enumerate(found, 1)}
    waits: dict[str, list[int]] = {}
    for fetch in plan.fetches:
        served = owners(fetch)
        for mark in served if served[0] else ():
            waits.setdefault(mark, []).append(fetch.id)
    return tuple(
        DeferredPart(
            number=numbers[deferral.mark],
            path=path,
            label=deferral.label,
            within=numbers[deferral.parent.mark] if deferral.parent else None,
            after=tuple(sorted(numbers[each.mark] for each in deferral.after)),
            fetches=tuple(waits.get(deferral.mark, ())),
        )
        for deferral, path in found
    )


def _found(
    selections: Sequence[FieldSelection], deferrals: Sequence[Deferral], path: tuple[str, ...]
) -> Iterator[tuple[Deferral, tuple[str, ...]]]:
    yield from ((deferral, path) for deferral in deferrals)
    for each in selections:
        yield from _found(each.selections or (), each.deferrals, (*path, each.response_key))
