"""Idempotency of writes from outside (IETF draft Idempotency-Key): the record lives in the effect's transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.errors import Conflict, Refusal


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Whose key it is: `caller` (a user, a guest's session, `anonymous`), the operation and the client's key.

    `fingerprint` is of the validated input, so reordered JSON counts as the same request.
    """

    caller: str
    operation: str
    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredRefusal:
    """A refusal as the client was told it."""

    code: str
    message: str
    field: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write did: the ids of what it touched, or why it was refused. A replay answers from this alone.

    It holds no secret and no personal value; the payload's objects are read afresh by id.
    """

    ids: Mapping[str, str]
    refusals: tuple[StoredRefusal, ...] = ()

    @classmethod
    def of(cls, **ids: object) -> Outcome:
        return cls({name: str(value) for name, value in ids.items() if value is not None})

    @classmethod
    def refused(cls, refusal: Refusal) -> Outcome:
        return cls({}, (StoredRefusal(refusal.code, refusal.message, refusal.field),))

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Outcome:
        refusals = tuple(
            StoredRefusal(r["code"], r["message"], tuple(r["field"]) if r["field"] else None)
            for r in document["refusals"]
        )
        return cls(document["ids"], refusals)


def fingerprint(values: Mapping[str, Any]) -> str:
    """SHA-256 over the canonical JSON of the input without its idempotency key."""
    return hashlib.sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS, default=str)).hexdigest()


class IdempotencyKeyReused(Conflict):
    def __init__(self) -> None:
        super().__init__("IDEMPOTENCY_KEY_REUSED", "This idempotency key was used for another request.")


def check_fingerprint(request: RequestKey, stored: str) -> None:
    """Raises IdempotencyKeyReused where the same key comes with other input."""
    if stored != request.fingerprint:
        raise IdempotencyKeyReused


async def claim(session: AsyncSession, request: RequestKey) -> Outcome | None:
    """Claim the key in this transaction: None means go on; otherwise the outcome of the request that came first.

    A concurrent request with the same key waits here for the first one's commit, on the primary key's index entry.
    """
    claimed = await session.execute(
        text(
            "INSERT INTO idempotency_record (caller, operation, key, fingerprint)"
            " VALUES (:caller, :operation, :key, :fingerprint) ON CONFLICT DO NOTHING RETURNING 1"
        ),
        _columns(request) | {"fingerprint": request.fingerprint},
    )
    if claimed.first() is not None:
        return None
    row = (
        await session.execute(
            text(
                "SELECT fingerprint, outcome FROM idempotency_record"
                " WHERE caller = :caller AND operation = :operation AND key = :key"
            ),
            _columns(request),
        )
    ).one()
    check_fingerprint(request, row.fingerprint)
    return Outcome.from_json(row.outcome)


async def record(session: AsyncSession, request: RequestKey, outcome: Outcome) -> None:
    """Keep the outcome beside the effect; both commit or neither does."""
    await session.execute(
        text(
            "UPDATE idempotency_record SET outcome = CAST(:outcome AS jsonb)"
            " WHERE caller = :caller AND operation = :operation AND key = :key"
        ),
        _columns(request) | {"outcome": outcome.to_json().decode()},
    )


def _columns(request: RequestKey) -> dict[str, str]:
    return {"caller": request.caller, "operation": request.operation, "key": request.key}
