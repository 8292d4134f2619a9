"""Prints a federation: as supergraph SDL (join specification v0.5), as the SDL of its subgraphs, as one plain schema."""

from __future__ import annotations

from collections.abc import Iterable

from tests.conformance.differential.model import Federation, Field, Override, Type, named

LEAVES = frozenset({"ID", "String", "Int"})


def supergraph_sdl(federation: Federation) -> str:
    """What a composer would make of the subgraphs."""
    graphs = " ".join(
        f'{name.upper()} @join__graph(name: "{name}", url: "http://{name}/")' for name in federation.graphs
    )
    types = [_joined_type(federation, each) for each in federation.types.values()]
    return "\n".join([f"enum join__Graph {{ {graphs} }}", *types])


def monolith_sdl(federation: Federation) -> str:
    """The schema that clients see."""
    return "\n".join(_plain_type(federation, each) for each in federation.types.values())


def subgraph_sdl(federation: Federation, graph: str) -> str:
    """The SDL of one subgraph with its directives, without `_entities`."""
    return "\n".join(_subgraph_type(each, graph) for each in federation.types.values() if graph in each.graphs)


def entity_types(federation: Federation, graph: str) -> list[str]:
    """The object types of a subgraph that have a key there."""
    found = [each for each in federation.types.values() if each.keys.get(graph)]
    return [each.name for each in found if each.kind == "object" or each.interface_object == graph]


def _arguments(item: Field) -> str:
    return "(a: Int)" if item.has_argument else ""


def _all_arguments(item: Field) -> str:
    given = [*(["a: Int"] if item.has_argument else []), *(f"{each.name}: String" for each in item.contexts)]
    return f"({', '.join(given)})" if given else ""


def _joined_type(federation: Federation, each: Type) -> str:
    joins = []
    for graph in each.graphs:
        extra = ", isInterfaceObject: true" if each.interface_object == graph else ""
        keys = [
            f', key: "{key}"{"" if resolvable else ", resolvable: false"}'
            for key, resolvable in each.keys.get(graph, {}).items()
        ]
        joins += [f"@join__type(graph: {graph.upper()}{key}{extra})" for key in keys or [""]]
    joins += [
        f'@join__implements(graph: {graph.upper()}, interface: "{interface}")'
        for interface, graphs in each.interfaces.items()
        for graph in graphs
    ]
    joins += [f'@context(name: "{context.name}")' for context in federation.contexts if each.name in context.carriers]
    if each.kind == "union":
        joins += [
            f'@join__unionMember(graph: {graph.upper()}, member: "{member}")'
            for graph, members in each.members.items()
            for member in members
        ]
        return f"union {each.name} {' '.join(joins)} = {' | '.join(federation.possible_types(each.name))}"
    fields = [_joined_field(item, each) for item in each.fields.values()]
    fields += [
        f"  {item.name}{_arguments(item)}: {item.type} @join__field{_hidden(item)}"
        for item in _interface_object_fields(federation, each)
    ]
    return "\n".join([f"{_head(each, each.interfaces)} {' '.join(joins)} {{", *fields, "}"])


def _joined_field(item: Field, parent: Type) -> str:
    # Composers do not write that a field of an interface is external.
    external = () if parent.kind == "interface" else item.external
    plain = not (item.requires or item.provides or external or item.override or item.contexts)
    joins = []
    if not plain or {*item.owners, *item.external} != set(parent.graphs):
        joins = [_join(item, graph) for graph in item.owners]
        joins += [f"@join__field(graph: {graph.upper()}, external: true)" for graph in external]
        if item.override is not None:
            joins += _join_of_source(item.override)
    return f"  {item.name}{_arguments(item)}: {item.type} {' '.join(joins)}{_hidden(item)}"


def _join(item: Field, graph: str) -> str:
    parts = [f"graph: {graph.upper()}"]
    if item.requires:
        parts.append(f'requires: "{item.requires}"')
    if graph in item.provides:
        parts.append(f'provides: "{item.provides[graph]}"')
    if item.override is not None:
        parts.append(f'override: "{item.override.source}"')
        if item.override.label is not None:
            parts.append(f'overrideLabel: "{item.override.label}"')
    if item.contexts:
        texts = [
            f'{{context: "{each.name}", name: "{each.name}", type: "String", selection: "{{ {each.selection} }}"}}'
            for each in item.contexts
        ]
        parts.append(f"contextArguments: [{' '.join(texts)}]")
    return f"@join__field({', '.join(parts)})"


def _join_of_source(override: Override) -> list[str]:
    if override.label is None:
        return []
    return [f'@join__field(graph: {override.source.upper()}, overrideLabel: "{override.label}")']


def _hidden(item: Field) -> str:
    return " @inaccessible" if item.hidden else ""


def _interface_object_fields(federation: Federation, each: Type) -> list[Field]:
    """Fields that objects have only through an interface which some subgraph knows by name alone."""
    interfaces = [federation.types[name] for name in each.interfaces]
    return [
        item
        for interface in interfaces
        if interface.interface_object is not None
        for item in interface.fields.values()
        if item.name not in each.fields
    ]


def _plain_type(federation: Federation, each: Type) -> str:
    if each.kind == "union":
        return f"union {each.name} = {' | '.join(federation.possible_types(each.name))}"
    fields = [*each.fields.values(), *_interface_object_fields(federation, each)]
    lines = [f"  {item.name}{_arguments(item)}: {item.type}" for item in fields if not item.hidden]
    return "\n".join([f"{_head(each, each.interfaces)} {{", *lines, "}"])


def _subgraph_type(each: Type, graph: str) -> str:
    if each.kind == "union":
        return f"union {each.name} = {' | '.join(each.members[graph])}"
    fields = [item for item in each.fields.values() if graph in item.declared_in()]
    lines = [f"  {_subgraph_field(item, each, graph)}" for item in fields]
    interfaces = [name for name, graphs in each.interfaces.items() if graph in graphs]
    keys = [
        f'@key(fields: "{key}"{"" if resolvable else ", resolvable: false"})'
        for key, resolvable in each.keys.get(graph, {}).items()
    ]
    head = _head(each, interfaces)
    if each.interface_object == graph:
        head = f"type {each.name} @interfaceObject"
    if not lines:
        return f"{head} {' '.join(keys)} {{ _nothing: Int }}"
    return "\n".join([f"{head} {' '.join(keys)} {{", *lines, "}"])


def _subgraph_field(item: Field, parent: Type, graph: str) -> str:
    parts = [f"{item.name}{_all_arguments(item)}: {item.type}"]
    if graph in item.external:
        parts.append("@external")
    if item.requires and graph in item.owners:
        parts.append(f'@requires(fields: "{item.requires}")')
    if graph in item.provides:
        parts.append(f'@provides(fields: "{item.provides[graph]}")')
    if item.override is not None and graph in item.owners:
        label = f', label: "{item.override.label}"' if item.override.label is not None else ""
        parts.append(f'@override(from: "{item.override.source}"{label})')
    is_object = parent.kind == "object" or parent.interface_object == graph
    if is_object and graph not in item.external and len(list(item.declared_in())) > 1:
        parts.append("@shareable")
    if item.hidden and graph not in item.external:
        parts.append("@inaccessible")
    return " ".join(parts)


def _head(each: Type, interfaces: Iterable[str]) -> str:
    keyword = "interface" if each.kind == "interface" else "type"
    names = " & ".join(interfaces)
    return f"{keyword} {each.name}" + (f" implements {names}" if names else "")


def is_leaf(item: Field) -> bool:
    """Whether a field returns no objects."""
    return named(item.type) in LEAVES
