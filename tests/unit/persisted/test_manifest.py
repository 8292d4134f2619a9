"""The forms in which clients' tools write manifests, and what is wrong with those that cannot be used."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.persisted.manifest import ManifestError, plain_id, read_manifest, sha256_of

TEXT = "query Here { here }"
HASH = sha256_of(TEXT)
ENTRY = {"id": HASH, "name": "Here", "type": "query", "body": TEXT}


def apollo(*operations: Any, **changes: Any) -> bytes:
    document = {"format": "apollo-persisted-query-manifest", "version": 1, "operations": operations, **changes}
    return orjson.dumps(document)


def test_an_apollo_manifest_is_read() -> None:
    manifest = read_manifest("storefront", apollo(ENTRY, {**ENTRY, "id": "custom", "clientName": "storefront"}))
    first, second = manifest.operations
    assert (first.client, first.id, first.name, first.names) == ("storefront", HASH, "Here", ("Here",))
    assert (first.text, first.sha256) == (TEXT, HASH)
    assert second.id == "custom"


@pytest.mark.parametrize("id_", ["0123456789abcdef0123456789abcdef", "b5a2" * 10, HASH, f"sha256:{HASH}", "x-mine:1"])
def test_a_map_of_ids_to_texts_is_read_as_relay_and_codegen_write_it(id_: str) -> None:
    (operation,) = read_manifest("app", orjson.dumps({id_: TEXT})).operations
    assert (operation.id, operation.name, operation.text) == (plain_id(id_), "Here", TEXT)


def test_an_operation_without_a_name_or_that_cannot_be_parsed_has_a_name_in_figures_all_the_same() -> None:
    manifest = read_manifest("app", orjson.dumps({"1": "{ here }", "2": "{", "3": "query A { here } query B { here }"}))
    assert [(o.name, o.names) for o in manifest.operations] == [
        ("anonymous", ()),
        ("anonymous", ()),
        ("A B", ("A", "B")),
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "it is no JSON: "),
        (b"[]", "it is no JSON object."),
        (apollo(version=2), "its format is 'apollo-persisted-query-manifest' version 2; "),
        (apollo(format="relay"), "its format is 'relay' version 1; "),
        (orjson.dumps({"operations": []}), "its format is None version None; "),
        (orjson.dumps({"format": "x", "version": 1}), "it names a format but has no operations."),
        (orjson.dumps({"1": {"text": TEXT}}), "under the id 1 there is no text."),
        (orjson.dumps({"": TEXT}), "an id has 1 to 256 characters, not 0."),
        (orjson.dumps({f"sha256:{HASH}": "{ there }"}), f"the id sha256:{HASH} is not the SHA-256 of its text."),
        (orjson.dumps({f"sha256:{HASH}": TEXT, HASH: TEXT}), f"the id {HASH} stands there twice."),
        (apollo({**ENTRY, "body": None}), "its operation number 1 lacks an id, a name or a body of text."),
        (apollo(ENTRY, "here"), "its operation number 2 is no object."),
        (apollo({**ENTRY, "clientName": "other"}), "the operation Here belongs to other."),
        (orjson.dumps({str(number): TEXT for number in range(5001)}), "it has more than 5000 operations."),
    ],
)
def test_what_cannot_be_used_is_refused_whole_with_one_reason(content: bytes, problem: str) -> None:
    with pytest.raises(ManifestError) as refused:
        read_manifest("app", content)
    assert refused.value.code == "MANIFEST_INVALID"
    assert refused.value.message.startswith(f"The manifest of app cannot be used: {problem}")
