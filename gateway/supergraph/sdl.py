"""Supergraph SDL (join specification v0.1 to v0.5) as a typed model.

The model says what the file says: which subgraph has which type, key, field, member. What follows from it for routing is
worked out in `federation_graph`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLSchema,
    GraphQLUnionType,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    Node,
    ObjectTypeDefinitionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    build_ast_schema,
    parse,
    parse_type,
    value_from_ast_untyped,
)

from gateway.errors import SupergraphError
from gateway.supergraph.context_arguments import ContextArgument, read_context_arguments, read_contexts
from gateway.supergraph.costs import Costs, read_costs
from gateway.supergraph.field_set import FieldSet, parse_field_set
from gateway.supergraph.links import MACHINERY, with_plain_names


@dataclass(frozen=True, slots=True)
class SubgraphInfo:
    """A subgraph by the `name` and `url` of its `@join__graph`."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """One `@key` of a type in one subgraph; only by a `resolvable` one can the subgraph be asked for the entity."""

    fields: FieldSet
    resolvable: bool = True


@dataclass(frozen=True, slots=True)
class TypeJoin:
    """What one subgraph says about a type. `is_extension` marks types that Federation 1 subgraphs `extend`."""

    keys: tuple[KeyInfo, ...] = ()
    is_interface_object: bool = False
    is_extension: bool = False


@dataclass(frozen=True, slots=True)
class FieldJoin:
    """What one subgraph says about a field. `type` is set only where it differs from the supergraph's."""

    type: TypeNode | None = None
    requires: FieldSet = ()
    provides: FieldSet = ()
    external: bool = False
    override: str | None = None
    override_label: str | None = None
    used_overridden: bool = False
    contexts: tuple[ContextArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of an object or interface. `joins` by subgraph name; None: every subgraph that has the parent has it."""

    name: str
    type: TypeNode
    joins: Mapping[str, FieldJoin] | None = None


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """An object, interface or union. `members` are, by subgraph, the union's members or the interface's object types."""

    name: str
    joins: Mapping[str, TypeJoin]
    fields: Mapping[str, FieldInfo] = field(default_factory=dict)
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Supergraph:
    """A parsed supergraph. `schema` is the full schema with all that is @inaccessible and all join definitions.

    `contexts` are by name the types that set a context: objects, interfaces, unions.
    """

    subgraphs: Mapping[str, SubgraphInfo]
    types: Mapping[str, TypeInfo]
    schema: GraphQLSchema
    document: DocumentNode
    costs: Costs = Costs()
    contexts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def possible_types(self, name: str) -> frozenset[str]:
        """The names of the concrete object types of an interface or union; an object type is its own."""
        return possible_types(self.schema, name)

    def carriers(self, context: str) -> frozenset[str]:
        """The names of the concrete object types whose objects set a context.

        Never the root of mutations: what is read of it would be done.
        """
        mutation = self.schema.mutation_type
        known = (self.possible_types(name) for name in self.contexts.get(context, ()))
        return frozenset().union(*known) - {mutation.name if mutation else ""}


_Arguments = Mapping[str, object]
_Definition = ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode | UnionTypeDefinitionNode


def parse_supergraph(text: str) -> Supergraph:
    """Parse supergraph SDL. Raises SupergraphError that names the type and the field at fault."""
    try:
        document = with_plain_names(parse(text, no_location=True), text)
        schema = build_ast_schema(document, assume_valid=True, assume_valid_sdl=True)
    except (GraphQLError, TypeError, KeyError) as error:
        raise SupergraphError(f"The supergraph is not valid SDL: {error}") from error
    reader = _Reader(document)
    types, costs, contexts = reader.read_types(), read_costs(document), read_contexts(document)
    return Supergraph(reader.subgraphs, types, schema, document, costs, contexts)


class _Reader:
    def __init__(self, document: DocumentNode) -> None:
        self._definitions: dict[str, TypeDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, TypeDefinitionNode)
        }
        self._names = dict(self._read_graphs())
        self.subgraphs = {info.name: info for info in self._names.values()}

    def read_types(self) -> dict[str, TypeInfo]:
        types: dict[str, TypeInfo] = {}
        for name, node in self._definitions.items():
            if isinstance(node, _Definition) and not name.startswith(MACHINERY):
                types[name] = self._read_type(node)
        return types

    def _read_graphs(self) -> list[tuple[str, SubgraphInfo]]:
        node = self._definitions.get("join__Graph")
        if not isinstance(node, EnumTypeDefinitionNode):
            raise SupergraphError("The file has no enum join__Graph: it is no supergraph.")
        graphs: list[tuple[str, SubgraphInfo]] = []
        for value in node.values or ():
            for arguments in _directives(value.directives, "join__graph"):
                info = SubgraphInfo(str(arguments["name"]), str(arguments.get("url", "")))
                graphs.append((value.name.value, info))
        return graphs

    def _read_type(self, node: _Definition) -> TypeInfo:
        name = node.name.value
        joins = self._read_type_joins(node)
        if isinstance(node, UnionTypeDefinitionNode):
            return TypeInfo(name, joins, members=self._read_union_members(node, joins))
        owner = self._owner(node)
        read = [self._read_field(name, item, owner) for item in node.fields or ()]
        fields = {item.name: item for item in _with_required_as_external(read, joins)}
        members = self._read_implementations(name, joins) if isinstance(node, InterfaceTypeDefinitionNode) else {}
        return TypeInfo(name, joins, fields, members)

    def _read_type_joins(self, node: _Definition) -> dict[str, TypeJoin]:
        """By subgraph. A type without any @join__type is a value type of join v0.1: every subgraph has it."""
        owner = self._owner(node)
        found: dict[str, TypeJoin] = {}
        for arguments in _directives(node.directives, "join__type"):
            graph = self._graph(arguments, node.name.value)
            known = found.get(graph, TypeJoin())
            keys = known.keys
            if arguments.get("key"):
                fields = self._field_set(arguments["key"], f"{node.name.value} (@key in {graph})")
                keys = (*keys, KeyInfo(fields, arguments.get("resolvable") is not False))
            is_interface_object = known.is_interface_object or arguments.get("isInterfaceObject") is True
            is_foreign = owner is not None and graph != owner
            is_extension = known.is_extension or is_foreign or arguments.get("extension") is True
            found[graph] = TypeJoin(keys, is_interface_object, is_extension)
        return found or {name: TypeJoin() for name in sorted(self.subgraphs)}

    def _owner(self, node: _Definition) -> str | None:
        """The subgraph that join v0.1 calls the owner of an entity: all others extend it, as in Federation 1."""
        arguments = next(iter(_directives(node.directives, "join__owner")), None)
        return self._graph(arguments, node.name.value) if arguments is not None else None

    def _read_field(self, parent: str, node: FieldDefinitionNode, owner: str | None) -> FieldInfo:
        where = f"{parent}.{node.name.value}"
        directives = list(_directives(node.directives, "join__field"))
        if not directives:
            return FieldInfo(node.name.value, node.type, None if owner is None else {owner: FieldJoin()})
        # A @join__field without a graph belongs to no subgraph: an @interfaceObject elsewhere resolves the field.
        joins = {self._graph(item, where): self._field_join(item, where) for item in directives if item.get("graph")}
        return FieldInfo(node.name.value, node.type, joins)

    def _field_join(self, arguments: _Arguments, where: str) -> FieldJoin:
        type_text = arguments.get("type")
        return FieldJoin(
            type=parse_type(str(type_text), no_location=True) if type_text else None,
            requires=self._field_set(arguments.get("requires"), f"{where} (@requires)"),
            provides=self._field_set(arguments.get("provides"), f"{where} (@provides)"),
            external=arguments.get("external") is True,
            override=_text(arguments.get("override")),
            override_label=_text(arguments.get("overrideLabel")),
            used_overridden=arguments.get("usedOverridden") is True,
            contexts=read_context_arguments(arguments.get("contextArguments"), where),
        )

    def _read_union_members(
        self, node: UnionTypeDefinitionNode, joins: Mapping[str, TypeJoin]
    ) -> dict[str, frozenset[str]]:
        directives = list(_directives(node.directives, "join__unionMember"))
        if not directives:
            everywhere = frozenset(member.name.value for member in node.types or ())
            return dict.fromkeys(joins, everywhere)
        members: dict[str, set[str]] = {graph: set() for graph in joins}
        for arguments in directives:
            members.setdefault(self._graph(arguments, node.name.value), set()).add(str(arguments["member"]))
        return {graph: frozenset(names) for graph, names in members.items()}

    def _read_implementations(self, interface: str, joins: Mapping[str, TypeJoin]) -> dict[str, frozenset[str]]:
        members: dict[str, set[str]] = {graph: set() for graph in joins}
        for node in self._definitions.values():
            if not isinstance(node, ObjectTypeDefinitionNode):
                continue
            if not any(item.name.value == interface for item in node.interfaces or ()):
                continue
            directives = list(_directives(node.directives, "join__implements"))
            graphs = {self._graph(item, node.name.value) for item in directives if item["interface"] == interface}
            for graph in graphs if directives else joins:
                members.setdefault(graph, set()).add(node.name.value)
        return {graph: frozenset(names) for graph, names in members.items()}

    def _graph(self, arguments: _Arguments, where: str) -> str:
        graph = str(arguments.get("graph"))
        if graph not in self._names:
            raise SupergraphError(f"{where} names the graph {graph}, which join__Graph does not have.")
        return self._names[graph].name

    def _field_set(self, text: object, where: str) -> FieldSet:
        if not text:
            return ()
        try:
            return parse_field_set(str(text))
        except ValueError as error:
            raise SupergraphError(f'{where}: "{text}" is no field set: {error}') from error


def _with_required_as_external(fields: Iterable[FieldInfo], joins: Mapping[str, TypeJoin]) -> Iterator[FieldInfo]:
    """What a subgraph requires is external there, though composers do not say so of the fields of an interface."""
    fields = list(fields)
    required = {
        (graph, item.name)
        for info in fields
        for graph, join in (info.joins or {}).items()
        for item in join.requires
        if item.on is None
    }
    for info in fields:
        if info.joins is None and any((graph, info.name) in required for graph in joins):
            yield replace(info, joins={graph: FieldJoin(external=(graph, info.name) in required) for graph in joins})
        else:
            yield info


def possible_types(schema: GraphQLSchema, name: str) -> frozenset[str]:
    """The names of the concrete object types of a type.

    An interface that nothing implements stands for itself: its objects come from subgraphs that know it as an
    @interfaceObject.
    """
    named = schema.type_map[name]
    if isinstance(named, GraphQLInterfaceType | GraphQLUnionType):
        return frozenset(possible.name for possible in schema.get_possible_types(named)) or frozenset((name,))
    return frozenset((name,))


def is_inaccessible(node: Node | None) -> bool:
    """Whether a definition carries @inaccessible."""
    return any(directive.name.value == "inaccessible" for directive in getattr(node, "directives", None) or ())


def named_type(node: TypeNode) -> str:
    """The name inside list and non-null wrappers."""
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]
    return node.name.value


def _directives(nodes: tuple[ConstDirectiveNode, ...] | None, name: str) -> list[_Arguments]:
    return [
        {argument.name.value: value_from_ast_untyped(argument.value) for argument in node.arguments or ()}
        for node in nodes or ()
        if node.name.value == name
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value)
