"""The schema class of every subgraph: Federation 2.9, entities resolved in one batch a type, errors masked in one place."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, cast

import strawberry
from graphql import GraphQLError, GraphQLSchema
from sqlalchemy.exc import DBAPIError
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.types import ExecutionContext, Info
from strawberry.types.base import StrawberryObjectDefinition, StrawberryType

from shared.errors import Refusal
from shared.graphql.scalars import SCALARS

log = logging.getLogger(__name__)
_CACHED_DOCUMENTS = 512
_CHARACTER_NOT_IN_REPERTOIRE = "22021"


class Entity(Protocol):
    """What an entity type offers: all references of one request at once, answered in order; None for an unknown one."""

    @classmethod
    async def resolve_references(cls, info: Any, references: list[dict[str, Any]]) -> Sequence[object | None]: ...


class _Names(NameConverter):
    def from_generic(self, generic_type: StrawberryObjectDefinition, types: list[StrawberryType | type]) -> str:
        # Each subgraph has its own error codes, but one UserError: the supergraph's enum is their union.
        if generic_type.name == "UserError":
            return "UserError"
        return super().from_generic(generic_type, types)


class SubgraphSchema(strawberry.federation.Schema):
    def __init__(
        self, *, query: type, mutation: type | None = None, subscription: type | None = None, types: Iterable[type] = ()
    ) -> None:
        super().__init__(
            query=query,
            mutation=mutation,
            subscription=subscription,
            types=types,
            config=StrawberryConfig(scalar_map=SCALARS, name_converter=_Names()),
            extensions=[
                lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
                lambda: ValidationCache(maxsize=_CACHED_DOCUMENTS),
            ],
            # The composer knows Federation up to 2.9.
            federation_version="2.9",
        )

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core knows it."""
        return self._schema

    async def entities_resolver(  # type: ignore[override]
        self, info: Info, representations: list[FederationAny]
    ) -> list[FederationAny]:
        """One `resolve_references` a type, side by side; a failing type fails its own entities only."""
        by_type: dict[str, list[int]] = defaultdict(list)
        references = cast("list[dict[str, Any]]", representations)
        for index, reference in enumerate(references):
            by_type[reference["__typename"]].append(index)
        batches = [self._resolve_batch(info, name, [references[i] for i in places]) for name, places in by_type.items()]
        results: list[Any] = [None] * len(references)
        for places, found in zip(by_type.values(), await asyncio.gather(*batches), strict=True):
            for index, entity in zip(places, found, strict=True):
                results[index] = entity
        return results

    async def _resolve_batch(self, info: Info, type_name: str, references: list[dict[str, Any]]) -> Sequence[object]:
        known = self.schema_converter.type_map.get(type_name)
        definition = getattr(known, "definition", None)
        entity = getattr(definition, "origin", None)
        if entity is None:
            return [GraphQLError(f"{type_name} is not an entity of this subgraph.")] * len(references)
        fields = [{key: value for key, value in reference.items() if key != "__typename"} for reference in references]
        try:
            if not hasattr(entity, "resolve_references"):
                # A type that only adds fields to a foreign entity is its own reference.
                return [entity(**reference) for reference in fields]
            return await cast("type[Entity]", entity).resolve_references(info, fields)
        except Exception as error:
            return [error] * len(references)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:  # noqa: ARG002 — Strawberry's hook.
        """Refusals are answers, not incidents; everything else is logged with its stack, once."""
        for error in errors:
            original = _cause(error)
            if not (original is None or isinstance(original, Refusal) or _holds_nul(original)):
                log.error("resolver failed", exc_info=original, extra={"path": error.path})


def client_error(error: GraphQLError) -> dict[str, Any]:
    """What leaves the subgraph: a refusal with its code, GraphQL's own errors as they are, a bug without its text."""
    formatted: dict[str, Any] = {"message": error.message}
    if error.path is not None:
        formatted["path"] = error.path
    if error.locations is not None:
        formatted["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    original = _cause(error)
    if isinstance(original, Refusal):
        formatted["message"] = original.message
        formatted["extensions"] = {"code": original.code}
    elif _holds_nul(original):
        formatted["message"] = "Text must not hold the character NUL."
        formatted["extensions"] = {"code": "BAD_USER_INPUT"}
    elif original is None or isinstance(original, GraphQLError):
        formatted["extensions"] = {"code": "GRAPHQL_VALIDATION_FAILED" if error.path is None else "BAD_USER_INPUT"}
    else:
        formatted["message"] = "Something went wrong on our side."
        formatted["extensions"] = {"code": "INTERNAL_SERVER_ERROR"}
    return formatted


def _cause(error: GraphQLError) -> Exception | None:
    """What was raised, however often it was wrapped: what a scalar refuses of a variable is wrapped twice."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _holds_nul(error: Exception | None) -> bool:
    """Whether Postgres refused a text for the one character it cannot hold: it came with a field's arguments."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == _CHARACTER_NOT_IN_REPERTOIRE
