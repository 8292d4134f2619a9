"""Random contexts for a federation: fields that take arguments from whatever stands above them."""

from __future__ import annotations

from random import Random

from tests.conformance.differential.model import Context, Federation, Field, Type, named

_TEXTS = ("String", "String!")


def add_contexts(federation: Federation, seed: int) -> None:
    """Let some types set contexts and some fields read them. The query sets all of them, so that each field has one above."""
    rnd = Random(seed)
    query = federation.types["Query"]
    for name in ("label", "text"):
        owners = rnd.sample(query.graphs, rnd.randint(1, min(2, len(query.graphs))))
        query.fields[name] = Field(name, "String", owners)
    federation.contexts = [_labels(federation, rnd), _by_type(federation, rnd, 0), _by_type(federation, rnd, 1)]
    for entity in (federation.types[name] for name in federation.entities):
        homes = [graph for graph in entity.graphs if any(entity.keys[graph].values())]
        for number in range(rnd.randint(1, 2)):
            _add_reader(federation, entity, f"k{number}", rnd.choice(homes), rnd)
    if "I1" in federation.types:
        _add_reader(federation, federation.types["I1"], "iok", "io", rnd)


def _add_reader(federation: Federation, parent: Type, name: str, graph: str, rnd: Random) -> None:
    read = rnd.sample(federation.contexts, rnd.choice([1, 1, 2]))
    parent.fields[name] = Field(name, "String", [graph], has_argument=rnd.random() < 0.3, contexts=tuple(read))


def _labels(federation: Federation, rnd: Random) -> Context:
    """What is read has one name on all objects, wherever they are."""
    known = [each.name for each in federation.types.values() if "label" in each.fields and each.name != "Query"]
    chosen = [name for name in known if rnd.random() < 0.6]
    return Context("labels", ("Query", *chosen), "label")


def _by_type(federation: Federation, rnd: Random, number: int) -> Context:
    """What is read depends on the type; objects of some types set no context."""
    names = [*federation.entities, *(name for name in ("I0", "U0", "I1") if name in federation.types)]
    chosen = [name for name in names if rnd.random() < 0.5]
    concrete = sorted({each for name in chosen for each in federation.possible_types(name)})
    texts = [("Query", "text"), *((name, _read(federation, federation.types[name], rnd)) for name in concrete)]
    selection = " ".join(f"... on {name} {{ {text} }}" for name, text in texts)
    return Context(f"types{number}", ("Query", *chosen), selection)


def _read(federation: Federation, parent: Type, rnd: Random) -> str:
    """One text of an object, or of an object next to it."""
    found = [_texts(parent)] if _texts(parent) else []
    for item in parent.fields.values():
        target = federation.types.get(named(item.type))
        if target is not None and target.kind == "object" and "[" not in item.type and _texts(target):
            found.append([f"{item.name} {{ {rnd.choice(_texts(target))} }}"])
    return rnd.choice(rnd.choice(found)) if found else "__typename"


def _texts(parent: Type) -> list[str]:
    return [each.name for each in parent.fields.values() if each.type in _TEXTS and not each.contexts]
