"""Input that no rule of a field would catch."""

from __future__ import annotations

import pytest

from shared.commands import Command, Input, InvalidFields, validate


class Item(Input):
    some_name: str


class Example(Command):
    title: str
    items: tuple[Item, ...] = ()


def test_the_character_nul_is_refused_wherever_it_hides() -> None:
    # given JSON text that Postgres cannot keep, on top and in a list
    values = {"idempotency_key": "key-00000001", "title": "a\0b", "items": [{"some_name": "c"}, {"some_name": "\0"}]}
    # when it is validated
    with pytest.raises(InvalidFields) as refusal:
        validate(Example, values)
    # then each place is named in the schema's spelling
    assert [(p.code, p.field) for p in refusal.value.problems] == [
        ("INVALID_INPUT", ("title",)),
        ("INVALID_INPUT", ("items", "1", "someName")),
    ]
