"""Where a fetch and the cache meet: what the cache has is merged like an answer, and only the rest is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.cache.lookup import Lookup
from gateway.cache.session import CacheSession
from gateway.executor.entity_loader import EntityBatch
from gateway.planner.plan import Fetch

_ROOT: Sequence[Sequence[bytes]] = ((b"",),)
"""A root fetch has one answer and no representation."""


async def look_up(
    session: CacheSession, fetch: Fetch, batches: Sequence[EntityBatch], variables: Mapping[str, Any]
) -> Lookup | None:
    """What the cache has of a fetch; None where nothing was looked up."""
    representations = [batch.representations for batch in batches] if fetch.targets else _ROOT
    return await session.look(fetch.id, representations, variables)


def known(lookup: Lookup, batches: Sequence[EntityBatch]) -> tuple[list[EntityBatch], dict[str, Any]]:
    """What was found, as if it had been asked for and answered: the batches and the answer's data."""
    if not batches:
        return [], lookup.answers[0][0] or {}
    asked: list[EntityBatch] = []
    data: dict[str, Any] = {}
    for batch, answers in zip(batches, lookup.answers, strict=True):
        asked.append(_where(batch, [answer is not None for answer in answers]))
        data[batch.target.alias] = [answer for answer in answers if answer is not None]
    return asked, data


def unknown(lookup: Lookup, batches: Sequence[EntityBatch]) -> list[EntityBatch]:
    """What is still to be asked for."""
    return (
        [
            _where(batch, [answer is None for answer in answers])
            for batch, answers in zip(batches, lookup.answers, strict=True)
        ]
        if batches
        else []
    )


def _where(batch: EntityBatch, chosen: Sequence[bool]) -> EntityBatch:
    return replace(
        batch,
        representations=[item for item, is_chosen in zip(batch.representations, chosen, strict=True) if is_chosen],
        places=[place for place, is_chosen in zip(batch.places, chosen, strict=True) if is_chosen],
    )
