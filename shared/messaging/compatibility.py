"""Whether every document that one event schema lets a producer write is accepted by another: full transitive compatibility.

Producers write only what their schema names (schemas.py closes it for them), consumers ignore what theirs does not
name; so a schema may gain or lose an optional member and nothing else. Both directions must hold between all versions
of an event of one major number: old consumers read new events, new consumers read old events and the event log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "default"})
_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EXACT = ("pattern", "format", "multipleOf", "uniqueItems")
_STRUCTURE = frozenset(
    {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "$ref"}
)
_KNOWN = _ANNOTATIONS | _STRUCTURE | {*_LOWER_BOUNDS, *_UPPER_BOUNDS, *_EXACT}
_ALL_TYPES = frozenset({"null", "boolean", "object", "array", "number", "string"})


def incompatibilities(writer: Schema, reader: Schema) -> list[str]:
    """What the reader would refuse of what the writer may write; empty means compatible in this direction."""
    return list(_Comparison(writer, reader).differences(writer, reader, "payload"))


class _Comparison:
    """Holds the two roots, against which `$ref` resolves."""

    def __init__(self, writer_root: Schema, reader_root: Schema) -> None:
        self._writer_root = writer_root
        self._reader_root = reader_root

    def differences(self, writer: Schema, reader: Schema, at: str) -> Iterator[str]:
        writer = _resolve(writer, self._writer_root)
        reader = _resolve(reader, self._reader_root)
        for schema in (writer, reader):
            if unknown := sorted(set(schema) - _KNOWN):
                yield f"{at}: cannot judge the keyword {', '.join(unknown)}"
                return
        if branches := _branches(writer):
            for branch in branches:
                yield from self.differences(branch, reader, at)
            return
        if branches := _branches(reader):
            if all(list(self.differences(writer, branch, at)) for branch in branches):
                yield f"{at}: no alternative of the reader accepts what is written"
            return
        yield from _value_differences(writer, reader, at)
        yield from self._object_differences(writer, reader, at)
        if "items" in reader:
            yield from self.differences(writer.get("items", {}), reader["items"], f"{at}[]")

    def _object_differences(self, writer: Schema, reader: Schema, at: str) -> Iterator[str]:
        for name in sorted(set(reader.get("required", ())) - set(writer.get("required", ()))):
            yield f"{at}.{name}: required by the reader, optional for the writer"
        written: Mapping[str, Schema] = writer.get("properties", {})
        read: Mapping[str, Schema] = reader.get("properties", {})
        others = reader.get("additionalProperties", True)
        for name, schema in written.items():
            if name in read:
                yield from self.differences(schema, read[name], f"{at}.{name}")
            elif others is False:
                yield f"{at}.{name}: refused by the reader, which allows no other members"
            elif others is not True:
                yield from self.differences(schema, others, f"{at}.{name}")
        if isinstance(free := writer.get("additionalProperties"), Mapping) and others is not True:
            yield from self.differences(free, others or {"enum": []}, f"{at}.*")


def _value_differences(writer: Schema, reader: Schema, at: str) -> Iterator[str]:
    if extra := sorted(_types(writer) - _types(reader) - ({"integer"} if "number" in _types(reader) else set())):
        yield f"{at}: the reader does not accept the type {', '.join(extra)}"
    allowed, written = _values(reader), _values(writer)
    if allowed is not None:
        if written is None:
            yield f"{at}: the reader accepts listed values only"
        elif extra := sorted(str(value) for value in written if value not in allowed):
            yield f"{at}: the reader does not accept {', '.join(extra)}"
    if written is not None:
        return  # Listed values were just compared one by one; a bound says nothing more about them.
    for keyword in _EXACT:
        if keyword in reader and writer.get(keyword) != reader[keyword]:
            yield f"{at}: the reader asks for another {keyword}"
    for keyword in _LOWER_BOUNDS:
        if keyword in reader and writer.get(keyword, float("-inf")) < reader[keyword]:
            yield f"{at}: the reader asks for a higher {keyword}"
    for keyword in _UPPER_BOUNDS:
        if keyword in reader and writer.get(keyword, float("inf")) > reader[keyword]:
            yield f"{at}: the reader asks for a lower {keyword}"


def _branches(schema: Schema) -> Sequence[Schema]:
    """The alternatives, each joined with what stands beside them."""
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            beside = {name: value for name, value in schema.items() if name != keyword and name not in _ANNOTATIONS}
            return [{**beside, **branch} for branch in schema[keyword]]
    return ()


def _types(schema: Schema) -> frozenset[str]:
    declared = schema.get("type", _ALL_TYPES)
    return frozenset({declared} if isinstance(declared, str) else declared)


def _values(schema: Schema) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum")


def _resolve(schema: Schema, root: Schema) -> Schema:
    """Follow local references: `#/$defs/<name>`."""
    while "$ref" in schema:
        reference: str = schema["$ref"]
        if not reference.startswith("#/"):
            raise ValueError(f"only local references are followed: {reference}")
        target: Any = root
        for step in reference[2:].split("/"):
            target = target[step]
        schema = target
    return schema
