"""Small subgraphs in graphql-core: federation SDL, plain data, and a count of what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    SchemaExtensionNode,
    build_ast_schema,
    graphql,
    parse,
    subscribe,
)
from graphql.language import DocumentNode

Resolver = Callable[..., Any]

_PRELUDE = """
directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
directive @requires(fields: String!) on FIELD_DEFINITION
directive @provides(fields: String!) on FIELD_DEFINITION
directive @external on OBJECT | FIELD_DEFINITION
directive @shareable repeatable on OBJECT | FIELD_DEFINITION
directive @override(from: String!, label: String) on FIELD_DEFINITION
directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ENUM | ENUM_VALUE | SCALAR
directive @interfaceObject on OBJECT
directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR
directive @listSize(
  assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true
) on FIELD_DEFINITION
directive @context(name: String!) repeatable on INTERFACE | OBJECT | UNION
directive @fromContext(field: String) on ARGUMENT_DEFINITION
scalar _Any
"""


@dataclass(slots=True)
class Subgraph:
    """`fields` are resolvers by `Type.field`, plain values included; `references` find an entity for
    a representation, by type, or are one.

    `requests` are the documents it was sent, `answers_with` header lines of its answers; `broken`
    makes it answer status 500 without GraphQL. `feeds` are what its subscription fields send, unless it
    `refuses_streams`.
    """

    sdl: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    references: Mapping[str, Any] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers_with: list[tuple[str, str]] = field(default_factory=list)
    broken: bool = False
    refuses_streams: bool = False
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    _schema: GraphQLSchema | None = None

    async def answer(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """The status and body of the HTTP answer."""
        request = orjson.loads(body)
        self.requests.append(request)
        self.headers.append(headers)
        if self.broken:
            return 500, b"<html>no</html>"
        result = await graphql(self._executable(), request["query"], variable_values=request.get("variables"))
        return 200, orjson.dumps(result.formatted)

    async def events(self, body: bytes, headers: dict[str, str]) -> AsyncIterator[ExecutionResult] | ExecutionResult:
        """The results of a subscription, or why there are none."""
        request = orjson.loads(body)
        self.requests.append(request)
        self.headers.append(headers)
        if self.refuses_streams:
            return ExecutionResult(None, [GraphQLError("Too many.", extensions={"code": "TOO_MANY_STREAMS"})])
        outcome = subscribe(self._executable(), parse(request["query"]), variable_values=request.get("variables"))
        return await outcome if isawaitable(outcome) else outcome

    def _executable(self) -> GraphQLSchema:
        if self._schema is None:
            self._schema = _executable(self.sdl, self.fields, self.references, self.feeds)
        return self._schema


class Feed:
    """What a subscription field sends to all who are subscribed. `opened` counts them over all time, `open` those there now."""

    def __init__(self) -> None:
        self.opened = 0
        self._queues: list[asyncio.Queue[Any]] = []
        self._changed = asyncio.Condition()

    @property
    def open(self) -> int:
        return len(self._queues)

    def publish(self, value: Any) -> None:
        """An exception ends the subscriptions without completing them."""
        for queue in self._queues:
            queue.put_nowait(value)

    async def until(self, count: int, *, opened: int = 0) -> None:
        """Wait until so many are subscribed, and at least `opened` have been."""
        async with self._changed, asyncio.timeout(20):
            await self._changed.wait_for(lambda: self.open == count and self.opened >= opened)

    async def subscribe(self, *_args: Any, **_arguments: Any) -> AsyncIterator[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.opened += 1
        await self._change(lambda: self._queues.append(queue))
        try:
            while (value := await queue.get()) is not END:
                if isinstance(value, BaseException):
                    raise value
                yield value
        finally:
            await self._change(lambda: self._queues.remove(queue))

    async def _change(self, change: Callable[[], None]) -> None:
        change()
        async with self._changed:
            self._changed.notify_all()


END = object()
"""Published to complete a subscription."""


def _executable(
    sdl: str, fields: Mapping[str, Any], references: Mapping[str, Any], feeds: Mapping[str, Feed]
) -> GraphQLSchema:
    document = parse(sdl)
    entities = _entity_types(document)
    federation = f"union _Entity = {' | '.join(entities)}\n" if entities else "scalar _Entity\n"
    federation += "extend type Query { _entities(representations: [_Any!]!): [_Entity]! }\n"
    if not any(getattr(node, "name", None) and node.name.value == "Query" for node in document.definitions):  # type: ignore[attr-defined]
        federation += "type Query\n"
    added = parse(_PRELUDE + federation)
    definitions = [node for node in document.definitions if not isinstance(node, SchemaExtensionNode)]
    schema = build_ast_schema(DocumentNode(definitions=(*definitions, *added.definitions)), assume_valid_sdl=True)

    def resolve_entities(_root: object, _info: object, representations: list[dict[str, Any]]) -> list[Any]:
        return [_entity(references[item["__typename"]], item) for item in representations]

    resolvers = {"Query._entities": resolve_entities, **fields}
    for name, resolver in resolvers.items():
        type_name, _, field_name = name.partition(".")
        type_ = schema.type_map[type_name]
        assert isinstance(type_, GraphQLObjectType)
        type_.fields[field_name].resolve = _resolver(resolver)
    for name, feed in feeds.items():
        subscription = schema.subscription_type
        assert subscription is not None
        subscription.fields[name].subscribe = feed.subscribe
        subscription.fields[name].resolve = lambda event, *_args, **_arguments: event
    return schema


def _entity(reference: Any, representation: dict[str, Any]) -> Any:
    """The entity, or the exception: graphql-core reports one that is a list's item at that item alone."""
    try:
        return _resolver(reference)(representation)
    except Exception as error:  # Whatever a reference raises belongs to its entity.
        return error


def _resolver(value: Any) -> Resolver:
    return value if callable(value) else lambda *_args, **_arguments: value


def _entity_types(document: DocumentNode) -> list[str]:
    """Object types with a key of their own or through an interface."""
    keyed = {
        node.name.value
        for node in document.definitions
        if isinstance(node, InterfaceTypeDefinitionNode | ObjectTypeDefinitionNode | ObjectTypeExtensionNode)
        and any(directive.name.value == "key" for directive in node.directives or ())
    }
    return [
        node.name.value
        for node in document.definitions
        if isinstance(node, ObjectTypeDefinitionNode)
        and (node.name.value in keyed or any(name.name.value in keyed for name in node.interfaces or ()))
    ]
