"""Types that every subgraph may define alike: composition merges them because they are shareable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar

import strawberry

from shared.db.idempotency import Outcome
from shared.db.keyset import Page
from shared.graphql.scalars import Cents
from shared.money import Money as MoneyValue

Node = TypeVar("Node")
Code = TypeVar("Code", bound=StrEnum)
Row = TypeVar("Row")
Count = Callable[[], Awaitable[int]]


@strawberry.federation.type(shareable=True, description="An amount of money in one currency.")
class Money:
    amount: Cents = strawberry.field(description="The amount in the currency's hundredths.")
    currency: str = strawberry.field(description="ISO 4217 code, such as EUR.")

    @classmethod
    def of(cls, value: MoneyValue) -> Money:
        return cls(amount=Cents(value.amount), currency=value.currency)

    @classmethod
    def cents(cls, amount: int, currency: str) -> Money:
        return cls(amount=Cents(amount), currency=currency)


@strawberry.federation.type(shareable=True, description="Where a page of a list lies in the whole (Relay).")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there is more after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there is more before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the page's first item.")
    end_cursor: str | None = strawberry.field(description="Cursor of the page's last item.")


@strawberry.federation.type(shareable=True, description="Why a mutation was refused, for a person and for a program.")
class UserError(Generic[Code]):
    code: Code = strawberry.field(description="Stable code to act upon.")
    field: list[str] | None = strawberry.field(description="Path of the input field at fault, where there is one.")
    message: str = strawberry.field(description="One sentence that may be shown to a person.")


def user_errors(outcome: Outcome, codes: type[Code]) -> list[UserError[Code]]:
    """The refusals of an outcome in the domain's own codes."""
    return [
        UserError(
            code=codes(refusal.code), field=list(refusal.field) if refusal.field else None, message=refusal.message
        )
        for refusal in outcome.refusals
    ]


@strawberry.type(description="One item of a list with its cursor.")
class Edge(Generic[Node]):
    node: Node = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Where the item lies: give it as `after` or `before`.")


@strawberry.type(description="One page of a list (Relay connection, keyset cursors).")
class Connection(Generic[Node]):
    edges: list[Edge[Node]] = strawberry.field(description="The items of this page in order.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Count]

    @strawberry.field(description="How many items the whole list has; counted only when asked for.")
    async def total_count(self) -> int:
        return await self.count()


def connection(page: Page[Row], node: Callable[[Row], Node], count: Count) -> Connection[Node]:
    """A page of rows as a Relay connection; `count` runs only if `totalCount` is selected."""
    return connection_of([node(row) for row in page.rows], page, count)


def connection_of(nodes: Sequence[Node], page: Page[Row], count: Count) -> Connection[Node]:
    cursors = page.cursors
    return Connection(
        edges=[Edge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)],
        page_info=PageInfo(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
        count=count,
    )
