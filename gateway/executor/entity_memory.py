"""No entity is asked the same twice in one operation: later fetches take the answers of earlier ones, or wait for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.executor.compiled import CompiledTarget
from gateway.executor.entity_loader import EntityBatch, merge_entity
from gateway.executor.merge import copy_tree


@dataclass(slots=True)
class _Asked:
    """One entity of a batch that was sent. `answer` stays None where none came."""

    batch: EntityBatch
    number: int
    flight: Flight
    answer: Any = None


@dataclass(slots=True)
class Flight:
    """One request with shared questions. `landed` is set once its answer is merged, or none will come. `grew` says that earlier
    answers may have brought new objects."""

    asked: list[tuple[tuple[int, bytes], _Asked]] = field(default_factory=list)
    waits_for: list[asyncio.Future[None]] = field(default_factory=list)
    grew: bool = False
    landed: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class EntityMemory:
    """What was asked in one execution, by slot and representation."""

    def __init__(self, concrete: frozenset[str]) -> None:
        self._asked: dict[tuple[int, bytes], _Asked] = {}
        self._concrete = concrete

    def sort_out(
        self, targets: Sequence[CompiledTarget], batches: Sequence[EntityBatch]
    ) -> tuple[Flight, list[EntityBatch]]:
        """The batches without what was asked before: what has been answered is merged here and now, and the places of what
        is under way are added to the batch that it belongs to, whose `flight` has to be waited for."""
        flight = Flight()
        fresh = [
            batch if target.slot is None else self._fresh(target, target.slot, batch, flight)
            for target, batch in zip(targets, batches, strict=True)
        ]
        return flight, fresh

    def _fresh(self, target: CompiledTarget, slot: int, batch: EntityBatch, flight: Flight) -> EntityBatch:
        fresh = EntityBatch(batch.target, [], [], list(batch.paths))
        for representation, places in zip(batch.representations, batch.places, strict=True):
            key = (slot, representation)
            known = self._asked.get(key)
            if known is None:
                known = self._asked[key] = _Asked(fresh, len(fresh.places), flight)
                flight.asked.append((key, known))
                fresh.representations.append(representation)
                fresh.places.append(places)
            elif known.answer is not None or known.flight.landed.done():
                answer = known.answer if target.leaves_only else copy_tree(known.answer, target.shape)
                merge_entity(places, answer, target.shape, self._concrete, leaves_only=target.leaves_only)
                flight.grew |= not target.leaves_only
            else:
                known.batch.places[known.number].extend(places)
                known.batch.paths.extend(path for path in batch.paths if path not in known.batch.paths)
                if known.flight is not flight:
                    flight.waits_for.append(known.flight.landed)
        return fresh

    def answered(self, target: CompiledTarget, batch: EntityBatch, results: Sequence[Any]) -> None:
        """Keep the answers to a batch, before they are merged. What was not answered may be asked again."""
        for (slot, representation), result in zip(
            ((target.slot, representation) for representation in batch.representations), results, strict=True
        ):
            if slot is not None and type(result) is dict:
                asked = self._asked[(slot, representation)]
                asked.answer = result if target.leaves_only else copy_tree(result, target.shape)

    def land(self, flight: Flight) -> None:
        """Nothing more will come of a request."""
        for key, asked in flight.asked:
            if asked.answer is None and self._asked.get(key) is asked:
                del self._asked[key]
        # Those asked know their flight: left alone they would wait together for the collector.
        flight.asked.clear()
        if not flight.landed.done():
            flight.landed.set_result(None)
