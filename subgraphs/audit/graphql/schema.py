"""The schema of the audit subgraph."""

from __future__ import annotations

from shared.graphql.schema import SubgraphSchema
from subgraphs.audit.graphql.queries import Query
from subgraphs.audit.graphql.types import AuditEntry, User

schema = SubgraphSchema(query=Query, types=[AuditEntry, User])
