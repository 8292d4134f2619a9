"""SQL of partners' programs and their keys."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest, SortKey, fetch_page
from subgraphs.accounts import models
from subgraphs.accounts.domain.api_clients import ActiveApiClient, ApiClient, ApiClientKey
from subgraphs.accounts.errors import ApiClientNotFound

_t = models.api_client
_key = models.api_client_key
NEWEST_FIRST: SortKey[ApiClient] = SortKey(
    column=_t.c.created_at,
    id_column=_t.c.id,
    value=lambda client: client.created_at,
    id=lambda client: client.id,
    descending=True,
)


async def get_for_update(session: AsyncSession, client_id: UUID) -> ApiClient:
    """The client, locked until the transaction ends. Raises ApiClientNotFound."""
    found = await session.scalar(select(ApiClient).where(_t.c.id == client_id).with_for_update())
    if found is None:
        raise ApiClientNotFound
    return found


async def add(session: AsyncSession, client: ApiClient) -> bool:
    """Whether the name was free; two that ask for it at once wait for one another here."""
    statement = (
        insert(_t)
        .values({column.name: getattr(client, column.name) for column in _t.columns})
        .on_conflict_do_nothing(index_elements=[_t.c.name])
        .returning(_t.c.id)
    )
    return (await session.execute(statement)).first() is not None


async def count(session: AsyncSession) -> int:
    return await session.scalar(select(func.count()).select_from(_t)) or 0


async def clients_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, ApiClient]:
    found = await session.scalars(select(ApiClient).where(_t.c.id.in_(ids)))
    return {client.id: client for client in found}


async def client_page(session: AsyncSession, request: PageRequest) -> Page[ApiClient]:
    return await fetch_page(session, select(ApiClient), NEWEST_FIRST, request)


async def add_key(session: AsyncSession, client_id: UUID, key_hash: bytes, now: datetime) -> None:
    await session.execute(insert(_key).values(key_hash=key_hash, api_client_id=client_id, created_at=now))


async def end_keys(session: AsyncSession, client_id: UUID, now: datetime, *, current_ends_at: datetime) -> None:
    """The current key ends then; one that was ending already ends now, so that a client never has more than two."""
    of_client = _key.c.api_client_id == client_id
    await session.execute(update(_key).where(of_client, _key.c.expires_at > now).values(expires_at=now))
    await session.execute(update(_key).where(of_client, _key.c.expires_at.is_(None)).values(expires_at=current_ends_at))


async def holds_key(session: AsyncSession, client_id: UUID, key_hash: bytes) -> bool:
    statement = select(_key.c.key_hash).where(_key.c.api_client_id == client_id, _key.c.key_hash == key_hash)
    return (await session.execute(statement)).first() is not None


async def active(session: AsyncSession, now: datetime) -> Sequence[ActiveApiClient]:
    """Every client that may ask, by name, with the keys that are good now."""
    keys: dict[UUID, list[ApiClientKey]] = defaultdict(list)
    statement = select(_key).where(or_(_key.c.expires_at.is_(None), _key.c.expires_at > now))
    for row in await session.execute(statement.order_by(_key.c.created_at)):
        keys[row.api_client_id].append(ApiClientKey(row.key_hash, row.api_client_id, row.expires_at))
    clients = await session.scalars(select(ApiClient).where(_t.c.revoked_at.is_(None)).order_by(_t.c.name))
    return [ActiveApiClient(client, tuple(keys[client.id])) for client in clients]


async def delete_expired_keys(session: AsyncSession, before: datetime) -> None:
    await session.execute(delete(_key).where(_key.c.expires_at < before))
