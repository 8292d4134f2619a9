"""Dataloaders over one short read session a batch: no N+1, and no session shared by fields that run side by side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from aiodataloader import DataLoader
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.keyset import Page, PageRequest
from shared.db.scope import Scope
from shared.graphql.context import RequestContext

K = TypeVar("K")
V = TypeVar("V")
Row = TypeVar("Row")
MAX_BATCH = 1000
LoadBatch = Callable[[AsyncSession, Sequence[K]], Awaitable[Mapping[K, V]]]
LoadPages = Callable[[AsyncSession, Sequence[UUID], PageRequest], Awaitable[Mapping[UUID, Page[Row]]]]


def batch_loader(
    context: RequestContext, load: LoadBatch[K, V], scope: Scope | None = None, *, report: bool = False
) -> DataLoader[K, V | None]:
    """A loader by key; what `load` does not answer is None. One read session, seen with the actor's scope, per batch.

    With a `scope` it is seen with that: whoever loads has asked before whether the actor may. A `report` may be read on
    a replica.
    """

    async def load_batch(keys: list[K]) -> list[V | None]:
        read = context.report if report else context.read
        found = await read(lambda session: load(session, keys), scope)
        return [found.get(key) for key in keys]

    return DataLoader(load_batch, max_batch_size=MAX_BATCH)


def page_loader(
    context: RequestContext, load: LoadPages[Row], *, report: bool = False
) -> DataLoader[tuple[UUID, PageRequest], Page[Row]]:
    """A loader of one page a parent: one statement for all parents that are asked for the same page arguments.

    A `report` may be read on a replica.
    """

    async def load_batch(keys: list[tuple[UUID, PageRequest]]) -> list[Page[Row]]:
        by_request: dict[PageRequest, list[UUID]] = defaultdict(list)
        for parent, request in keys:
            by_request[request].append(parent)

        async def load_all(session: AsyncSession) -> dict[tuple[UUID, PageRequest], Page[Row]]:
            pages: dict[tuple[UUID, PageRequest], Page[Row]] = {}
            for request, parents in by_request.items():
                found = await load(session, parents, request)
                pages |= {(parent, request): found.get(parent, Page.empty()) for parent in parents}
            return pages

        pages = await (context.report(load_all) if report else context.read(load_all))
        return [pages[key] for key in keys]

    return DataLoader(load_batch, max_batch_size=MAX_BATCH)
