"""Whether the session behind an access token still lives: asked of Redis first, of Postgres where Redis does not know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

import orjson

from shared.auth.actor import Actor, Role
from shared.cache.redis_cache import RedisCache
from shared.db.database import UnitOfWork
from shared.errors import Unauthenticated
from subgraphs.accounts.domain.sessions import LiveSession
from subgraphs.accounts.domain.users import Rights

FindSession = Callable[[UUID], Awaitable[LiveSession | None]]
_ENDED = b"null"


class SessionGuard:
    """`cache` has the prefix `session`; its keys are session ids.

    An entry says who the session's user is and what they may do now, or that it has ended. Its life in the cache is
    the longest that accounts may believe an ended session where Redis misses the news.
    """

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache

    async def require_live(self, actor: Actor, find: FindSession) -> None:
        """Raises Unauthenticated for a visitor, an ended session, and a token that claims more than its user may do."""
        user_id = actor.require_user()
        if actor.session_id is None:
            raise Unauthenticated("Sign in again: this session has ended.")
        known = await self._find(actor.session_id, find)
        if known is None or known.user_id != user_id:
            raise Unauthenticated("Sign in again: this session has ended.")
        if not known.rights.cover(actor.roles, actor.seller_id):
            raise Unauthenticated("Your roles have changed: refresh your session.")

    def end(self, uow: UnitOfWork, session_ids: Iterable[UUID]) -> None:
        """Once the unit of work is committed, these sessions are known to have ended."""
        entries = {str(session_id): _ENDED for session_id in session_ids}
        uow.after_commit.append(partial(self._cache.put_all, entries))

    def forget(self, uow: UnitOfWork, session_ids: Iterable[UUID]) -> None:
        """Once the unit of work is committed, what these sessions may do is asked of Postgres again."""
        uow.after_commit.append(partial(self._cache.drop, *map(str, session_ids)))

    async def _find(self, session_id: UUID, find: FindSession) -> LiveSession | None:
        stored = await self._cache.find(str(session_id))
        if stored is not None:
            return _decode(stored)
        found = await find(session_id)
        await self._cache.put(str(session_id), _encode(found))
        return found


def _encode(live: LiveSession | None) -> bytes:
    if live is None:
        return _ENDED
    seller_id = live.rights.seller_id
    document = {
        "user_id": str(live.user_id),
        "roles": sorted(live.rights.roles),
        "seller_id": str(seller_id) if seller_id else None,
    }
    return orjson.dumps(document)


def _decode(stored: bytes) -> LiveSession | None:
    document: dict[str, Any] | None = orjson.loads(stored)
    if document is None:
        return None
    seller_id = document["seller_id"]
    roles = frozenset(Role(role) for role in document["roles"])
    return LiveSession(UUID(document["user_id"]), Rights(roles, UUID(seller_id) if seller_id else None))
