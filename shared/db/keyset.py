"""Keyset pagination: a cursor is the sort value and the id of a row, so a page costs the same wherever it lies."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from shared.errors import InvalidInput

MAX_PAGE = 100
DEFAULT_PAGE = 20
Row = TypeVar("Row")
SortValue = str | int | datetime


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Relay's four arguments, checked: exactly one direction, 1 to 100 rows."""

    size: int = DEFAULT_PAGE
    after: str | None = None
    before: str | None = None
    backward: bool = False

    @classmethod
    def of(
        cls, first: int | None, after: str | None, last: int | None = None, before: str | None = None
    ) -> PageRequest:
        """Raises InvalidInput with code INVALID_PAGE."""
        if first is not None and last is not None:
            raise InvalidInput("INVALID_PAGE", "Give either first or last, not both.", field=("first",))
        size = last if last is not None else DEFAULT_PAGE if first is None else first
        if not 1 <= size <= MAX_PAGE:
            raise InvalidInput(
                "INVALID_PAGE", f"A page has 1 to {MAX_PAGE} rows.", field=("last" if last else "first",)
            )
        return cls(size, after, before, backward=last is not None)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in the order asked for, with what a Relay PageInfo needs."""

    rows: Sequence[Row]
    cursors: Sequence[str]
    has_next: bool
    has_previous: bool

    @classmethod
    def empty(cls) -> Page[Row]:
        return cls((), (), has_next=False, has_previous=False)


@dataclass(frozen=True, slots=True)
class SortKey(Generic[Row]):
    """`column` sorts, `id_column` breaks ties; `value` and `id` read both off a row. Both run in one direction."""

    column: ColumnElement[Any]
    id_column: ColumnElement[UUID]
    value: Callable[[Row], SortValue]
    id: Callable[[Row], UUID]
    descending: bool = False


def encode_cursor(value: SortValue, row_id: UUID) -> str:
    kind = "d" if isinstance(value, datetime) else "v"
    return base64.urlsafe_b64encode(orjson.dumps([kind, value, str(row_id)])).decode().rstrip("=")


def decode_cursor(cursor: str, column_type: TypeEngine[Any]) -> tuple[SortValue, UUID]:
    """The place that a list sorted by a column of this type gave out. Raises InvalidInput with code INVALID_CURSOR.

    A cursor may come from another list, or from nobody: what the column cannot be compared with is refused here.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        kind, value, row_id = orjson.loads(base64.urlsafe_b64decode(padded))
        place = datetime.fromisoformat(value).astimezone(UTC) if kind == "d" else value
        after = UUID(row_id)
    except (ValueError, TypeError, AttributeError, OverflowError, binascii.Error) as error:
        raise InvalidInput("INVALID_CURSOR", "This cursor was not issued by this list.") from error
    if not _fits(place, column_type):
        raise InvalidInput("INVALID_CURSOR", "This cursor was issued by another list.")
    return place, after


def _fits(value: object, column_type: TypeEngine[Any]) -> bool:
    match value:
        case bool():
            return False
        case int():
            size = 2**63 if isinstance(column_type, BigInteger) else 2**31
            return column_type.python_type is int and -size <= value < size
        case str():
            return column_type.python_type is str and "\0" not in value
        case datetime():
            return column_type.python_type is datetime
        case _:
            return False


async def fetch_page(
    session: AsyncSession, statement: Select[Row], key: SortKey[Row], request: PageRequest
) -> Page[Row]:
    """Run `statement` (without order or limit) as one page: one SQL statement, one row more than asked for."""
    statement = _bounded(statement, key, request).order_by(*_order(key, request)).limit(request.size + 1)
    return _page(list((await session.scalars(statement)).all()), key, request)


async def fetch_pages(
    session: AsyncSession,
    statement: Select[Row],
    key: SortKey[Row],
    request: PageRequest,
    *,
    parent: ColumnElement[UUID],
    parent_of: Callable[[Row], UUID],
) -> dict[UUID, Page[Row]]:
    """The same page of each parent's list in one SQL statement. `statement` selects one mapped class, limited to the parents."""
    model = statement.column_descriptions[0]["entity"]
    rank = func.row_number().over(partition_by=parent, order_by=_order(key, request)).label("page_rank")
    ranked = _bounded(statement, key, request).add_columns(rank).subquery()
    entity = aliased(model, ranked)
    wanted = select(entity).where(ranked.c.page_rank <= request.size + 1).order_by(ranked.c.page_rank)
    rows_of: dict[UUID, list[Row]] = {}
    for row in (await session.scalars(wanted)).all():
        rows_of.setdefault(parent_of(row), []).append(row)
    return {parent_id: _page(rows, key, request) for parent_id, rows in rows_of.items()}


def _ascending(key: SortKey[Any], request: PageRequest) -> bool:
    return key.descending if request.backward else not key.descending


def _order(key: SortKey[Any], request: PageRequest) -> list[ColumnElement[Any]]:
    columns = (key.column, key.id_column)
    return [column.asc() if _ascending(key, request) else column.desc() for column in columns]


def _bounded(statement: Select[Row], key: SortKey[Row], request: PageRequest) -> Select[Row]:
    if request.after is not None:
        statement = statement.where(_beyond(key, request.after, forward=not key.descending))
    if request.before is not None:
        statement = statement.where(_beyond(key, request.before, forward=key.descending))
    return statement


def _page(found: list[Row], key: SortKey[Row], request: PageRequest) -> Page[Row]:
    more = len(found) > request.size
    rows = found[: request.size]
    if request.backward:
        rows.reverse()
    return Page(
        rows=rows,
        cursors=[encode_cursor(key.value(row), key.id(row)) for row in rows],
        has_next=request.before is not None if request.backward else more,
        has_previous=more if request.backward else request.after is not None,
    )


def _beyond(key: SortKey[Any], cursor: str, *, forward: bool) -> ColumnElement[bool]:
    value, row_id = decode_cursor(cursor, key.column.type)
    bound = literal(value, key.column.type)
    column, id_column = key.column, key.id_column
    if forward:
        return or_(column > bound, and_(column == bound, id_column > row_id))
    return or_(column < bound, and_(column == bound, id_column < row_id))
