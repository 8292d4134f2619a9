"""Collects the entities of a target by Python source that is generated once for a plan.

The generated function walks the target's paths in plain loops and tells entities apart by their key. It knows plain leaf
keys of clean trees only: whatever else it meets ends the attempt, and `entity_loader.collect_entities` does it again.

Where an object of the tree is nothing but its key, an equal one that was met before at the same path takes its place: from
there on both are one object, merged into once and projected once, however often it stands in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from gateway.executor.entity_loader import EntityBatch, collect_entities
from gateway.executor.merge import Tree
from gateway.planner.plan import EntityTarget, Fetch, Items, OnTypes, PathSegment, Representation

Path = tuple[PathSegment, ...]
_Generated = Callable[[Any], tuple[list[bytes], list[list[Tree]], bool]]


class _FaultError(Exception):
    """The tree holds what the generated function does not know."""


def shared_paths(fetches: Iterable[Fetch]) -> frozenset[Path]:
    """The paths of a plan at which equal objects may become one.

    All that any fetch adds at such a place or below must be added to every object there alike: a path may not tell objects
    apart by the type of an ancestor that another path to the same place does not ask for, and what is above an object may
    not count (@fromContext).
    """
    fetches = tuple(fetches)
    if any(target.contexts for fetch in fetches for target in fetch.targets):
        return frozenset()
    paths = {path for fetch in fetches for target in fetch.targets for path in target.paths}
    paths |= {fetch.path for fetch in fetches if fetch.path}
    prefixes: dict[tuple[PathSegment, ...], set[Path]] = {}
    for path in paths:
        for end in range(1, len(path) + 1):
            if not isinstance(path[end - 1], OnTypes):
                prefixes.setdefault(_places(path[:end]), set()).add(path[:end])
    return frozenset(path for path in paths if len(prefixes.get(_places(path), ())) == 1)


def _places(path: Path) -> Path:
    return tuple(segment for segment in path if not isinstance(segment, OnTypes))


@dataclass(frozen=True, slots=True)
class Collection:
    """How the batch of a target is read: off the tree, or off its objects where these are known already."""

    target: EntityTarget
    _walk: _Generated | None
    _look: _Generated | None

    def walk(self, tree: Tree) -> tuple[EntityBatch, bool]:
        """The batch, and whether all objects at the paths are in it."""
        if self._walk is not None:
            try:
                representations, places, whole = self._walk(tree)
                return EntityBatch(self.target, representations, places, list(self.target.paths)), whole
            except (_FaultError, KeyError, TypeError):
                pass
        return collect_entities(tree, self.target), False

    def look(self, objects: Sequence[Tree], tree: Tree) -> EntityBatch:
        """The batch of `objects`, which are all that `tree` has at the paths."""
        if self._look is not None:
            try:
                representations, places, _ = self._look(objects)
                return EntityBatch(self.target, representations, places, list(self.target.paths))
            except (_FaultError, KeyError, TypeError):
                pass
        return collect_entities(tree, self.target)


def compile_collection(target: EntityTarget, shared: frozenset[Path]) -> Collection:
    """Generate the functions for `target`, if its representations are plain enough."""
    spec = plain(target.representations)
    if spec is None:
        return Collection(target, None, None)
    return Collection(
        target, _Generator(spec, shared).generate(target.paths), _Generator(spec, shared).generate(((Items(),),))
    )


def plain(representations: Sequence[Representation]) -> Representation | None:
    """The one way in which all objects are represented, if there is one and it reads leaves only."""
    first = representations[0]
    if any(replace(other, on_types=first.on_types) != first for other in representations):
        return None
    if not first.fields or any(item.selections is not None or item.on_types is not None for item in first.fields):
        return None
    return replace(first, on_types=frozenset().union(*(item.on_types for item in representations)))


class _Generator:
    """Writes the function for one representation and any number of paths."""

    def __init__(self, spec: Representation, shared: frozenset[Path]) -> None:
        self._spec = spec
        self._shared = shared
        self._lines: list[str] = []
        self._namespace: dict[str, Any] = {"dumps": orjson.dumps, "Fault": _FaultError, "types": spec.on_types}
        self._variables = 0

    def generate(self, paths: Iterable[Path]) -> _Generated:
        self._write(0, "def collect(tree):", "    representations, places, index, ids = [], [], {}, set()")
        self._write(1, "whole = True")
        for path in paths:
            self._walk(path)
        self._write(1, "return representations, places, whole")
        exec(compile("\n".join(self._lines), "<collection>", "exec"), self._namespace)  # noqa: S102 - generated from a plan
        generated: _Generated = self._namespace["collect"]
        return generated

    def _write(self, depth: int, *lines: str) -> None:
        self._lines += ["    " * depth + line for line in lines]

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _walk(self, path: Path) -> None:
        shared = path in self._shared
        self._write(1, "known = {}")
        depth, here, at = 1, "tree", ""
        for position, segment in enumerate(path, start=1):
            below = self._variable()
            match segment:
                case str():
                    self._write(depth, f"if {here}.__class__ is dict:", f"    {below} = {here}.get({segment!r})")
                    here, at = below, f"{here}[{segment!r}]"
                    depth += 1
                case Items():
                    # The number matters only where the item itself may be replaced.
                    last = shared and all(isinstance(later, OnTypes) for later in path[position:])
                    items = f"number_{below}, {below} in enumerate({here})" if last else f"{below} in {here}"
                    self._write(depth, f"if {here}.__class__ is list:", f"    for {items}:")
                    here, at = below, f"{here}[number_{below}]"
                    depth += 2
                case OnTypes(names):
                    self._namespace[f"types_{below}"] = names
                    self._write(depth, f"if {here}.__class__ is dict and {here}.get('__typename') in types_{below}:")
                    depth += 1
        self._write(depth, f"if {here}.__class__ is dict:")
        self._take(depth + 1, here, at, shared=shared)

    def _take(self, depth: int, item: str, at: str, *, shared: bool) -> None:
        """Take one object in: `at` is where it stands in what holds it."""
        self._write(depth, f"typename = {item}['__typename']")
        if len(self._spec.on_types) == 1:
            self._write(depth, f"if typename == {min(self._spec.on_types)!r}:")
        else:
            self._write(depth, "if typename in types:")
        depth += 1
        if len(self._spec.fields) == 1:
            self._take_by_key(depth, item, at, shared=shared)
        else:
            self._take_by_representation(depth, item, at, shared=shared)
        self._write(depth - 1, "else: whole = False")

    def _take_by_key(self, depth: int, item: str, at: str, *, shared: bool) -> None:
        """One leaf tells objects of a type apart, if it is a string or a whole number; `True` is none."""
        (field,) = self._spec.fields
        identity = "value" if len(self._spec.on_types) == 1 or self._spec.typename else "(typename, value)"
        self._write(
            depth,
            f"value = {item}[{field.source!r}]",
            "if value.__class__ is str or value.__class__ is int:",
            f"    identity = {identity}",
        )
        self._take_identified(depth + 1, item, at, shared=shared)
        self._write(
            depth, "elif value is not None: raise Fault" if field.name in self._spec.keys else "else: raise Fault"
        )

    def _take_by_representation(self, depth: int, item: str, at: str, *, shared: bool) -> None:
        """JSON tells 1, 1.0 and true apart. Whoever stands there already as one object is not looked at again."""
        self._write(depth, f"if id({item}) not in ids:")
        depth += 1
        self._write(depth, *(f"value{n} = {item}[{field.source!r}]" for n, field in enumerate(self._spec.fields)))
        keys = [f"value{n} is not None" for n, field in enumerate(self._spec.fields) if field.name in self._spec.keys]
        self._write(depth, f"if {' and '.join(keys) or 'True'}:", f"    identity = {self._representation()}")
        self._take_identified(depth + 1, item, at, shared=shared)
        self._write(depth, "else: whole = False")

    def _take_identified(self, depth: int, item: str, at: str, *, shared: bool) -> None:
        by_key = len(self._spec.fields) == 1
        if shared:
            own = len({field.source for field in self._spec.fields} | {"__typename"})
            self._write(
                depth,
                "twin = known.get(identity)",
                f"if twin is None: known[identity] = {item}",
                f"elif twin is not {item} and len({item}) == {own} and {item} == twin: {at} = {item} = twin",
                f"if twin is not {item}:",
            )
        else:
            self._write(depth, f"if id({item}) not in ids:" if by_key else "if True:")
        remember = [] if by_key and shared else [f"    ids.add(id({item}))"]
        self._write(
            depth,
            *remember,
            "    number = index.get(identity)",
            "    if number is None:",
            "        index[identity] = len(places)",
            f"        representations.append({self._representation() if by_key else 'identity'})",
            f"        places.append([{item}])",
            f"    else: places[number].append({item})",
        )

    def _representation(self) -> str:
        typename = repr(self._spec.typename) if self._spec.typename else "typename"
        names = ["value"] if len(self._spec.fields) == 1 else [f"value{n}" for n in range(len(self._spec.fields))]
        items = [f"{field.name!r}: {value}" for field, value in zip(self._spec.fields, names, strict=True)]
        members = ", ".join([f"'__typename': {typename}", *items])
        return f"dumps({{{members}}})"
