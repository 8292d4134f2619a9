"""The types that audit adds to the graph."""

from __future__ import annotations

from datetime import datetime

import strawberry

from shared.graphql.types import Node
from subgraphs.audit import domain


@strawberry.federation.type(keys=["id"], description="A person with an account.")
class User:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.type(description="One thing that happened, kept for ever and chained to what happened before.")
class AuditEntry(Node):
    position: int = strawberry.field(description="Its place in the chain, from 1.")
    action: str = strawberry.field(description="The event's name, such as seller.approved.")
    actor: User | None = strawberry.field(description="Who did it, where somebody did.")
    target_type: str = strawberry.field(description="What kind of thing it was done to.")
    target_id: strawberry.ID = strawberry.field(description="Its id.")
    details: str = strawberry.field(description="What the event said, as canonical JSON: ids and figures.")
    correlation_id: str = strawberry.field(description="The story it belongs to.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    recorded_at: datetime = strawberry.field(description="When it was written down.")
    previous_hash: str = strawberry.field(description="Hash of the entry before it, in hex.")
    hash: str = strawberry.field(description="SHA-256 over this entry and the hash before it, in hex.")

    @classmethod
    def of(cls, entry: domain.AuditEntry) -> AuditEntry:
        return cls(
            id=strawberry.ID(str(entry.id)),
            position=entry.position,
            action=entry.action,
            actor=User(id=strawberry.ID(str(entry.actor_id))) if entry.actor_id else None,
            target_type=entry.target_type,
            target_id=strawberry.ID(str(entry.target_id)),
            details=entry.details,
            correlation_id=entry.correlation_id,
            occurred_at=entry.occurred_at,
            recorded_at=entry.recorded_at,
            previous_hash=entry.previous_hash,
            hash=entry.hash,
        )


@strawberry.type(description="What a walk along the whole chain found.")
class AuditChainCheck:
    intact: bool = strawberry.field(description="Whether every entry fits the one before it.")
    checked: int = strawberry.field(description="How many entries fit, from the first on.")
    broken_at: int | None = strawberry.field(description="Position of the first entry that does not fit.")

    @classmethod
    def of(cls, check: domain.ChainCheck) -> AuditChainCheck:
        return cls(intact=check.intact, checked=check.checked, broken_at=check.broken_at)


@strawberry.input(description="What to list; everything that is given must fit.")
class AuditFilter:
    action: str | None = strawberry.field(default=None, description="An event's name.")
    actor_id: strawberry.ID | None = strawberry.field(default=None, description="Who did it.")
    target_id: strawberry.ID | None = strawberry.field(default=None, description="What it was done to.")
    since: datetime | None = strawberry.field(default=None, description="From this moment on.")
    until: datetime | None = strawberry.field(default=None, description="Before this moment.")
