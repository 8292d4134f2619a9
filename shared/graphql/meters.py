"""Counts and times a subgraph's operations by their first root field: a closed set, whatever a document holds."""

from __future__ import annotations

import re

from graphql import GraphQLSchema

from shared.telemetry.metrics import GRAPHQL_OPERATIONS, GRAPHQL_SECONDS

OTHER = "other"
_FIRST_FIELD = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")
"""Read off the text, since a parsed document is nothing that the executor hands out. Whatever it finds that is no root field
(a variable's default, a fragment that stands first) is counted as `other`."""


class OperationMeter:
    """What was asked under one root field."""

    __slots__ = ("failed", "ok", "seconds")

    def __init__(self, domain: str, field: str) -> None:
        self.seconds = GRAPHQL_SECONDS.labels(domain, field)
        self.ok = GRAPHQL_OPERATIONS.labels(domain, field, "ok")
        self.failed = GRAPHQL_OPERATIONS.labels(domain, field, "error")


class OperationMeters:
    """Meters of one subgraph, each made when its field is first asked for."""

    def __init__(self, domain: str, schema: GraphQLSchema) -> None:
        roots = (schema.query_type, schema.mutation_type, schema.subscription_type)
        self._domain = domain
        self._fields = frozenset(name for root in roots if root is not None for name in root.fields)
        self._meters: dict[str, OperationMeter] = {}

    def of(self, document: object) -> OperationMeter:
        """The meter for what came as the document, which the gateway alone promises to be a text."""
        found = _FIRST_FIELD.search(document) if isinstance(document, str) else None
        field = found[1] if found and found[1] in self._fields else OTHER
        meter = self._meters.get(field)
        if meter is None:
            meter = self._meters[field] = OperationMeter(self._domain, field)
        return meter
