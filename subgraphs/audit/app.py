"""Composition root of audit."""

from __future__ import annotations

from functools import partial

from shared.graphql.context import RequestContext
from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.audit.consumers import consumers
from subgraphs.audit.graphql.schema import schema
from subgraphs.audit.service import AuditService
from subgraphs.audit.settings import AuditSettings

SETTINGS = AuditSettings


def build(resources: Resources[AuditSettings]) -> Subgraph:
    context = partial(RequestContext, database=resources.database, writes=resources.writes)
    return Subgraph(schema=schema, context=context, consumers=consumers(AuditService(resources.clock)))
