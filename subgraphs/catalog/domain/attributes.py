"""Typed attributes: what a category asks for and what a product says. Values travel as text and are checked by type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from subgraphs.catalog.errors import InvalidAttribute


class AttributeType(StrEnum):
    TEXT = "TEXT"
    NUMBER = "NUMBER"
    BOOLEAN = "BOOLEAN"


@dataclass(frozen=True, slots=True)
class AttributeDefinition:
    """What a category, and every category below it, expects of its products."""

    name: str
    type: AttributeType
    required: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    name: str
    type: AttributeType
    value: str


@dataclass(frozen=True, slots=True)
class Medium:
    """A picture or film by its address; `alt` says what it shows."""

    url: str
    alt: str = ""


def check_attributes(attributes: Sequence[Attribute], definitions: Iterable[AttributeDefinition]) -> None:
    """Names are unique, values fit their types, and types are those the category defines. Raises InvalidAttribute."""
    defined = {definition.name: definition.type for definition in definitions}
    seen: set[str] = set()
    for attribute in attributes:
        if attribute.name in seen:
            raise InvalidAttribute(attribute.name, "is given twice")
        seen.add(attribute.name)
        wanted = defined.get(attribute.name, attribute.type)
        if attribute.type is not wanted:
            raise InvalidAttribute(attribute.name, f"must be a {wanted.value} in this category")
        if not _fits(attribute):
            raise InvalidAttribute(attribute.name, f"is no {attribute.type.value}")


def require_attributes(attributes: Sequence[Attribute], definitions: Iterable[AttributeDefinition]) -> None:
    """A product that goes to the moderators has all that its category requires. Raises InvalidAttribute."""
    given = {attribute.name for attribute in attributes}
    for definition in definitions:
        if definition.required and definition.name not in given:
            raise InvalidAttribute(definition.name, "is required in this category")


def _fits(attribute: Attribute) -> bool:
    match attribute.type:
        case AttributeType.TEXT:
            return True
        case AttributeType.BOOLEAN:
            return attribute.value in ("true", "false")
        case AttributeType.NUMBER:
            try:
                return Decimal(attribute.value).is_finite()
            except InvalidOperation:
                return False
