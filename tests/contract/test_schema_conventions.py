"""What every subgraph promises alike: descriptions, validated and idempotent writes, bounded lists, no drift."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
)
from strawberry.types.base import StrawberryObjectDefinition

from shared.commands import Command, Input
from shared.graphql.schema import SubgraphSchema
from shared.register import Subgraph, load_register
from supergraph.composition import API_FILE, print_subgraph

SUBGRAPHS = load_register().subgraphs
NO_KEY = {"login", "refreshToken"}
"""They answer secrets, which are never stored: exempt from idempotency keys by name."""
FEDERATION = {"_service", "_entities"}

each_subgraph = pytest.mark.parametrize("subgraph", SUBGRAPHS, ids=[s.name for s in SUBGRAPHS])


def schema_of(subgraph: Subgraph) -> SubgraphSchema:
    schema: SubgraphSchema = importlib.import_module(f"subgraphs.{subgraph.name}.graphql.schema").schema
    return schema


def own_types(schema: GraphQLSchema) -> list[Any]:
    named = sorted(schema.type_map.items())
    return [t for name, t in named if "__" not in name and name[0] != "_" and not is_specified_scalar_type(t)]


@each_subgraph
def test_the_committed_schema_is_what_the_code_says(subgraph: Subgraph) -> None:
    assert subgraph.schema_file.read_text(encoding="utf-8") == print_subgraph(subgraph.name)


@each_subgraph
def test_everything_a_client_sees_is_described(subgraph: Subgraph) -> None:
    schema = schema_of(subgraph)._schema
    undescribed = []
    for described in own_types(schema):
        exempt = {"Query", "Mutation", "Subscription"}
        named = [] if described.name in exempt else [(described.name, described)]
        if isinstance(described, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            named += [(f"{described.name}.{n}", f) for n, f in described.fields.items() if n not in FEDERATION]
        undescribed += [name for name, item in named if not item.description]
    assert undescribed == []


@each_subgraph
def test_every_mutation_takes_one_validated_input_with_an_idempotency_key(subgraph: Subgraph) -> None:
    schema = schema_of(subgraph)
    mutation = schema._schema.mutation_type
    for name, field in (mutation.fields if mutation else {}).items():
        assert list(field.args) == ["input"], name
        input_type = field.args["input"].type
        assert isinstance(input_type, GraphQLNonNull), name
        model = _command_of(schema, input_type.of_type.name)
        assert issubclass(model, Input), name
        assert issubclass(model, Command) is (name not in NO_KEY), name
        assert set(input_type.of_type.fields) <= {_camel(f) for f in model.model_fields}, name


@each_subgraph
def test_every_payload_tells_its_user_errors(subgraph: Subgraph) -> None:
    mutation = schema_of(subgraph)._schema.mutation_type
    for name, field in (mutation.fields if mutation else {}).items():
        assert isinstance(field.type, GraphQLNonNull), name
        payload = field.type.of_type
        assert isinstance(payload, GraphQLObjectType), name
        assert str(payload.fields["userErrors"].type) == "[UserError!]!", name


@each_subgraph
def test_every_list_at_the_root_is_a_connection(subgraph: Subgraph) -> None:
    query = schema_of(subgraph)._schema.query_type
    assert query is not None
    lists = [
        name
        for name, field in query.fields.items()
        if name not in FEDERATION and isinstance(_nullable(field.type), GraphQLList)
    ]
    assert lists == []


def test_what_clients_see_has_no_federation_in_it() -> None:
    schema = build_schema(API_FILE.read_text(encoding="utf-8"))
    assert [
        name for name in schema.type_map if name.startswith(("join__", "link__", "_")) and not name.startswith("__")
    ] == []
    assert schema.query_type is not None
    assert not FEDERATION & set(schema.query_type.fields)
    assert isinstance(schema.type_map["Cents"], GraphQLScalarType)
    assert isinstance(schema.type_map["ErrorCode"], GraphQLEnumType)


def _command_of(schema: SubgraphSchema, input_name: str) -> type[Input]:
    definition = schema.schema_converter.type_map[input_name].definition
    assert isinstance(definition, StrawberryObjectDefinition)
    command: type[Input] = definition.origin.command
    return command


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_
