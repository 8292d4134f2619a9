"""The tree's paths and slugs, typed attributes, price ranges."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from shared.ids import new_id
from subgraphs.catalog.domain.attributes import (
    Attribute,
    AttributeDefinition,
    AttributeType,
    check_attributes,
    require_attributes,
)
from subgraphs.catalog.domain.category import MAX_DEPTH, Category, new_category, slug_of
from subgraphs.catalog.domain.search import PRICE_BOUNDS, price_range
from subgraphs.catalog.errors import CategoryTooDeep, InvalidAttribute

T = AttributeType
ID = UUID("6f0c6a52-9e0a-4b3f-8f0e-0c6a529e0a4b")


def below(parent: Category | None) -> Category:
    return new_category(
        new_id(), parent, name="Lamps", slug="lamps", attributes=(), created_at=datetime(2026, 11, 23, tzinfo=UTC)
    )


def test_a_path_holds_the_line_from_the_root() -> None:
    root = below(None)
    child = below(root)
    assert child.path == f"/{root.id}/{child.id}/"
    assert (child.line, child.depth, child.parent_id) == ((root.id, child.id), 2, root.id)


def test_a_tree_ends_at_its_last_level() -> None:
    category = None
    for _ in range(MAX_DEPTH):
        category = below(category)
    with pytest.raises(CategoryTooDeep):
        below(category)


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Böden & Decken", "boden-decken"), (" Desk  lamps! ", "desk-lamps"), ("灯", "category-6f0c6a52")],
)
def test_a_slug_comes_from_the_name(name: str, slug: str) -> None:
    assert slug_of(name, ID) == slug


@pytest.mark.parametrize(
    ("attribute", "fits"),
    [
        (Attribute("a", T.TEXT, "anything"), True),
        (Attribute("a", T.NUMBER, "7.50"), True),
        (Attribute("a", T.NUMBER, "-1"), True),
        (Attribute("a", T.NUMBER, "seven"), False),
        (Attribute("a", T.NUMBER, "NaN"), False),
        (Attribute("a", T.BOOLEAN, "true"), True),
        (Attribute("a", T.BOOLEAN, "yes"), False),
    ],
)
def test_a_value_must_fit_its_type(attribute: Attribute, *, fits: bool) -> None:
    if fits:
        check_attributes([attribute], [])
    else:
        with pytest.raises(InvalidAttribute):
            check_attributes([attribute], [])


def test_a_category_decides_a_types_attribute_and_what_is_required() -> None:
    definitions = [AttributeDefinition("watts", T.NUMBER, required=True), AttributeDefinition("colour", T.TEXT)]
    check_attributes([Attribute("watts", T.NUMBER, "5"), Attribute("own", T.TEXT, "x")], definitions)
    with pytest.raises(InvalidAttribute, match="watts must be a NUMBER"):
        check_attributes([Attribute("watts", T.TEXT, "5")], definitions)
    with pytest.raises(InvalidAttribute, match="colour is given twice"):
        check_attributes([Attribute("colour", T.TEXT, "red"), Attribute("colour", T.TEXT, "blue")], definitions)
    with pytest.raises(InvalidAttribute, match="watts is required"):
        require_attributes([Attribute("colour", T.TEXT, "red")], definitions)
    require_attributes([Attribute("watts", T.NUMBER, "5")], definitions)


def test_price_ranges_join_without_a_gap() -> None:
    ranges = [price_range(bucket) for bucket in range(len(PRICE_BOUNDS) + 1)]
    assert ranges[0] == (0, 1000)
    assert ranges[-1] == (100_000, None)
    assert [end for _, end in ranges[:-1]] == [start for start, _ in ranges[1:]]
