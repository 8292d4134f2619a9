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


_UNCLEAN = (_FaultError, AttributeError, KeyError, TypeError)
"""What the generated function raises for a tree that is not as it expects."""


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


def compile_collection(target: EntityTarget, shared: frozenset[Path], *, again: bool = True) -> Collection:
    """Generate the functions for `target`, if its representations are plain enough; with `again` the second one too."""
    spec = plain(target.representations)
    if spec is None:
        return Collection(target)
    look = _Generator(spec, frozenset()).generate(((Items(),),)) if again else None
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

    def __init__(self, spec: Representation, shared: frozenset[Path], *, careful: bool = False) -> None:
        self._spec = spec
        self._read = "{0}.get({1!r})" if careful else "{0}[{1!r}]"
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
        # Below an object that stands at several places everything is met several times.
        again = any(path[:end] in self._shared for end in range(1, len(path)))
        self._write(1, "known = {}")
        depth, here, at = 1, "tree", ""
        for position, segment in enumerate(path, start=1):
            below = self._variable()
            match segment:
                case str():
                    self._write(depth, f"{below} = {self._read.format(here, segment)}", f"if {below} is not None:")
                    here, at = below, f"{here}[{segment!r}]"
                case Items():
                    # The number matters only where the item itself may be replaced.
                    last = shared and all(isinstance(later, OnTypes) for later in path[position:])
                    items = f"number_{below}, {below} in enumerate({here})" if last else f"{below} in {here}"
                    self._write(depth, f"for {items}:", f"    if {below} is not None:")
                    here, at = below, f"{here}[number_{below}]"
                    depth += 1
                case OnTypes(names):
                    self._namespace[f"types_{below}"] = names
                    self._write(depth, f"if {here}.get('__typename') in types_{below}:")
            depth += 1
        if len(self._spec.fields) > 1:
            self._take_by_representation(depth, here, at, shared=shared)
        elif shared:
            self._take_shared(depth, here, at)
        else:
            self._write(depth, f"value = {here}[{self._spec.fields[0].source!r}]")
            self._take_by_key(depth, here, again=again)

    def _is_of_type(self, depth: int, item: str) -> int:
        """Go on for objects of the target's types only."""
        one = len(self._spec.on_types) == 1
        self._write(depth, f"typename = {item}['__typename']")
        self._write(depth, f"if typename == {min(self._spec.on_types)!r}:" if one else "if typename in types:")
        return depth + 1

    def _take_shared(self, depth: int, item: str, at: str) -> None:
        """Most objects have been met before and are nothing but their key: what is asked of them first is just that."""
        self._write(
            depth,
            f"value = {item}[{self._spec.fields[0].source!r}]",
            # No text equals a number, and `known` has texts only: Python takes `True` for 1.
            "twin = known.get(value)",
            f"if twin is not {item}:",
            f"    if twin is not None and {item} == twin: {at} = twin",
            "    else:",
        )
        self._take_by_key(depth + 2, item, again=True, remember=f"known[value] = {item}")

    def _take_by_key(self, depth: int, item: str, *, again: bool, remember: str = "") -> None:
        """One leaf tells objects of a type apart, if it is a text or a whole number."""
        (field,) = self._spec.fields
        identity = "value" if len(self._spec.on_types) == 1 or self._spec.typename else "(typename, value)"
        inner = self._is_of_type(depth, item)
        self._write(inner, "if value.__class__ is str or value.__class__ is int:")
        if remember:
            own = len({field.source, "__typename"})
            self._write(inner + 1, f"if twin is None and value.__class__ is str and len({item}) == {own}: {remember}")
        self._add(inner + 1, item, identity, self._representation(), again=again)
        if field.name in self._spec.keys:
            self._write(inner, "elif value is None: whole = False")
        self._write(inner, "else: raise Fault")
        self._write(depth, "else: whole = False")

    def _take_by_representation(self, depth: int, item: str, at: str, *, shared: bool) -> None:
        """JSON tells 1, 1.0 and true apart. Whoever stands there already as one object is not looked at again."""
        fields = self._spec.fields
        self._write(depth, f"if id({item}) not in ids:")
        outer = depth + 1
        inner = self._is_of_type(outer, item)
        self._write(inner, *(f"value{n} = {item}[{field.source!r}]" for n, field in enumerate(fields)))
        keys = [f"value{n} is not None" for n, field in enumerate(fields) if field.name in self._spec.keys]
        self._write(inner, f"if {' and '.join(keys) or 'True'}:", f"    identity = {self._representation()}")
        if shared:
            own = len({field.source for field in fields} | {"__typename"})
            self._write(
                inner + 1,
                "twin = known.get(identity)",
                f"if twin is None: known[identity] = {item}",
                f"elif len({item}) == {own} and {item} == twin: {at} = {item} = twin",
            )
        self._add(inner + 1, item, "identity", "identity", again=shared, remember=True)
        self._write(inner, "else: whole = False")
        self._write(outer, "else: whole = False")

    def _add(
        self, depth: int, item: str, identity: str, representation: str, *, again: bool, remember: bool = False
    ) -> None:
        """Add an object to those of its entity; with `again` it may have been added before."""
        self._write(depth, f"if id({item}) not in ids:" if again else "if True:")
        if again or remember:
            self._write(depth + 1, f"ids.add(id({item}))")
        self._write(
            depth + 1,
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
