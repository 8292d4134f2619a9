"""Validated input: every write from outside becomes a frozen pydantic model before any service sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shared.errors import InvalidInput

V = TypeVar("V", bound="Input")
IdempotencyKey = Annotated[str, Field(min_length=8, max_length=255, pattern=r"^[\x21-\x7e]+$")]


class Input(BaseModel):
    """A validated value; strings are stripped, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Command(Input):
    """What a mutation asks for. Writes without an idempotency key (login, refreshToken) derive from `Input`."""

    idempotency_key: IdempotencyKey


class InvalidFields(InvalidInput):
    """Everything that is wrong with an input, each with its field, so that a form can show all of it at once."""

    def __init__(self, problems: tuple[InvalidInput, ...]) -> None:
        super().__init__("INVALID_INPUT", "; ".join(problem.message for problem in problems), field=problems[0].field)
        self.problems = problems


def validate(model: type[V], values: Mapping[str, Any]) -> V:
    """Raises InvalidFields, naming each field in the schema's spelling."""
    if unstorable := tuple(_unstorable(values, ())):
        raise InvalidFields(unstorable)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidFields(tuple(_problem(detail) for detail in error.errors(include_url=False))) from error


def _unstorable(value: Any, path: tuple[str, ...]) -> Iterator[InvalidInput]:
    """JSON's strings may hold the character NUL; Postgres' texts may not, whatever the field."""
    match value:
        case str() if "\0" in value:
            yield InvalidInput("INVALID_INPUT", "Text must not hold the character NUL.", field=path)
        case Mapping():
            for name, item in value.items():
                yield from _unstorable(item, (*path, to_camel(name)))
        case list() | tuple():
            for index, item in enumerate(value):
                yield from _unstorable(item, (*path, str(index)))


def _problem(detail: Any) -> InvalidInput:
    path = tuple(to_camel(part) if isinstance(part, str) else str(part) for part in detail["loc"])
    return InvalidInput("INVALID_INPUT", detail["msg"].removeprefix("Value error, "), field=path)
