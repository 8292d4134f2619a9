"""A query plan and one run of it as JSON, for `extensions.queryPlan`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.executor.trace import FetchRun, RunTrace
from gateway.planner.deferred_parts import DeferredPart
from gateway.planner.plan import ContextArgument, EntityTarget, Fetch, Items, OnTypes, PathSegment, QueryPlan


def plan_extension(plan: QueryPlan, trace: RunTrace, parts: Sequence[DeferredPart] = ()) -> dict[str, Any]:
    """Every fetch with its subgraph, document, the places it adds to, the fetches it waits for, and what it took this time.

    Times are in milliseconds. A fetch without `runs` was not needed, or has not come yet where it is for one of the deferred
    `parts`.
    """
    told: dict[str, Any] = {"deferred": [_part(part) for part in parts]} if parts else {}
    return told | {
        "kind": plan.kind,
        "steps": plan.steps,
        "elapsed": _milliseconds(trace.elapsed),
        "fetches": [_fetch(fetch, trace.runs.get(fetch.id, ())) for fetch in plan.fetches],
    }


def _part(part: DeferredPart) -> dict[str, Any]:
    optional = {"label": part.label, "within": part.within, "after": list(part.after) or None}
    told = {name: value for name, value in optional.items() if value is not None}
    return {"number": part.number, "path": ".".join(part.path), "fetches": list(part.fetches), **told}


def _fetch(fetch: Fetch, runs: Sequence[FetchRun]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": fetch.id,
        "subgraph": fetch.subgraph,
        "kind": fetch.kind,
        "document": fetch.document,
        "after": sorted(fetch.after),
        "runs": [_run(run) for run in runs],
    }
    if fetch.targets:
        entry["paths"] = [_path(path) for target in fetch.targets for path in target.paths]
        contexts = {
            argument.variable: _sources(target, argument) for target in fetch.targets for argument in target.contexts
        }
        if contexts:
            entry["contexts"] = contexts
    elif fetch.path:
        entry["paths"] = [_path(fetch.path)]
    return entry


def _run(run: FetchRun) -> dict[str, Any]:
    return {
        "start": _milliseconds(run.start),
        "duration": _milliseconds(run.duration),
        "outcome": run.outcome,
        "entities": run.entities,
        "cached": run.cached,
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _sources(target: EntityTarget, argument: ContextArgument) -> list[str]:
    """The places from which a variable may be read, the nearest first."""
    return list(dict.fromkeys(_path(path[: source.depth]) for source in argument.sources for path in target.paths))


def _path(path: tuple[PathSegment, ...]) -> str:
    parts: list[str] = []
    for segment in path:
        match segment:
            case str():
                parts.append(segment)
            case Items():
                parts.append("@")
            case OnTypes():
                parts.append(f"|[{','.join(sorted(segment.names))}]")
    return ".".join(parts)
