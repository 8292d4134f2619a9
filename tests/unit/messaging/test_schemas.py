"""Event schemas: strict where an event is written, tolerant where it is read, compatible for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.messaging.compatibility import incompatibilities
from shared.messaging.schemas import SCHEMAS_FOLDER, EventSchemas, InvalidEvent

BODY = {
    "event_version": "1.0",
    "event_name": "tea.brewed",
    "occurred_at": "2025-08-26T12:00:00Z",
    "payload": {"pot": "blue"},
    "idempotency_key": "tea:11111111-1111-4111-8111-111111111111",
}


def an_object(properties: Mapping[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


POT = {"type": "string", "enum": ["blue", "red"]}
FIRST = an_object({"pot": POT}, "pot", additionalProperties=True)
SECOND = an_object({"pot": POT, "minutes": {"type": "integer"}}, "pot", additionalProperties=True)


def folder_with(folder: Path, **versions: Mapping[str, Any]) -> Path:
    """A schema folder with one event, `tea.brewed`, in these versions (`v1_0=…`)."""
    (folder / "tea.brewed").mkdir()
    for version, schema in versions.items():
        name = version.removeprefix("v").replace("_", ".")
        (folder / "tea.brewed" / f"{name}.json").write_text(json.dumps(schema))
    (folder / "envelope.json").write_text((SCHEMAS_FOLDER / "envelope.json").read_text())
    return folder


def test_every_published_schema_reads_every_other_version_of_its_event() -> None:
    schemas = EventSchemas()

    assert len(schemas.names) > 40
    assert schemas.incompatibilities() == []


def test_every_published_schema_can_be_judged_and_names_its_members() -> None:
    for file in sorted(SCHEMAS_FOLDER.glob("*/*.json")):
        schema = json.loads(file.read_text())
        assert incompatibilities(schema, schema) == [], file
        assert schema["title"] == file.parent.name
        assert schema["description"], file
        assert schema["properties"], file
        assert schema["additionalProperties"] is True, f"{file}: a closed schema can never gain a member"


def test_an_incompatible_version_is_found_in_both_directions(tmp_path: Path) -> None:
    narrowed = an_object(
        {"pot": {"type": "string", "enum": ["blue"]}, "minutes": {"type": "integer"}}, "pot", "minutes"
    )
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST, v1_1=narrowed))

    assert schemas.incompatibilities() == [
        "tea.brewed: 1.1 cannot read 1.0: payload.minutes: required by the reader, optional for the writer",
        "tea.brewed: 1.1 cannot read 1.0: payload.pot: the reader does not accept red",
    ]


def test_a_new_major_version_may_break_with_the_old(tmp_path: Path) -> None:
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST, v2_0=an_object({"cup": {"type": "string"}}, "cup")))

    assert schemas.incompatibilities() == []


TEXT, NUMBER, WHOLE = {"type": "string"}, {"type": "number"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("writer", "reader", "expected"),
    [
        (FIRST, SECOND, []),
        (SECOND, FIRST, []),
        (WHOLE, NUMBER, []),
        (NUMBER, WHOLE, ["payload: the reader does not accept the type number"]),
        (TEXT, {"type": ["string", "null"]}, []),
        ({"type": ["string", "null"]}, TEXT, ["payload: the reader does not accept the type null"]),
        ({"const": "a"}, {"enum": ["a", "b"]}, []),
        (TEXT, {"type": "string", "enum": ["a"]}, ["payload: the reader accepts listed values only"]),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}, []),
        (WHOLE, {"type": "integer", "minimum": 0}, ["payload: the reader asks for a higher minimum"]),
        (
            {"type": "string", "maxLength": 9},
            {"type": "string", "maxLength": 5},
            ["payload: the reader asks for a lower maxLength"],
        ),
        (TEXT, {"type": "string", "format": "uuid"}, ["payload: the reader asks for another format"]),
        (
            {"type": "array", "items": an_object({"a": TEXT})},
            {"type": "array", "items": an_object({"a": WHOLE})},
            ["payload[].a: the reader does not accept the type string"],
        ),
        (
            an_object({"a": TEXT}),
            an_object({}, additionalProperties=False),
            ["payload.a: refused by the reader, which allows no other members"],
        ),
        ({"anyOf": [TEXT, {"type": "null"}]}, {"type": ["string", "null"]}, []),
        (TEXT, {"anyOf": [TEXT, {"type": "null"}]}, []),
        (WHOLE, {"oneOf": [TEXT, {"type": "null"}]}, ["payload: no alternative of the reader accepts what is written"]),
        ({"$ref": "#/$defs/t", "$defs": {"t": TEXT}}, TEXT, []),
        ({"type": "object", "patternProperties": {}}, {}, ["payload: cannot judge the keyword patternProperties"]),
    ],
)
def test_a_reader_accepts_all_that_a_writer_may_write(
    writer: dict[str, Any], reader: dict[str, Any], expected: list[str]
) -> None:
    assert incompatibilities(writer, reader) == expected


def test_a_producer_writes_only_what_its_schema_names(tmp_path: Path) -> None:
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST))

    schemas.check_written("tea.brewed", "1.0", {"pot": "blue"})
    for payload in ({"pot": "green"}, {}, {"pot": "blue", "minuets": 3}):
        with pytest.raises(InvalidEvent):
            schemas.check_written("tea.brewed", "1.0", payload)
    with pytest.raises(InvalidEvent, match=r"no schema for tea\.brewed 1\.1"):
        schemas.check_written("tea.brewed", "1.1", {"pot": "blue"})


def test_a_consumer_reads_members_and_minor_versions_that_it_does_not_know(tmp_path: Path) -> None:
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST))

    schemas.check_read(BODY)
    schemas.check_read({**BODY, "event_version": "1.7", "payload": {"pot": "red", "minutes": 4}})
    for version in ("2.0", "0.9"):
        with pytest.raises(InvalidEvent):
            schemas.check_read({**BODY, "event_version": version})


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"pot": "green"}},
        {"payload": []},
        {"event_name": "Tea"},
        {"event_version": 1},
        {"occurred_at": "yesterday"},
        {"occurred_at": "2025-08-26T12:00:00+02:00"},
        {"idempotency_key": "tea:1"},
        {"idempotency_key": "tea:11111111-1111-1111-8111-111111111111"},
        {"surplus": True},
    ],
)
def test_a_body_that_breaks_the_contract_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST))

    with pytest.raises(InvalidEvent):
        schemas.check_read({**BODY, **change})


def test_a_refusal_does_not_repeat_the_value(tmp_path: Path) -> None:
    schemas = EventSchemas(folder_with(tmp_path, v1_0=FIRST))

    with pytest.raises(InvalidEvent) as caught:
        schemas.check_written("tea.brewed", "1.0", {"pot": "a secret"})

    assert "a secret" not in str(caught.value)
    assert "pot" in str(caught.value)
