"""Collects the entities of a target by Python source that is generated once for a plan.

The generated function walks the target's paths in plain loops and tells entities apart by their key. It knows plain leaf
keys of clean trees only: whatever else it meets ends the attempt, and `entity_loader.collect_entities` does it again.

Where an object of the tree equals one that was met before at the same path, with all that is in it, that one takes its
place: from there on both are one object, looked into, merged into and projected once, however often it stands in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


_UNCLEAN = (_FaultError, AttributeError, KeyError, TypeError)
"""What the generated function raises for a tree that is not as it expects."""


def shared_paths(fetches: Iterable[Fetch]) -> dict[Path, str]:
    """The paths of a plan at which equal objects may become one, and the leaf of their key that tells most of them apart.

    All that any fetch adds at such a place or below must be added to every object there alike: a path may not tell objects
    apart by the type of an ancestor that another path to the same place does not ask for, and what is above an object may
    not count (@fromContext). Objects that stand in one list only are hardly ever equal.
    """
    fetches = tuple(fetches)
    targets = [target for fetch in fetches for target in fetch.targets]
    if any(target.contexts for target in targets):
        return {}
    paths = {path for target in targets for path in target.paths} | {fetch.path for fetch in fetches if fetch.path}
    prefixes: dict[Path, set[Path]] = {}
    for path in paths:
        for end in range(1, len(path) + 1):
            if not isinstance(path[end - 1], OnTypes):
                prefixes.setdefault(_places(path[:end]), set()).add(path[:end])
    return {
        path: key
        for target in targets
        if (spec := plain(target.representations)) is not None
        and (key := next((field.source for field in spec.fields if field.name in spec.keys), None)) is not None
        for path in target.paths
        if len(prefixes.get(_places(path), ())) == 1 and Items() in _places(path)[:-1]
    }


def _places(path: Path) -> Path:
    return tuple(segment for segment in path if not isinstance(segment, OnTypes))


@dataclass(slots=True)
class Collection:
    """How the batch of a target is read: off the tree, or off its objects where these are known already."""

    target: EntityTarget
    _generate: Callable[[], _Generated] | None = None
    _walk: _Generated | None = None
    _look: _Generated | None = None
    _careful: _Generated | None = None

    def walk(self, tree: Tree) -> tuple[EntityBatch, bool]:
        """The batch, and whether all objects at the paths are in it."""
        if self._walk is None or self._generate is None:
            return collect_entities(tree, self.target), False
        try:
            representations, places, whole = self._walk(tree)
        except KeyError:
            # An entity that a subgraph does not know leaves keys out.
            self._careful = self._careful or self._generate()
            return self._walk_carefully(self._careful, tree)
        except _UNCLEAN:
            return collect_entities(tree, self.target), False
        return EntityBatch(self.target, representations, places, list(self.target.paths)), whole

    def _walk_carefully(self, walk: _Generated, tree: Tree) -> tuple[EntityBatch, bool]:
        try:
            representations, places, whole = walk(tree)
        except _UNCLEAN:
            return collect_entities(tree, self.target), False
        return EntityBatch(self.target, representations, places, list(self.target.paths)), whole

    def look(self, objects: Sequence[Tree], tree: Tree) -> EntityBatch:
        """The batch of `objects`, which are all that `tree` has at the paths."""
        if self._look is not None:
            try:
                representations, places, _ = self._look(objects)
                return EntityBatch(self.target, representations, places, list(self.target.paths))
            except _UNCLEAN:
                pass
        return collect_entities(tree, self.target)


def compile_collection(target: EntityTarget, shared: Mapping[Path, str], *, again: bool = True) -> Collection:
    """Generate the functions for `target`, if its representations are plain enough; with `again` the second one too.

    `shared` is what `shared_paths` says of the plan.
    """
    spec = plain(target.representations)
    if spec is None:
        return Collection(target)
    look = _Generator(spec, {}).generate(((Items(),),)) if again else None
    walk = _Generator(spec, shared).generate(target.paths)
    return Collection(target, lambda: _Generator(spec, shared, careful=True).generate(target.paths), walk, look)


def plain(representations: Sequence[Representation]) -> Representation | None:
    """The one way in which all objects are represented, if there is one and it reads leaves only."""
    first = representations[0]
    if any(replace(other, on_types=first.on_types) != first for other in representations):
        return None
    if not first.fields or any(item.selections is not None or item.on_types is not None for item in first.fields):
        return None
    return replace(first, on_types=frozenset().union(*(item.on_types for item in representations)))


class _Generator:
    """Writes the function for one representation and any number of paths; with `careful` a path may lead nowhere."""

    def __init__(self, spec: Representation, shared: Mapping[Path, str], *, careful: bool = False) -> None:
        self._spec = spec
        self._read = "{0}.get({1!r})" if careful else "{0}[{1!r}]"
        self._shared = shared
        self._lines: list[str] = []
        self._namespace: dict[str, Any] = {"dumps": orjson.dumps, "Fault": _FaultError, "types": spec.on_types}
        self._variables = 0

    def generate(self, paths: Iterable[Path]) -> _Generated:
        self._write(0, "def collect(tree):", "    representations, places, index = [], [], {}")
        self._write(1, "whole = True")
        self._below((), tuple(paths), 1, "tree", "")
        self._write(1, "return representations, places, whole")
        exec(compile("\n".join(self._lines), "<collection>", "exec"), self._namespace)  # noqa: S102 - generated from a plan
        generated: _Generated = self._namespace["collect"]
        return generated

    def _write(self, depth: int, *lines: str) -> None:
        self._lines += ["    " * depth + line for line in lines]

    def _variable(self) -> str:
        self._variables += 1
        return f"v{self._variables}"

    def _below(self, path: Path, paths: Sequence[Path], depth: int, here: str, at: str) -> None:
        """What is done with the object `here`, which stands at `path`: those of `paths` that go on from there do it together."""
        if path in self._shared:
            depth = self._once(depth, here, at, self._shared[path])
        if path in paths:
            self._take(depth, here)
        end = len(path)
        paths = [each for each in paths if len(each) > end and each[:end] == path]
        for segment in dict.fromkeys(each[end] for each in paths):
            self._step((*path, segment), paths, depth, here, at)

    def _step(self, path: Path, paths: Sequence[Path], depth: int, here: str, at: str) -> None:
        below = self._variable()
        match path[-1]:
            case str() as key:
                self._write(depth, f"{below} = {self._read.format(here, key)}", f"if {below} is not None:")
                self._below(path, paths, depth + 1, below, f"{here}[{key!r}]")
            case Items():
                # The number matters only where the item itself may be replaced.
                items = f"number_{below}, {below} in enumerate({here})"
                items = items if any(self._is_shared(each, len(path)) for each in paths) else f"{below} in {here}"
                self._write(depth, f"for {items}:", f"    if {below} is not None:")
                self._below(path, paths, depth + 2, below, f"{here}[number_{below}]")
            case OnTypes(names):
                self._namespace[f"types_{below}"] = names
                # A name of its own: what becomes of the object on this way is nothing to the others that lead on from it.
                self._write(depth, f"{below} = {here}", f"if {below}.get('__typename') in types_{below}:")
                self._below(path, paths, depth + 1, below, at)

    def _is_shared(self, path: Path, end: int) -> bool:
        """Whether the objects at `path[:end]`, or those of some types among them, may become one."""
        while path[:end] not in self._shared and end < len(path) and isinstance(path[end], OnTypes):
            end += 1
        return path[:end] in self._shared

    def _once(self, depth: int, item: str, at: str, key: str) -> int:
        """Go on for an object that was not met yet. Where it equals one that was met, that one takes its place.

        Texts are compared, since Python takes `True` for 1.
        """
        known, texts, met, value, first = (f"{name}_{item}" for name in ("known", "texts", "met", "value", "first"))
        self._lines.insert(1, f"    {known}, {texts}, {met} = {{}}, {{}}, set()")
        self._write(
            depth,
            f"{value} = {item}.get({key!r})",
            f"{first} = {known}.get({value})",
            f"if {first} is not {item}:",
            f"    if {first} is None: {known}[{value}] = {item} if {value} is not None else None",
            f"    elif ({texts}.get({value}) or {texts}.setdefault({value}, dumps({first}))) == dumps({item}):",
            f"        {at} = {first}; {item} = None",
            f"    elif id({item}) in {met}: {item} = None",
            f"    else: {met}.add(id({item}))",
            f"    if {item} is not None:",
        )
        return depth + 2

    def _take(self, depth: int, item: str) -> None:
        """Add an object to those of its entity, if it is of the target's types and has its key."""
        one = len(self._spec.on_types) == 1
        self._write(
            depth,
            f"typename = {item}['__typename']",
            f"if typename == {min(self._spec.on_types)!r}:" if one else "if typename in types:",
        )
        if len(self._spec.fields) == 1:
            self._take_by_key(depth + 1, item)
        else:
            self._take_by_representation(depth + 1, item)
        self._write(depth, "else: whole = False")

    def _take_by_key(self, depth: int, item: str) -> None:
        """One leaf tells objects of a type apart, if it is a text or a whole number."""
        (field,) = self._spec.fields
        identity = "value" if len(self._spec.on_types) == 1 or self._spec.typename else "(typename, value)"
        self._write(depth, f"value = {item}[{field.source!r}]", "if value.__class__ is str or value.__class__ is int:")
        self._add(depth + 1, item, identity, self._representation())
        if field.name in self._spec.keys:
            self._write(depth, "elif value is None: whole = False")
        self._write(depth, "else: raise Fault")

    def _take_by_representation(self, depth: int, item: str) -> None:
        """JSON tells 1, 1.0 and true apart."""
        fields = self._spec.fields
        self._write(depth, *(f"value{n} = {item}[{field.source!r}]" for n, field in enumerate(fields)))
        keys = [f"value{n} is not None" for n, field in enumerate(fields) if field.name in self._spec.keys]
        self._write(depth, f"if {' and '.join(keys) or 'True'}:", f"    identity = {self._representation()}")
        self._add(depth + 1, item, "identity", "identity")
        self._write(depth, "else: whole = False")

    def _add(self, depth: int, item: str, identity: str, representation: str) -> None:
        """Add an object to those of its entity."""
        self._write(
            depth,
            f"number = index.get({identity})",
            "if number is None:",
            f"    index[{identity}] = len(places)",
            f"    representations.append({representation})",
            f"    places.append([{item}])",
            f"else: places[number].append({item})",
        )

    def _representation(self) -> str:
        typename = repr(self._spec.typename) if self._spec.typename else "typename"
        names = ["value"] if len(self._spec.fields) == 1 else [f"value{n}" for n in range(len(self._spec.fields))]
        items = [f"{field.name!r}: {value}" for field, value in zip(self._spec.fields, names, strict=True)]
        members = ", ".join([f"'__typename': {typename}", *items])
        return f"dumps({{{members}}})"
