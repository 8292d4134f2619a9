"""Where a request names an operation by an id instead of sending its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import RequestRefused
from gateway.persisted.manifest import plain_id
from gateway.persisted.policy import Reference

_LONGEST_ID = 512


def find_reference(parameters: Mapping[str, Any], path_id: str | None = None) -> Reference | None:
    """The id in `documentId` (GraphQL over HTTP), `doc_id` (Relay), the path, or `extensions.persistedQuery` (Apollo).

    Only the last may come with a query. Raises RequestRefused for more than one, and for one that is no id.
    """
    found = [value for value in (path_id, parameters.get("documentId"), parameters.get("doc_id")) if value is not None]
    automatic = _automatic(parameters.get("extensions"))
    if not found:
        return automatic
    if parameters.get("query") is not None:
        raise RequestRefused("CANNOT_SEND_PQ_ID_AND_BODY", "Send an id or a query, not both.")
    if len(found) > 1 or automatic is not None:
        raise RequestRefused("BAD_REQUEST", "Name the operation in one place.")
    return Reference(_id(found[0]))


def _automatic(extensions: Mapping[str, Any] | None) -> Reference | None:
    entry = extensions.get("persistedQuery") if extensions else None
    if entry is None:
        return None
    if not isinstance(entry, dict) or entry.get("version") != 1:
        raise RequestRefused("BAD_REQUEST", "The extension persistedQuery must be of version 1.")
    return Reference(_id(entry.get("sha256Hash")), automatic=True)


def _id(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= _LONGEST_ID:
        raise RequestRefused("BAD_REQUEST", f"An operation's id is a string of 1 to {_LONGEST_ID} characters.")
    return plain_id(value)
