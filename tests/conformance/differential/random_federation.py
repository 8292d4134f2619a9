"""Random federations in which every field can be reached from everywhere, by construction."""

from __future__ import annotations

from random import Random

from tests.conformance.differential.model import Federation, Field, Override, Type, named
from tests.conformance.differential.printing import is_leaf

KEYS = ("id", "id", "code", "id code", "tag { name }", "code tag { name size }", "owner { id }")


def random_federation(seed: int) -> Federation:
    """The federation of a seed: two to four subgraphs, two to four entity types, and a handful of each rule."""
    return _Builder(Random(seed)).build()


class _Builder:
    def __init__(self, rnd: Random) -> None:
        self._rnd = rnd
        graphs = [f"s{number}" for number in range(rnd.randint(2, 4))]
        entities = [f"T{number}" for number in range(rnd.randint(2, 4))]
        self._federation = Federation(graphs, entities, {})
        self._types = self._federation.types
        self._query = self._add_type(Type("Query", graphs=list(graphs)))

    def build(self) -> Federation:
        for name in self._federation.entities:
            self._add_type(Type(name))
        tag = self._add_type(Type("Tag"))
        for name in ("name", "size"):
            self._add_field(tag, Field(name, "String!", []))
        for name in self._federation.entities:
            self._place(self._types[name])
        for name in self._federation.entities:
            self._add_scalars(self._types[name])
            self._add_value(self._types[name])
        self._add_interface()
        self._add_union()
        for name in self._federation.entities:
            self._add_references(self._types[name])
        self._add_interface_object()
        for turn in range(3):
            for name in self._federation.entities:
                self._add_computed(self._types[name], turn)
        self._add_provides()
        self._add_overrides()
        self._hide_fields()
        self._add_roots()
        self._drop_unused()
        return self._federation

    def _add_type(self, added: Type) -> Type:
        self._types[added.name] = added
        return added

    def _add_field(self, parent: Type, added: Field) -> Field:
        parent.fields[added.name] = added
        return added

    def _chance(self, probability: float) -> bool:
        return self._rnd.random() < probability

    def _homes(self, entity: Type) -> list[str]:
        """The subgraphs that can be asked for the entity."""
        return [graph for graph in entity.graphs if any(entity.keys[graph].values())]

    def _place(self, entity: Type) -> None:
        """Put an entity into subgraphs that hang together by keys, each reachable from each."""
        homes = self._rnd.sample(self._federation.graphs, self._rnd.randint(1, len(self._federation.graphs)))
        self._add_key(entity, homes[0], "id")
        for position, graph in enumerate(homes[1:], 1):
            key = self._rnd.choice(KEYS)
            self._add_key(entity, graph, key)
            self._add_key(entity, self._rnd.choice(homes[:position]), key)

    def _enter(self, entity: Type, graph: str) -> None:
        """Let a subgraph speak of an entity, if it does not yet: by a key that only others can be asked for."""
        if graph not in entity.graphs:
            entity.graphs.append(graph)
            entity.keys[graph] = {"id": False}
            self._own(entity, "id", "ID!", graph)

    def _add_key(self, entity: Type, graph: str, key: str) -> None:
        if key == "owner { id }" and entity.name == "T0":
            key = "code"
        if graph not in entity.graphs:
            entity.graphs.append(graph)
        entity.keys.setdefault(graph, {})[key] = True
        if "owner" in key:
            self._own(entity, "owner", "T0!", graph).targets = ("T0",)
            self._enter(self._types["T0"], graph)
            self._own(self._types["T0"], "id", "ID!", graph)
            return
        if "tag" in key:
            self._own(entity, "tag", "Tag!", graph).targets = ("Tag",)
            self._enter_tag(graph)
        for name in key.split(" tag")[0].split():
            if name in ("id", "code"):
                self._own(entity, name, "ID!", graph)

    def _enter_tag(self, graph: str) -> None:
        tag = self._types["Tag"]
        if graph not in tag.graphs:
            tag.graphs.append(graph)
            for item in tag.fields.values():
                item.owners.append(graph)

    def _own(self, parent: Type, name: str, field_type: str, graph: str) -> Field:
        item = parent.fields.get(name) or self._add_field(parent, Field(name, field_type, []))
        if graph not in item.owners:
            item.owners.append(graph)
        if graph in item.external:
            item.external.remove(graph)
        return item

    def _owners(self, entity: Type) -> list[str]:
        homes = self._homes(entity)
        return self._rnd.sample(homes, 1 if self._chance(0.7) else min(2, len(homes)))

    def _add_scalars(self, entity: Type) -> None:
        for number in range(self._rnd.randint(2, 4)):
            field_type = self._rnd.choice(["String", "String", "String!", "[String]"])
            added = Field(f"f{number}", field_type, self._owners(entity), has_argument=self._chance(0.3))
            self._add_field(entity, added)

    def _add_value(self, entity: Type) -> None:
        """An object without a key, of which each subgraph may know other fields."""
        homes = self._homes(entity)
        if len(homes) < 2 or self._chance(0.4):
            return
        owners = self._rnd.sample(homes, 2)
        value = self._add_type(Type(f"V{entity.name[1:]}", graphs=list(owners)))
        for number in range(3):
            chosen = owners if number == 0 or self._chance(0.3) else [self._rnd.choice(owners)]
            self._add_field(value, Field(f"w{number}", "String", list(chosen)))
        field_type = self._rnd.choice([value.name, f"{value.name}!", f"[{value.name}!]"])
        self._add_field(entity, Field("val", field_type, list(owners), targets=(value.name,)))

    def _add_interface(self) -> None:
        names = [name for name in self._federation.entities if self._chance(0.7)]
        if len(names) < 2:
            return
        interface = self._add_type(Type("I0", "interface"))
        for name in names:
            entity = self._types[name]
            if self._chance(0.8):
                self._add_field(entity, Field("label", "String", self._owners(entity)))
        shared = all("label" in self._types[name].fields for name in names)
        for graph in self._federation.graphs:
            members = [name for name in names if graph in self._types[name].graphs]
            if not members or self._chance(0.2):
                continue
            interface.graphs.append(graph)
            self._own(interface, "id", "ID!", graph)
            for name in members:
                self._own(self._types[name], "id", "ID!", graph)
                self._types[name].interfaces.setdefault("I0", []).append(graph)
            if shared and all(graph in self._types[name].fields["label"].owners for name in members):
                self._own(interface, "label", "String", graph)
        if not interface.graphs:
            del self._types["I0"]

    def _add_union(self) -> None:
        union = Type("U0", "union")
        for graph in self._federation.graphs:
            here = [name for name in self._federation.entities if graph in self._types[name].graphs]
            members = [name for name in here if self._chance(0.7)]
            if members:
                union.graphs.append(graph)
                union.members[graph] = members
        if union.graphs:
            self._add_type(union)

    def _targets(self, target: str, owners: list[str]) -> tuple[str, ...]:
        """The concrete types that all of several subgraphs can return for a type."""
        found = self._types[target]
        if found.kind == "object":
            return (target,)
        known = []
        for graph in owners:
            if found.kind == "union":
                known.append(set(found.members.get(graph, ())))
            else:
                known.append({each.name for each in self._types.values() if graph in each.interfaces.get(target, ())})
        return tuple(sorted(set.intersection(*known)))

    def _pick_target(self, owners: list[str]) -> tuple[str, tuple[str, ...]]:
        abstract: list[str] = [name for name in ("I0", "U0") if name in self._types]
        if abstract and self._chance(0.5):
            target = self._rnd.choice(abstract)
            targets = self._targets(target, owners)
            if targets and all(graph in self._types[target].graphs for graph in owners):
                return target, targets
        target = self._rnd.choice(["Tag", *self._federation.entities])
        for graph in owners:
            if target == "Tag":
                self._enter_tag(graph)
            else:
                self._enter(self._types[target], graph)
        return target, (target,)

    def _wrapped(self, name: str) -> str:
        return self._rnd.choice([name, f"{name}!", f"[{name}!]", f"[{name}]!", f"[[{name}]]"])

    def _add_references(self, entity: Type) -> None:
        for number in range(self._rnd.randint(1, 3)):
            owners = self._owners(entity)
            target, targets = self._pick_target(owners)
            added = Field(f"r{number}", self._wrapped(target), owners, targets=targets, has_argument=self._chance(0.15))
            self._add_field(entity, added)

    def _add_interface_object(self) -> None:
        """A subgraph of its own that knows the entities of another only by the name of an interface."""
        home = self._rnd.choice(self._federation.graphs)
        names = [name for name in self._federation.entities if self._types[name].keys.get(home, {}).get("id")]
        if not names or self._chance(0.5):
            return
        self._federation.graphs.append("io")
        self._query.graphs.append("io")
        interface = Type("I1", "interface", graphs=[home, "io"], interface_object="io")
        interface.keys = {home: {"id": True}, "io": {"id": True}}
        for name in names:
            self._types[name].interfaces["I1"] = [home]
        self._add_type(interface)
        for graph in (home, "io"):
            self._own(interface, "id", "ID!", graph)
        if all("label" in self._types[name].fields for name in names):
            owned = all(home in self._types[name].fields["label"].owners for name in names)
            if owned:
                self._own(interface, "label", "String", home)
        self._add_field(interface, Field("io0", "String", ["io"], has_argument=self._chance(0.3)))
        if self._chance(0.5):
            self._add_field(interface, Field("io1", self._wrapped("I1"), ["io"], targets=tuple(names)))
        others = [name for name in self._federation.entities if name not in names]
        if others and self._chance(0.5):
            target = self._rnd.choice(others)
            self._enter(self._types[target], "io")
            self._add_field(interface, Field("io2", self._wrapped(target), ["io"], targets=(target,)))
        if "label" in interface.fields and self._chance(0.5):
            interface.fields["label"].external.append("io")
            self._add_field(interface, Field("io3", "String", ["io"], requires="label"))

    def _add_computed(self, entity: Type, turn: int) -> None:
        homes = self._homes(entity)
        if len(homes) < 2 or self._chance(0.5):
            return
        graph = self._rnd.choice(homes)
        chosen = [item for item in entity.fields.values() if graph not in item.owners and self._chance(0.5)]
        parts = [text for item in chosen[:3] if (text := self._required(item, graph))]
        if parts:
            self._add_field(entity, Field(f"c{turn}", "String", [graph], requires=" ".join(parts)))

    def _required(self, item: Field, graph: str) -> str:
        """A field as the text of a requirement, named as external in the subgraph that requires it."""
        if is_leaf(item):
            text = item.name + (f"(a: {self._rnd.randint(1, 3)})" if item.has_argument and self._chance(0.7) else "")
        else:
            below = self._required_below(item, graph)
            if not below:
                return ""
            text = f"{item.name} {{ {below} }}"
        if graph not in item.external:
            item.external.append(graph)
        return text

    def _required_below(self, item: Field, graph: str) -> str:
        target = self._types[named(item.type)]
        if graph not in target.graphs or target.kind != "object":
            return ""
        leaves = [each for each in target.fields.values() if is_leaf(each) and not each.requires]
        if target.name.startswith("V"):
            leaves = [each for each in leaves if graph in each.owners]
        chosen = self._rnd.sample(leaves, min(len(leaves), self._rnd.randint(1, 2)))
        for each in chosen:
            if graph not in (*each.owners, *each.external):
                each.external.append(graph)
        return " ".join(each.name for each in chosen)

    def _add_provides(self) -> None:
        for name in self._federation.entities:
            for item in list(self._types[name].fields.values()):
                if not is_leaf(item) and not item.requires and self._chance(0.5):
                    graph = self._rnd.choice(item.owners)
                    text = self._provided(named(item.type), graph, 2)
                    if text:
                        item.provides[graph] = text

    def _provided(self, target: str, graph: str, depth: int) -> str:
        """Something that a subgraph does not own of the objects behind one of its fields, but has at hand there."""
        found = self._types[target]
        if found.kind != "object":
            names = [name for name in self._targets(target, [graph]) if self._chance(0.7)]
            texts = [(name, self._provided(name, graph, depth)) for name in names]
            return " ".join(f"... on {name} {{ {text} }}" for name, text in texts if text)
        parts = []
        for item in found.fields.values():
            if graph in item.owners or item.requires or item.has_argument or item.hidden or not self._chance(0.4):
                continue
            if is_leaf(item):
                parts.append(item.name)
            elif depth and found.name in self._federation.entities:
                below = self._provided_below(item, graph, depth)
                if not below:
                    continue
                parts.append(f"{item.name} {{ {below} }}")
            else:
                continue
            if graph not in item.external:
                item.external.append(graph)
        return " ".join(parts)

    def _provided_below(self, item: Field, graph: str, depth: int) -> str:
        target = self._types[named(item.type)]
        if target.kind != "object" or graph not in target.graphs or target.name.startswith("V"):
            return ""
        known = [name for name in ("id", "name") if name in target.fields and graph in target.fields[name].owners]
        return self._provided(target.name, graph, depth - 1) or "".join(known[:1])

    def _add_overrides(self) -> None:
        for name in self._federation.entities:
            entity = self._types[name]
            for item in entity.fields.values():
                free = [graph for graph in self._homes(entity) if graph not in (*item.owners, *item.external)]
                if not free or not item.name.startswith("f") or len(item.owners) != 1 or self._chance(0.6):
                    continue
                label = f"label{len(self._federation.labels)}" if self._chance(0.5) else None
                if label is not None:
                    self._federation.labels.append(label)
                item.override = Override(item.owners[0], label)
                item.owners = [self._rnd.choice(free)]

    def _hide_fields(self) -> None:
        for name in self._federation.entities:
            for item in self._types[name].fields.values():
                item.hidden = item.name[0] in "fc" and self._chance(0.08)

    def _add_roots(self) -> None:
        number = 0
        for target in [*self._federation.entities, "I0", "U0", "I1"]:
            if target not in self._types:
                continue
            found = self._types[target]
            entity_graphs = found.graphs if found.kind != "object" else [g for g in found.graphs if g != "io"]
            for _ in range(self._rnd.randint(1, 2)):
                owners = self._rnd.sample(entity_graphs, min(len(entity_graphs), 1 if self._chance(0.7) else 2))
                targets = self._root_targets(target, owners)
                if targets:
                    added = Field(f"q{number}", self._wrapped(target), owners, targets=targets)
                    self._add_field(self._query, added)
                    number += 1

    def _root_targets(self, target: str, owners: list[str]) -> tuple[str, ...]:
        if target == "I1":
            return tuple(each.name for each in self._types.values() if "I1" in each.interfaces)
        return self._targets(target, owners)

    def _drop_unused(self) -> None:
        if not self._types["Tag"].graphs:
            del self._types["Tag"]
