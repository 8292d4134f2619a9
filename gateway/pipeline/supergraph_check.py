"""Can this supergraph be served? Asked before it is, so that a bad file is one clear sentence and not a failing request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    parse,
    parse_type,
    specified_scalar_types,
    validate_schema,
    value_from_ast_untyped,
)

from gateway.errors import SupergraphError
from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.field_set import FieldSet
from gateway.supergraph.sdl import Supergraph, named_type, parse_supergraph

_LINK = re.compile(r"https://specs\.apollo\.dev/(?P<name>[A-Za-z]+)/v(?P<major>\d+)\.(?P<minor>\d+)/?")
_KNOWN = frozenset(
    (
        "link",
        "core",
        "join",
        "tag",
        "inaccessible",
        "authenticated",
        "requiresScopes",
        "policy",
        "context",
        "cost",
        "listSize",
    )
)
_NEWEST_JOIN = (0, 5)


def read_supergraph_model(text: str) -> Supergraph:
    """The supergraph, parsed and checked. Raises SupergraphError that names the type and the field at fault."""
    try:
        supergraph = parse_supergraph(text)
    except (SupergraphError, KeyError) as error:
        _explain(text)
        message = (
            error.message if isinstance(error, SupergraphError) else f"A directive of it lacks the argument {error}."
        )
        raise SupergraphError(message.partition("\n")[0]) from error
    _check_features(supergraph.document)
    # Types are looked up late: what refers to nowhere may still be a model.
    _check_references(supergraph.document)
    for name, info in supergraph.types.items():
        for graph, join in info.joins.items():
            for key in join.keys:
                _check_field_set(supergraph, name, key.fields, f"{name} (@key in {graph})")
        for field in info.fields.values():
            for graph, field_join in (field.joins or {}).items():
                where = f"{name}.{field.name}"
                _check_field_set(supergraph, name, field_join.requires, f"{where} (@requires in {graph})")
                provided = named_type(field_join.type or field.type)
                _check_field_set(supergraph, provided, field_join.provides, f"{where} (@provides in {graph})")
                for argument in field_join.contexts:
                    _check_context(supergraph, argument, f"{where}({argument.name}:) (@fromContext in {graph})")
                    if argument.name in _arguments(supergraph, name, field.name):
                        raise SupergraphError(
                            f"{where}({argument.name}:) comes from a context and from clients as well."
                        )
    return supergraph


def check_api_schema(schema: GraphQLSchema) -> None:
    """Raises SupergraphError where no document could be validated against the schema."""
    errors = validate_schema(schema)
    if errors:
        raise SupergraphError(f"What clients see is no valid schema: {errors[0].message}")


def _arguments(supergraph: Supergraph, type_name: str, field_name: str) -> Iterable[str]:
    named = supergraph.schema.type_map[type_name]
    return named.fields[field_name].args if isinstance(named, GraphQLObjectType | GraphQLInterfaceType) else ()


def _check_context(supergraph: Supergraph, argument: ContextArgument, where: str) -> None:
    carriers = supergraph.carriers(argument.context)
    if not carriers:
        raise SupergraphError(f"{where} reads the context {argument.context}, which no type sets.")
    try:
        parse_type(argument.type)
    except GraphQLSyntaxError as error:
        raise SupergraphError(f'{where} has "{argument.type}" for a type.') from error
    for name in sorted(carriers):
        _check_field_set(supergraph, name, argument.selection, where)


def _explain(text: str) -> None:
    """Raise a better error than the one that was met, if there is one."""
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        at = error.locations[0] if error.locations else None
        where = f"Line {at.line}, column {at.column}: " if at else ""
        raise SupergraphError(f"{where}{error.message}") from error
    except RecursionError as error:
        raise SupergraphError("The file is nested too deeply.") from error
    _check_references(document)


def _check_features(document: DocumentNode) -> None:
    """A feature that has to be known to serve the graph safely, and is not, forbids serving it (link specification)."""
    for directive in _schema_directives(document):
        arguments: Mapping[str, object] = {
            node.name.value: value_from_ast_untyped(node.value) for node in directive.arguments or ()
        }
        url = str(arguments.get("url") or arguments.get("feature") or "")
        match = _LINK.fullmatch(url)
        if match is not None and match["name"] == "join" and (int(match["major"]), int(match["minor"])) > _NEWEST_JOIN:
            raise SupergraphError(f"The supergraph is written in {url}; join v0.5 is the newest that is served here.")
        if arguments.get("for") in {"SECURITY", "EXECUTION"} and (match is None or match["name"] not in _KNOWN):
            raise SupergraphError(f"The supergraph needs {url} (for: {arguments['for']}), which is not served here.")


def _schema_directives(document: DocumentNode) -> Iterator[DirectiveNode]:
    for node in document.definitions:
        if isinstance(node, SchemaDefinitionNode | SchemaExtensionNode):
            yield from (item for item in node.directives or () if item.name.value in {"link", "core"})


def _check_references(document: DocumentNode) -> None:
    known = {node.name.value for node in document.definitions if isinstance(node, TypeDefinitionNode)}
    known |= specified_scalar_types.keys()
    for where, name in _references(document):
        if name not in known:
            raise SupergraphError(f"{where} refers to the type {name}, which the supergraph does not define.")


def _references(document: DocumentNode) -> Iterator[tuple[str, str]]:
    """Every name of a type in the file, with the place it stands at."""
    for node in document.definitions:
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                name = node.name.value
                yield from ((name, item.name.value) for item in node.interfaces or ())
                for field in node.fields or ():
                    where = f"{name}.{field.name.value}"
                    yield where, named_type(field.type)
                    yield from _typed(where, ((item.name.value, item.type) for item in field.arguments or ()))
            case InputObjectTypeDefinitionNode():
                yield from _typed(node.name.value, ((item.name.value, item.type) for item in node.fields or ()))
            case UnionTypeDefinitionNode():
                yield from ((node.name.value, item.name.value) for item in node.types or ())
            case SchemaDefinitionNode():
                yield from (("The schema", item.type.name.value) for item in node.operation_types)


def _typed(parent: str, items: Iterable[tuple[str, TypeNode]]) -> Iterator[tuple[str, str]]:
    for name, type_ in items:
        yield f"{parent}.{name}", named_type(type_)


def _check_field_set(supergraph: Supergraph, type_name: str, fields: FieldSet, where: str) -> None:
    for item in fields:
        on = item.on or type_name
        if on not in supergraph.types:
            raise SupergraphError(f"{where} speaks of the type {on}, which has no fields.")
        if item.name == "__typename":
            continue
        info = supergraph.types[on].fields.get(item.name)
        if info is None:
            raise SupergraphError(f"{where} names the field {on}.{item.name}, which does not exist.")
        if item.selections:
            _check_field_set(supergraph, named_type(info.type), item.selections, where)
