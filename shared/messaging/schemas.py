"""The published language: one JSON Schema file an event and version, checked by producer and consumer alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import jsonschema_rs

from shared.messaging.compatibility import incompatibilities

SCHEMAS_FOLDER = Path(__file__).parent / "schemas"


class InvalidEvent(Exception):
    """An event that its schema does not allow, or that has no schema."""


class EventSchemas:
    """`<folder>/<event name>/<major>.<minor>.json` are payload schemas; `<folder>/envelope.json` is that of the body."""

    def __init__(self, folder: Path = SCHEMAS_FOLDER) -> None:
        self._envelope = _validator(_read(folder / "envelope.json"))
        self._schemas = {
            (file.parent.name, _version(file.stem)): _read(file) for file in sorted(folder.glob("*/*.json"))
        }
        self._readers = {key: _validator(schema) for key, schema in self._schemas.items()}
        self._writers = {key: _validator(_closed(schema)) for key, schema in self._schemas.items()}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name, _ in self._schemas))

    def check_written(self, name: str, version: str, payload: Any) -> None:
        """What a producer writes: the exact version, and no member that the schema does not name. Raises InvalidEvent."""
        validator = self._writers.get((name, _version(version)))
        if validator is None:
            raise InvalidEvent(f"no schema for {name} {version}: add shared/messaging/schemas/{name}/{version}.json")
        _check(validator, payload, f"{name} {version}")

    def required_members(self, name: str) -> frozenset[str]:
        """The members that the payload of an event has in every version. Raises KeyError for an unknown event."""
        versions = [schema for (event, _), schema in self._schemas.items() if event == name]
        if not versions:
            raise KeyError(f"no event {name!r}")
        return frozenset.intersection(*(frozenset(schema.get("required", ())) for schema in versions))

    def check_read(self, body: Mapping[str, Any]) -> None:
        """What a consumer receives, as a whole body; members it does not know are let through. Raises InvalidEvent.

        A minor version that is newer than any known here is read by the newest known one: versions are compatible
        both ways, and producers may be deployed first.
        """
        _check(self._envelope, body, "event body")
        name, version = body["event_name"], _version(body["event_version"])
        known = [v for n, v in self._schemas if n == name and v[0] == version[0] and v <= version]
        if not known:
            raise InvalidEvent(f"no schema for {name} {body['event_version']}")
        _check(self._readers[name, max(known)], body["payload"], f"{name} {body['event_version']}")

    def incompatibilities(self) -> list[str]:
        """Every way in which two versions of an event (of one major number) fail to read one another."""
        return [
            f"{name}: {_text(reader)} cannot read {_text(writer)}: {difference}"
            for (name, writer), (other, reader) in permutations(self._schemas, 2)
            if name == other and writer[0] == reader[0]
            for difference in incompatibilities(self._schemas[name, writer], self._schemas[name, reader])
        ]


def _check(validator: jsonschema_rs.Validator, document: Any, what: str) -> None:
    problems = [f"{_path(error)}: {error.message}" for error in validator.iter_errors(document)]
    if problems:
        raise InvalidEvent(f"{what}: {'; '.join(problems[:5])}")


def _path(error: jsonschema_rs.ValidationError) -> str:
    return "/".join(str(step) for step in error.instance_path) or "."


def _read(file: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


def _validator(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    # Masked: the complaint goes to logs and to delivery_attempt, the value stays out of both.
    return jsonschema_rs.validator_for(schema, validate_formats=True, mask="the value")


def _closed(schema: Any) -> Any:
    """The same schema with every object that names its members closed: a misspelt optional member is caught at its source."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    open_to_others = schema.get("additionalProperties", True) is True
    if open_to_others and isinstance(schema.get("properties"), dict) and "object" in schema.get("type", ()):
        closed["additionalProperties"] = False
    return closed


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
