"""Reads the oracle's plans: what they cost, and what comes of running one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

Node = Mapping[str, Any]
Ask = Callable[[str, str, Mapping[str, Any]], Any]
"""Subgraph, document and variables; gives the `data` of the answer."""


def waits(node: Node | None, before: int = 0) -> list[int]:
    """For each request of a plan how many it has to wait for, one after the other; a batch is one request."""
    match node:
        case None:
            return []
        case {"kind": "Fetch" | "BatchFetch"}:
            return [before]
        case {"kind": "Sequence", "nodes": nodes}:
            found: list[int] = []
            for each in nodes:
                own = waits(each, before)
                found.extend(own)
                before = max(own, default=before - 1) + 1
            return found
        case _:
            return [each for below in _below(node) for each in waits(below, before)]


def documents(node: Node | None) -> list[str]:
    """What the requests of a plan ask."""
    if node is None:
        return []
    own = [str(node["operation"])] if node["kind"] in ("Fetch", "BatchFetch") else []
    return own + [text for below in _below(node) for text in documents(below)]


def _below(node: Node) -> Iterable[Node]:
    match node:
        case {"kind": "Sequence" | "Parallel", "nodes": nodes}:
            return list(nodes)
        case {"kind": "Flatten", "node": below}:
            return [below]
        case {"kind": "Condition"}:
            return [node[clause] for clause in ("ifClause", "elseClause") if node.get(clause)]
        case {"kind": "Fetch" | "BatchFetch"}:
            return []
        case _:
            raise AssertionError(f"unknown plan node {node['kind']}")


class Run:
    """Runs a plan; the response tree of it is in `tree`. `possible` gives the concrete types of a type."""

    def __init__(self, ask: Ask, possible: Callable[[str], Iterable[str]], variables: Mapping[str, Any]) -> None:
        self.tree: dict[str, Any] = {}
        self._ask = ask
        self._possible = possible
        self._variables = variables

    def run(self, node: Node | None, path: Sequence[Any] = ()) -> None:
        """Run a plan or a part of one."""
        match node:
            case None:
                return
            case {"kind": "Flatten"}:
                self.run(node["node"], node["path"])
            case {"kind": "Condition"}:
                self.run(node.get("ifClause" if self._variables[node["condition"]] else "elseClause"), path)
            case {"kind": "Fetch", "requires": [_, *_]}:
                self._run_entities(node, [("_entities", "representations", [path], node)])
            case {"kind": "Fetch"}:
                self._run_root(node, path)
            case {"kind": "BatchFetch"}:
                aliases = node["entityBatch"]["aliases"]
                self._run_entities(
                    node,
                    [(each["alias"], each["representationsVariableName"], each["paths"], each) for each in aliases],
                )
            case _:
                for each in _below(node):
                    self.run(each, path)

    def _run_root(self, fetch: Node, path: Sequence[Any]) -> None:
        data = self._ask(fetch["serviceName"], fetch["operation"], self._used(fetch))
        _rewrite(data, fetch.get("outputRewrites"))
        for target in self._objects(self.tree, path):
            merge(target, data)

    def _run_entities(self, fetch: Node, targets: Sequence[tuple[str, str, Sequence[Any], Node]]) -> None:
        places: dict[str, list[dict[str, Any]]] = {}
        sent: dict[str, Any] = dict(self._used(fetch))
        for alias, variable, paths, how in targets:
            objects = [each for path in paths for each in self._objects(self.tree, path)]
            represented = [(each, self._representation(each, how["requires"])) for each in objects]
            kept = [(each, item) for each, item in represented if item.get("__typename")]
            for _, item in kept:
                _rewrite(item, how.get("inputRewrites"))
            places[alias] = [each for each, _ in kept]
            sent[variable] = [item for _, item in kept]
        if not any(places.values()):
            return
        data = self._ask(fetch["serviceName"], fetch["operation"], sent)
        for alias, _, _, how in targets:
            for place, entity in zip(places[alias], data[alias], strict=True):
                _rewrite(entity, how.get("outputRewrites"))
                merge(place, entity or {})

    def _used(self, fetch: Node) -> dict[str, Any]:
        return {name: self._variables[name] for name in fetch.get("variableUsages") or () if name in self._variables}

    def _objects(self, value: Any, path: Sequence[Any]) -> Iterator[dict[str, Any]]:
        if isinstance(value, list) and (not path or path[0] != "@"):
            return
        match path:
            case []:
                yield from [value] if value is not None else []
            case ["@", *rest]:
                for item in value if isinstance(value, list) else [value]:
                    # One segment stands for lists of lists as well.
                    yield from self._objects(item, path if isinstance(item, list) else rest)
            case [{"TypeCondition": types}, *rest]:
                if value is not None and self._is_one_of(value, types):
                    yield from self._objects(value, rest)
            case [{"Field": name}, *rest] if value is not None and value.get(name) is not None:
                yield from self._objects(value[name], rest)

    def _is_one_of(self, value: Mapping[str, Any], types: Iterable[str]) -> bool:
        name = value.get("__typename")
        return any(name == each or name in [*self._possible(each)] for each in types)

    def _representation(self, value: Mapping[str, Any], selections: Iterable[Node]) -> dict[str, Any]:
        chosen: dict[str, Any] = {}
        for each in selections:
            if each["kind"] == "InlineFragment":
                if self._is_one_of(value, [each["typeCondition"]]):
                    merge(chosen, self._representation(value, each["selections"]))
            elif each["name"] in value:
                found = self._represented(value[each["name"]], each.get("selections") or ())
                merge(chosen, {each.get("alias") or each["name"]: found})
        return chosen

    def _represented(self, value: Any, selections: Sequence[Node]) -> Any:
        if isinstance(value, list):
            return [self._represented(item, selections) for item in value]
        return self._representation(value, selections) if selections and value is not None else value


def merge(target: Any, other: Any) -> None:
    """Add what another object holds. A known value is not replaced by null."""
    for name, value in other.items():
        known = target.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
            _merge_items(known, value)
        elif known is None or value is not None:
            target[name] = value


def _merge_items(known: list[Any], items: list[Any]) -> None:
    for index, item in enumerate(items):
        if isinstance(known[index], dict) and isinstance(item, dict):
            merge(known[index], item)
        elif isinstance(known[index], list) and isinstance(item, list) and len(known[index]) == len(item):
            _merge_items(known[index], item)
        elif known[index] is None:
            known[index] = item


def _rewrite(value: Any, rewrites: Iterable[Node] | None) -> None:
    for each in rewrites or ():
        if "ValueSetter" in each or each.get("kind") == "ValueSetter":
            setter = each.get("ValueSetter", each)
            for target, key in _named(value, setter["path"]):
                target[key] = setter["setValueTo"]
        else:
            renamer = each.get("KeyRenamer", each)
            for target, key in _named(value, renamer["path"]):
                target[renamer["renameKeyTo"]] = target.pop(key)


def _named(value: Any, path: Sequence[Node]) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects, and the key in them, at which a rewrite's path ends."""
    if isinstance(value, list):
        for item in value:
            yield from _named(item, path)
    elif value is None:
        return
    elif "TypenameEquals" in path[0]:
        if value.get("__typename") in path[0]["TypenameEquals"]:
            yield from _named(value, path[1:])
    elif len(path) == 1:
        yield from [(value, path[0]["Key"])] if path[0]["Key"] in value else []
    else:
        yield from _named(value.get(path[0]["Key"]), path[1:])
