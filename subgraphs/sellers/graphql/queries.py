"""Reads of sellers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.actor import STAFF, Role
from shared.db.keyset import Page, PageRequest
from shared.graphql.caching import FACTS
from shared.graphql.types import PAGED, Connection, connection, parse_id
from subgraphs.sellers.graphql.context import Info
from subgraphs.sellers.graphql.enums import SellerStatus
from subgraphs.sellers.graphql.types import CommissionRule, Seller, VerificationCase
from subgraphs.sellers.repository import sellers, terms, verification

Row = TypeVar("Row")
Shown = TypeVar("Shown")


@strawberry.type
class Query:
    @strawberry.field(directives=[FACTS], description="A seller that sells; to its own people and staff in any status.")
    async def seller(self, info: Info, id: strawberry.ID) -> Seller | None:
        found = await info.context.seller_by_id.load(parse_id(id))
        return Seller.of(found) if found else None

    @strawberry.field(directives=[FACTS], description="A seller that sells, by its name in addresses.")
    async def seller_by_slug(self, info: Info, slug: str) -> Seller | None:
        context = info.context
        async with context.database.read(context.actor.scope()) as session:
            found = await sellers.find_by_slug(session, slug)
        return Seller.of(found) if found else None

    @strawberry.field(
        directives=[PAGED], description="Sellers that sell, newest first; staff may ask for another status, or for all."
    )
    async def sellers(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        status: SellerStatus | None = None,
    ) -> Connection[Seller]:
        wanted = _visible_status(info, status)
        request = PageRequest.of(first, after, last, before)
        # What the public sees may have been changed a moment ago by whoever looks; a list of staff is a report.
        read = info.context.report if info.context.actor.is_staff else info.context.read
        page = await read(lambda session: sellers.seller_page(session, wanted, request))

        async def count() -> int:
            return await read(lambda session: sellers.count_sellers(session, wanted))

        return connection(page, Seller.of, count)

    @strawberry.field(description="The seller you act for or applied as; null without one.")
    async def my_seller(self, info: Info) -> Seller | None:
        context = info.context
        user_id = context.actor.require_user()
        async with context.database.read(context.actor.scope()) as session:
            found = await sellers.find_for_person(session, user_id, context.actor.seller_id)
        return Seller.of(found) if found else None

    @strawberry.field(
        directives=[PAGED], description="Submissions that wait for a decision, oldest first (support, admin)."
    )
    async def verification_queue(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[VerificationCase]:
        info.context.actor.require_role(Role.SUPPORT, Role.ADMIN)
        request = PageRequest.of(first, after, last, before)
        return await _list(
            info,
            lambda session: verification.queue_page(session, request),
            verification.count_queue,
            VerificationCase.of,
        )

    @strawberry.field(directives=[PAGED], description="All commission rules, the last changed first (finance, admin).")
    async def commission_rules(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[CommissionRule]:
        info.context.actor.require_role(Role.FINANCE, Role.ADMIN)
        request = PageRequest.of(first, after, last, before)
        return await _list(
            info, lambda session: terms.rule_page(session, request), terms.count_rules, CommissionRule.of
        )


def _visible_status(info: Info, status: SellerStatus | None) -> SellerStatus | None:
    if info.context.actor.is_staff:
        return status
    if status not in {None, SellerStatus.APPROVED}:
        info.context.actor.require_role(*STAFF)
    return SellerStatus.APPROVED


async def _list(
    info: Info,
    load: Callable[[AsyncSession], Awaitable[Page[Row]]],
    total: Callable[[AsyncSession], Awaitable[int]],
    show: Callable[[Row], Shown],
) -> Connection[Shown]:
    page = await info.context.report(load)

    async def count() -> int:
        return await info.context.report(total)

    return connection(page, show, count)
