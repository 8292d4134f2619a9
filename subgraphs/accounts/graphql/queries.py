"""Reads of accounts."""

from __future__ import annotations

import strawberry

from shared.db.keyset import PageRequest
from shared.db.scope import Scope
from shared.graphql.access import SIGNED_IN
from shared.graphql.types import PAGED, Connection, connection, parse_id
from subgraphs.accounts.graphql.context import Info
from subgraphs.accounts.graphql.enums import Role
from subgraphs.accounts.graphql.types import ApiClient, User
from subgraphs.accounts.repository import api_clients, users


@strawberry.type
class Query:
    @strawberry.field(description="Who is signed in; null for a visitor.")
    async def me(self, info: Info) -> User | None:
        context = info.context
        if context.actor.user_id is None:
            return None
        await context.require_live()
        found = await context.user_by_id.load(context.actor.user_id)
        return User.of(found) if found else None

    @strawberry.field(description="A person by id. Strangers see the public part only.")
    async def user(self, info: Info, id: strawberry.ID) -> User | None:
        found = await info.context.user_by_id.load(parse_id(id))
        return User.of(found) if found else None

    @strawberry.field(directives=[PAGED], description="All people, newest first (support, admin).")
    async def users(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        email: str | None = None,
        role: Role | None = None,
    ) -> Connection[User]:
        context = info.context
        context.actor.require_role(Role.SUPPORT, Role.ADMIN)
        await context.require_live()
        request = PageRequest.of(first, after, last, before)
        page = await context.report(lambda session: users.user_page(session, request, email=email, role=role))

        async def count() -> int:
            return await context.report(lambda session: users.count_users(session, email=email, role=role))

        return connection(page, User.of, count)

    @strawberry.field(
        directives=[SIGNED_IN, PAGED],
        description="Partners' programs, newest first, also those that were shut out (admin).",
    )
    async def api_clients(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[ApiClient]:
        context = info.context
        context.actor.require_role(Role.ADMIN)
        await context.require_live()
        request = PageRequest.of(first, after, last, before)
        page = await context.report(lambda session: api_clients.client_page(session, request), Scope.PUBLIC)

        async def count() -> int:
            return await context.report(api_clients.count, Scope.PUBLIC)

        return connection(page, ApiClient.of, count)
