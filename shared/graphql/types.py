"""Types that every subgraph may define alike: composition merges them because they are shareable."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Cost, ListSize

from shared.db.idempotency import Outcome
from shared.db.keyset import DEFAULT_PAGE, Page
from shared.errors import InvalidInput
from shared.graphql.scalars import Cents
from shared.money import Money as MoneyValue

Item = TypeVar("Item")
Code = TypeVar("Code", bound=StrEnum)
Row = TypeVar("Row")
Count = Callable[[], Awaitable[int]]


def _paged(*slicing_arguments: str) -> ListSize:
    return ListSize(
        assumed_size=DEFAULT_PAGE,
        slicing_arguments=list(slicing_arguments),
        sized_fields=["edges"],
        require_one_slicing_argument=False,
    )


PAGED = _paged("first", "last")
"""For every field that gives a connection: the gateway knows how long the page will be, and refuses what costs too much."""

PAGED_FORWARD = _paged("first")
"""The same for a connection that is read in one direction only."""


@strawberry.interface(
    description="Anything with an id of its own. A UUID does not name its subgraph: there is no Query.node."
)
class Node:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


def parse_id(value: str, *, field: str = "id") -> UUID:
    """Raises InvalidInput with code INVALID_ID."""
    try:
        return UUID(value)
    except ValueError as error:
        raise InvalidInput("INVALID_ID", "Ids are UUIDs.", field=(field,)) from error


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
class Edge(Generic[Item]):
    node: Item = strawberry.field(description="The item.")
    cursor: str = strawberry.field(description="Where the item lies: give it as `after` or `before`.")


@strawberry.type(description="One page of a list (Relay connection, keyset cursors).")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = strawberry.field(description="The items of this page in order.")
    page_info: PageInfo = strawberry.field(description="Where this page lies in the list.")
    count: strawberry.Private[Count]

    @strawberry.field(
        directives=[Cost(weight=5)], description="How many items the whole list has; counted only when asked for."
    )
    async def total_count(self) -> int:
        return await self.count()


def connection(page: Page[Row], node: Callable[[Row], Item], count: Count) -> Connection[Item]:
    """A page of rows as a Relay connection; `count` runs only if `totalCount` is selected."""
    return connection_of([node(row) for row in page.rows], page, count)


def connection_of(nodes: Sequence[Item], page: Page[Row], count: Count) -> Connection[Item]:
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
