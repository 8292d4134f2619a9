"""One supergraph as it is served: everything that is exchanged when a new file comes, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor as Threads
from typing import Any

from graphql import GraphQLSchema

from gateway.errors import RequestRefused
from gateway.executor.executor import Executor
from gateway.executor.source_streams import SourceStreams
from gateway.pipeline.cache import SingleFlightCache
from gateway.pipeline.deferred import DeferredOperation, Variant
from gateway.pipeline.keys import PreparationKey, VariantKey
from gateway.pipeline.known import KnownOperations
from gateway.pipeline.labels import OverrideLabels
from gateway.pipeline.prepare import Preparation, PreparedOperation
from gateway.security.access_rules import Grants
from gateway.telemetry.metrics import PREPARE_SECONDS, PREPARED

_HIT = PREPARED.labels("hit")


class ServedGraph:
    """`schema` is the API schema, `grants` are those that matter anywhere in it. `known` are the manifests' operations, if any.

    A request keeps the graph it began with, whatever is served meanwhile. Preparing takes milliseconds of pure computation:
    on a thread of its own (`threads`, of one) it holds nothing up.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        preparation: Preparation,
        executor: Executor,
        sources: SourceStreams,
        labels: OverrideLabels,
        grants: Grants,
        operations_kept: int,
    ) -> None:
        self.schema = schema
        self.executor = executor
        self.sources = sources
        self.grants = grants
        self.known: KnownOperations | None = None
        self._labels = labels
        self._preparation = preparation
        self._prepared: SingleFlightCache[PreparationKey, PreparedOperation] = SingleFlightCache(operations_kept)
        self._variants: SingleFlightCache[VariantKey, Variant] = SingleFlightCache(operations_kept)
        self._relevant: SingleFlightCache[tuple[str, str | None], Grants] = SingleFlightCache(operations_kept)

    def key(self, text: str, operation_name: str | None, grants: Grants) -> PreparationKey:
        """What to look an operation up by. Of the grants only those count that decide what of it is refused."""
        if self.grants:
            relevant = self.known.relevant.get((text, operation_name)) if self.known is not None else None
            if relevant is None:
                relevant = self._relevant.find((text, operation_name))
            grants &= self.grants if relevant is None else relevant
        labels = self._labels.constant
        if labels is None:
            labels = self._labels.active()
        # As `PreparationKey(…)`, which takes several times as long.
        return tuple.__new__(PreparationKey, (text, operation_name, labels, grants))

    def find(self, key: PreparationKey) -> PreparedOperation | None:
        """The prepared operation, if it is kept."""
        prepared = None if self.known is None else self.known.prepared.get(key)
        if prepared is None:
            prepared = self._prepared.find(key)
        if prepared is not None:
            _HIT.value += 1
        return prepared

    async def prepare(self, key: PreparationKey, threads: Threads) -> PreparedOperation:
        """Prepare an operation and keep it. Raises RequestRefused."""

        async def make() -> PreparedOperation:
            with PREPARE_SECONDS.time():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(threads, self._preparation.prepare, key)

        prepared = await self._prepared.make(key, make)
        if self.grants:
            self._relevant.keep(key[:2], prepared.relevant)
            self._prepared.keep(key._replace(grants=key.grants & prepared.relevant), prepared)
        return prepared

    async def defer(
        self, key: PreparationKey, prepared: PreparedOperation, values: Mapping[str, Any], threads: Threads
    ) -> DeferredOperation | None:
        """What of a prepared operation is put off with these values of its variables; None where nothing is."""
        if prepared.deferred is None:
            return None
        active = prepared.deferred.active(values)
        if prepared.deferred.prepared is not None:
            return prepared.deferred.prepared[active].operation
        variant_key = VariantKey(key._replace(grants=key.grants & prepared.relevant), active)
        variant = self._variants.find(variant_key) or await self._prepare_variant(variant_key, threads)
        return variant.operation

    async def _prepare_variant(self, key: VariantKey, threads: Threads) -> Variant:
        async def make() -> Variant:
            with PREPARE_SECONDS.time():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(threads, self._preparation.prepare_variant, key)

        return await self._variants.make(key, make)

    def new_known(self, earlier: KnownOperations | None = None) -> KnownOperations:
        """To be filled with the manifests' operations, taking over from `earlier` ones of this graph."""
        return KnownOperations(self._preparation, self._labels.possible(), earlier)

    def keys(self) -> tuple[PreparationKey, ...]:
        """What is kept, least recently used first."""
        return self._prepared.keys()

    async def warm(self, keys: Iterable[PreparationKey], threads: Threads) -> int:
        """Prepare operations ahead of their next request; gives how many still fit the graph."""
        warmed = 0
        for key in keys:
            if self.known is not None and key in self.known.prepared:
                continue
            try:
                # One by one, so that requests which need the thread meanwhile come in between.
                await self.prepare(key._replace(grants=key.grants & self.grants), threads)
            except RequestRefused:
                continue
            warmed += 1
        return warmed
