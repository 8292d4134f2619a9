"""A plan as readable text, for `python -m gateway plan` and for snapshots in tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphql import parse, print_ast

from gateway.planner.deferred_parts import DeferredPart
from gateway.planner.plan import (
    Condition,
    ContextSource,
    EntityTarget,
    Fetch,
    Items,
    OnTypes,
    PathSegment,
    QueryPlan,
    Rename,
    Representation,
    RepresentationField,
)


def print_plan(plan: QueryPlan, parts: Sequence[DeferredPart] = ()) -> str:
    """The plan's fetches in order. Equal plans print alike; the number of planning steps is left out.

    What is for the deferred `parts` alone stands below the first of these that waits for it.
    """
    first = {number: part.number for part in reversed(parts) for number in part.fetches}
    deferred = f", {len(first)} of them deferred" if parts else ""
    lines = [f"{plan.kind}: {len(plan.fetches)} request{'' if len(plan.fetches) == 1 else 's'}{deferred}"]
    for part in (None, *parts):
        if part is not None:
            lines.extend(("", _part_line(part, first)))
        for fetch in plan.fetches:
            if first.get(fetch.id) == (part.number if part else None):
                lines.extend(("", *_fetch_lines(fetch)))
    return "\n".join(lines) + "\n"


def _part_line(part: DeferredPart, first: Mapping[int, int]) -> str:
    label = f' "{part.label}"' if part.label is not None else ""
    within = f" within {part.within}" if part.within is not None else ""
    after = f" after {', '.join(map(str, part.after))}" if part.after else ""
    shared = [f"[{number}]" for number in part.fetches if first[number] != part.number]
    beside = f", with {' '.join(shared)}" if shared else "" if part.fetches else ", fetched with what is not deferred"
    return f"deferred {part.number}{label}{within}{after} at {'.'.join(part.path) or '(root)'}{beside}"


def _fetch_lines(fetch: Fetch) -> Iterator[str]:
    after = f" after {', '.join(str(number) for number in sorted(fetch.after))}" if fetch.after else ""
    where = f" at {path_text(fetch.path)}" if fetch.path else ""
    yield f"[{fetch.id}] {fetch.subgraph}{after}{where}{_condition_text(fetch.condition)}"
    for target in fetch.targets:
        yield from _target_lines(target)
    yield from _rename_lines(fetch.renames)
    yield from (f"    {line}" for line in print_ast(parse(fetch.document)).splitlines())


def _target_lines(target: EntityTarget) -> Iterator[str]:
    from_, *more = (path_text(path) for path in target.paths)
    yield f"  ${target.variable} from {from_}{_condition_text(target.condition)}"
    yield from (f"    and from {path}" for path in more)
    for item in target.representations:
        yield f"    {_representation_text(item)}"
    for argument in target.contexts:
        nearest, *further = (_source_text(target, source) for source in argument.sources)
        yield f"    ${argument.variable}{' (required)' if argument.required else ''} from {nearest}"
        yield from (f"      else from {source}" for source in further)
    yield from _rename_lines(target.renames)


def _source_text(target: EntityTarget, source: ContextSource) -> str:
    # Where a call has several paths, the object above lies equally deep in each.
    places = dict.fromkeys(path_text(path[: source.depth]) for path in target.paths)
    on = f" <{_types_text(source.on_types)}>" if source.on_types is not None else ""
    return f"{' and '.join(places)}{on} {{ {_fields_text(source.fields)} }}"


def _rename_lines(renames: Iterable[Rename]) -> Iterator[str]:
    for rename in renames:
        yield f"  rename {path_text((*rename.path, rename.alias))} to {rename.name}"


def path_text(path: Iterable[PathSegment]) -> str:
    """A path such as `products.@.<Book>author`; `(root)` for the root."""
    text = ""
    for segment in path:
        match segment:
            case str():
                text += segment if not text or text.endswith(">") else f".{segment}"
            case Items():
                text += ".@"
            case OnTypes(names):
                text += f"{'.' if text else ''}<{_types_text(names)}>"
    return text or "(root)"


def _representation_text(item: Representation) -> str:
    sent = f" as {item.typename}" if item.typename else ""
    keys = f" (key {' '.join(sorted(item.keys))})" if item.keys else ""
    return f"{_types_text(item.on_types)}{sent} {{ {_fields_text(item.fields)} }}{keys}"


def _fields_text(fields: Iterable[RepresentationField]) -> str:
    return " ".join(_field_text(item) for item in fields)


def _field_text(item: RepresentationField) -> str:
    name = item.name if item.name == item.source else f"{item.name}={item.source}"
    below = f" {{ {_fields_text(item.selections)} }}" if item.selections is not None else ""
    on_types = f"<{_types_text(item.on_types)}>" if item.on_types is not None else ""
    return f"{on_types}{name}{below}"


def _types_text(names: Iterable[str]) -> str:
    return "|".join(sorted(names))


def _condition_text(condition: Condition | None) -> str:
    if condition is None:
        return ""
    include = [f"include ${name}" for name in sorted(condition.include)]
    return f" if {' and '.join(include + [f'skip ${name}' for name in sorted(condition.skip)])}"
