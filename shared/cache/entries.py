"""What the tagged cache keeps, and how what it is about is named. Needs no Redis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

EDGE = "edge"
"""The prefix of what the gateway keeps of public answers, and the evictor ends."""

ANY = "*"
"""`Product:*`: the tag of lists, which an object may come into or leave."""

UNNAMED = "?"
"""`Product:?`: the tag of what holds an object whose key it does not tell. Every eviction of a `Product:` key evicts it too."""


def tag(type_name: str, key: str) -> str:
    """The tag of one object; raises ValueError for what no tag can hold."""
    text = f"{type_name}:{key}"
    if not text.isprintable():
        raise ValueError(f"{text!r} is no tag")
    return text


@dataclass(frozen=True, slots=True)
class Entry:
    content: bytes
    tags: frozenset[str]
    life: timedelta
