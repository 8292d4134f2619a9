"""From a subgraph's answer to the entries that are kept of it. Errors are never kept, nor is what is not there. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

import orjson

from gateway.cache.policy import CachePolicy, FetchPolicy
from shared.cache.entries import Entry


@dataclass(frozen=True, slots=True)
class Limits:
    """What is larger, or about more, is not kept."""

    max_bytes: int
    max_tags: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What the cache did not have of one target, in the order of the request; no keys where it is not public.

    Of a root fetch the one representation is empty.
    """

    keys: Sequence[str]
    representations: Sequence[bytes]


def entries_of(policy: FetchPolicy, missing: Sequence[Missing], body: bytes, limits: Limits) -> dict[str, Entry]:
    """By key; nothing of an answer with an error. `body` may be anything. Raises JSONDecodeError where it is no JSON."""
    payload = orjson.loads(body)
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict) or payload.get("errors"):
        return {}
    entries: dict[str, Entry] = {}
    for index, (cached, asked) in enumerate(zip(policy.policies, missing, strict=True)):
        if cached is None:
            continue
        results = data.get(policy.aliases[index]) if policy.aliases else [data]
        if not isinstance(results, list) or len(results) != len(asked.keys):
            continue
        for key, representation, result in zip(asked.keys, asked.representations, results, strict=True):
            if entry := _entry(policy, cached, representation, result, limits):
                entries[key] = entry
    return entries


def _entry(
    policy: FetchPolicy, cached: CachePolicy, representation: bytes, result: Any, limits: Limits
) -> Entry | None:
    if not isinstance(result, dict) or (not policy.aliases and None in result.values()):
        return None
    content = orjson.dumps(result)
    if len(content) > limits.max_bytes:
        return None
    # What is about too much would be looked through for its tags for long: one more than allowed tells.
    tags = frozenset(islice(_distinct(_tags(policy, cached, representation, result)), limits.max_tags + 1))
    if len(tags) > limits.max_tags:
        return None
    return Entry(content, tags, timedelta(seconds=cached.max_age))


def _tags(policy: FetchPolicy, cached: CachePolicy, representation: bytes, result: Mapping[str, Any]) -> Iterator[str]:
    yield from cached.lists
    if policy.aliases:
        entity = orjson.loads(representation)
        yield from policy.keys.tags(entity["__typename"], entity)
    yield from cached.node.tags(result, itself=False)


def _distinct(tags: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in tags:
        if name not in seen:
            seen.add(name)
            yield name
