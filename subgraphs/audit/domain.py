"""The chain: what an entry holds, what its hash covers, and how a broken link is found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from shared.clock import format_timestamp
from subgraphs.audit.errors import InvalidPeriod

GENESIS = "0" * 64
"""What the first entry names as the hash before it."""


@dataclass(eq=False)
class AuditEntry:
    """Who did what to what. `details` is the event's payload as canonical JSON: ids and figures, no personal value."""

    position: int
    id: UUID
    event_id: UUID
    action: str
    actor_id: UUID | None
    target_type: str
    target_id: UUID
    correlation_id: str
    details: str
    occurred_at: datetime
    recorded_at: datetime
    previous_hash: str
    hash: str = ""

    def seal(self) -> str:
        """The SHA-256, in hex, over everything the entry says and the hash before it."""
        said = [
            self.position,
            str(self.id),
            str(self.event_id),
            self.action,
            str(self.actor_id) if self.actor_id else None,
            self.target_type,
            str(self.target_id),
            self.correlation_id,
            self.details,
            format_timestamp(self.occurred_at),
            format_timestamp(self.recorded_at),
            self.previous_hash,
        ]
        return hashlib.sha256(orjson.dumps(said)).hexdigest()


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """`broken_at` is the position of the first entry that does not fit; None where all do."""

    checked: int
    broken_at: int | None
    last_hash: str

    @property
    def intact(self) -> bool:
        return self.broken_at is None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What to list; None does not limit. Raises InvalidPeriod where `until` lies before `since`."""

    action: str | None = None
    actor_id: UUID | None = None
    target_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until < self.since:
            raise InvalidPeriod


def follow(earlier: ChainCheck, entries: Iterable[AuditEntry]) -> ChainCheck:
    """Check the entries that come after what was checked before."""
    checked, last_hash = earlier.checked, earlier.last_hash
    for entry in entries:
        if entry.position != checked + 1 or entry.previous_hash != last_hash or entry.seal() != entry.hash:
            return ChainCheck(checked, checked + 1, last_hash)
        checked, last_hash = checked + 1, entry.hash
    return ChainCheck(checked, None, last_hash)


START = ChainCheck(checked=0, broken_at=None, last_hash=GENESIS)


def canonical(payload: Mapping[str, Any]) -> str:
    """JSON with sorted keys: the same payload is the same bytes, so a replay rebuilds the same chain.

    An entry outlives an erasure: what names a person, or holds an address or a token though it is sealed, is left out.
    """
    kept = {name: value for name, value in payload.items() if name != "name" and not name.startswith("sealed_")}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS).decode()


def actor_of(action: str, payload: Mapping[str, Any]) -> UUID | None:
    """Who did it: the actor that the event names, else the person whose own deed it tells; None for the system's."""
    named = payload.get("actor_id") or payload.get(_OWN_DEEDS.get(action, ""))
    return UUID(named) if named else None


_OWN_DEEDS = {
    "user.registered": "user_id",
    "user.email_verified": "user_id",
    "user.password_reset_requested": "user_id",
    "user.password_changed": "user_id",
    "user.erasure_requested": "user_id",
    "seller.applied": "owner_id",
    "seller.verification_submitted": "owner_id",
    "order.created": "buyer_id",
    "review.submitted": "author_id",
}
"""Where an event names nobody else, the member of its payload that did it."""
