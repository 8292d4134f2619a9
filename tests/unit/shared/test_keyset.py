"""Cursors come back as they went out, and nothing else is taken for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.db.keyset import PageRequest, SortValue, decode_cursor, encode_cursor
from shared.errors import InvalidInput
from shared.ids import new_id


@pytest.mark.parametrize("value", [datetime(2026, 11, 23, 4, 5, 6, 789, tzinfo=UTC), "Ünïcode", 42])
def test_a_cursor_carries_its_sort_value_and_id(value: SortValue) -> None:
    row_id = new_id()
    assert decode_cursor(encode_cursor(value, row_id)) == (value, row_id)


@pytest.mark.parametrize("cursor", ["", "nonsense", "W10", "%%%", "WyJkIiwiYSIsImIiXQ"])
def test_a_foreign_cursor_is_refused_with_its_code(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode_cursor(cursor)
    assert refusal.value.code == "INVALID_CURSOR"


@pytest.mark.parametrize(("first", "last"), [(0, None), (101, None), (-1, None), (None, 0), (None, 101), (1, 1)])
def test_a_page_beyond_its_bounds_is_refused(first: int | None, last: int | None) -> None:
    with pytest.raises(InvalidInput) as refusal:
        PageRequest.of(first, None, last)
    assert refusal.value.code == "INVALID_PAGE"


def test_a_page_has_twenty_rows_where_nothing_is_said() -> None:
    assert PageRequest.of(None, None).size == 20
