"""Cursors come back as they went out, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import BigInteger, DateTime, Integer, Text
from sqlalchemy.types import TypeEngine

from shared.db.keyset import PageRequest, SortValue, decode_cursor, encode_cursor
from shared.errors import InvalidInput
from shared.ids import new_id


@pytest.mark.parametrize(
    ("value", "column_type"),
    [
        (datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=UTC), DateTime(timezone=True)),
        ("Ünïcode", Text()),
        (42, Integer()),
        (2**63 - 1, BigInteger()),
    ],
)
def test_a_cursor_carries_its_sort_value_and_id(value: SortValue, column_type: TypeEngine[Any]) -> None:
    row_id = new_id()
    assert decode_cursor(encode_cursor(value, row_id), column_type) == (value, row_id)


@pytest.mark.parametrize("cursor", ["", "nonsense", "W10", "%%%", "WyJkIiwiYSIsImIiXQ"])
def test_a_foreign_cursor_is_refused_with_its_code(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_cursor(cursor, Text())
    assert refusal.value.code == "INVALID_CURSOR"


@pytest.mark.parametrize("column_type", [DateTime(timezone=True), Text(), Integer(), BigInteger()], ids=str)
@pytest.mark.parametrize("value", [None, True, 1.5, [1], {"a": 1}, "a\0b", 2**63])
def test_a_value_that_no_column_holds_is_refused(value: Any, column_type: TypeEngine[Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_cursor(encode_cursor(value, new_id()), column_type)
    assert refusal.value.code == "INVALID_CURSOR"


@pytest.mark.parametrize(
    ("value", "column_type"),
    [
        ("lamp", DateTime(timezone=True)),
        (5, Text()),
        ("5", BigInteger()),
        (2**31, Integer()),
        (datetime(2026, 11, 23, tzinfo=UTC), Text()),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=23))), DateTime(timezone=True)),
    ],
)
def test_a_cursor_of_another_list_is_refused(value: SortValue, column_type: TypeEngine[Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_cursor(encode_cursor(value, new_id()), column_type)
    assert refusal.value.code == "INVALID_CURSOR"


@pytest.mark.parametrize(("first", "last"), [(0, None), (101, None), (-1, None), (None, 0), (None, 101), (1, 1)])
def test_a_page_beyond_its_bounds_is_refused(first: int | None, last: int | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        PageRequest.of(first, None, last)
    assert refusal.value.code == "INVALID_PAGE"


def test_a_page_has_twenty_rows_where_nothing_is_said() -> None:
    assert PageRequest.of(None, None).size == 20
