"""Reads of audit: for administrators only."""

from __future__ import annotations

import strawberry
from strawberry.federation.schema_directives import Cost
from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Role
from shared.db.keyset import PageRequest
from shared.graphql.access import SIGNED_IN
from shared.graphql.context import RequestContext
from shared.graphql.types import PAGED_FORWARD, Connection, connection, parse_id
from subgraphs.audit import domain, repository
from subgraphs.audit.graphql.types import AuditChainCheck, AuditEntry, AuditFilter
from subgraphs.audit.service import verify_chain

Info = StrawberryInfo[RequestContext, None]


@strawberry.type
class Query:
    @strawberry.field(
        directives=[SIGNED_IN, PAGED_FORWARD], description="What happened on the platform, newest first (admin)."
    )
    async def audit_log(
        self, info: Info, filter: AuditFilter | None = None, first: int | None = None, after: str | None = None
    ) -> Connection[AuditEntry]:
        context = info.context
        context.actor.require_role(Role.ADMIN)
        wanted = _filter(filter)
        request = PageRequest.of(first, after)
        page = await context.report(lambda session: repository.entry_page(session, wanted, request))

        async def count() -> int:
            return await context.report(lambda session: repository.count_entries(session, wanted))

        return connection(page, AuditEntry.of, count)

    @strawberry.field(
        directives=[SIGNED_IN, Cost(weight=1000)],
        description="Walk the whole chain and say whether anybody has altered it (admin).",
    )
    async def verify_audit_chain(self, info: Info) -> AuditChainCheck:
        info.context.actor.require_role(Role.ADMIN)
        return AuditChainCheck.of(await verify_chain(info.context.database))


def _filter(given: AuditFilter | None) -> domain.AuditFilter:
    if given is None:
        return domain.AuditFilter()
    return domain.AuditFilter(
        action=given.action,
        actor_id=parse_id(given.actor_id, field="actorId") if given.actor_id else None,
        target_id=parse_id(given.target_id, field="targetId") if given.target_id else None,
        since=given.since,
        until=given.until,
    )
