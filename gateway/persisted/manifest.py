"""What a client may ask, as its tools write it down: Apollo's manifest version 1, or a map of ids to texts (Relay, codegen)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLSyntaxError, OperationDefinitionNode, parse

from gateway.errors import GatewayError

MOST_OPERATIONS = 5000
_APOLLO_FORMAT, _APOLLO_VERSION = "apollo-persisted-query-manifest", 1
_LONGEST_ID = 256
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")


class ManifestError(GatewayError):
    """A manifest that cannot be used; the message says which client's, and what is wrong with it."""

    def __init__(self, client: str, problem: str) -> None:
        super().__init__("MANIFEST_INVALID", f"The manifest of {client} cannot be used: {problem}")


@dataclass(frozen=True, slots=True, eq=False)
class KnownOperation:
    """One listed operation. `text` is the one string by which it is looked up from here on, so it is hashed once.

    `names` are the operations in the text; `name` stands for them in figures and messages.
    """

    client: str
    id: str
    name: str
    names: tuple[str, ...]
    text: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that one client may ask."""

    client: str
    operations: tuple[KnownOperation, ...]


def read_manifest(client: str, content: bytes) -> Manifest:
    """The manifest in either form. Raises ManifestError."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ManifestError(client, f"it is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ManifestError(client, "it is no JSON object.")
    entries = list(_apollo_entries(client, document) if "operations" in document else _map_entries(client, document))
    if len(entries) > MOST_OPERATIONS:
        raise ManifestError(client, f"it has more than {MOST_OPERATIONS} operations.")
    operations: dict[str, KnownOperation] = {}
    for id_, name, text in entries:
        operation = _operation(client, id_, name, text)
        if operation.id in operations:
            raise ManifestError(client, f"the id {id_} stands there twice.")
        operations[operation.id] = operation
    return Manifest(client, tuple(operations.values()))


def plain_id(id_: str) -> str:
    """An id without the prefix of GraphQL over HTTP: `sha256:` before 64 hexadecimal digits says nothing that they do not."""
    match = _SHA256.fullmatch(id_)
    return match[1] if match else id_


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _apollo_entries(client: str, document: Mapping[str, Any]) -> Iterable[tuple[str, str | None, str]]:
    form, version, listed = document.get("format"), document.get("version"), document["operations"]
    if (form, version) != (_APOLLO_FORMAT, _APOLLO_VERSION):
        wanted = f"{_APOLLO_FORMAT!r} version {_APOLLO_VERSION}"
        raise ManifestError(client, f"its format is {form!r} version {version!r}; {wanted} is what is read here.")
    if not isinstance(listed, list):
        raise ManifestError(client, "its operations are no list.")
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict):
            raise ManifestError(client, f"its operation number {number} is no object.")
        id_, name, text = entry.get("id"), entry.get("name"), entry.get("body")
        if not isinstance(id_, str) or not isinstance(text, str) or not isinstance(name, str | None):
            raise ManifestError(client, f"its operation number {number} lacks an id, a name or a body of text.")
        if entry.get("clientName") not in (None, client):
            raise ManifestError(client, f"the operation {name or id_} belongs to {entry['clientName']}.")
        yield id_, name, text


def _map_entries(client: str, document: Mapping[str, Any]) -> Iterable[tuple[str, str | None, str]]:
    if "format" in document or "version" in document:
        raise ManifestError(client, "it names a format but has no operations.")
    for id_, text in document.items():
        if not isinstance(text, str):
            raise ManifestError(client, f"under the id {id_} there is no text.")
        yield id_, None, text


def _operation(client: str, id_: str, name: str | None, text: str) -> KnownOperation:
    if not 1 <= len(id_) <= _LONGEST_ID:
        raise ManifestError(client, f"an id has 1 to {_LONGEST_ID} characters, not {len(id_)}.")
    digest, names = sha256_of(text), _names_in(text)
    if _SHA256.fullmatch(id_) and plain_id(id_) != digest:
        raise ManifestError(client, f"the id {id_} is not the SHA-256 of its text.")
    return KnownOperation(client, plain_id(id_), name or " ".join(names) or "anonymous", names, text, digest)


def _names_in(text: str) -> tuple[str, ...]:
    """The names of the operations in a document; none where it cannot be parsed, which is told where it is prepared."""
    try:
        definitions = parse(text).definitions
    except (GraphQLSyntaxError, RecursionError):
        return ()
    return tuple(
        node.name.value for node in definitions if isinstance(node, OperationDefinitionNode) and node.name is not None
    )
