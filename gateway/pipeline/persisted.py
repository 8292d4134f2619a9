"""persisted: from what a client sent, an id or a text, to the text that runs, or a refusal."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor as Threads
from typing import Protocol

from gateway.errors import RequestRefused
from gateway.persisted.config import PersistedConfig
from gateway.persisted.figures import ManifestFigures
from gateway.persisted.manifest import sha256_of
from gateway.persisted.policy import Lists, Mode, Rules, Verdict, judge, not_found, not_supported
from gateway.persisted.store import Manifests
from gateway.pipeline.graph import ServedGraph
from gateway.pipeline.known import KnownOperations
from gateway.pipeline.request import GraphQLRequest
from gateway.telemetry.metrics import PARTNER_REQUESTS, UNKNOWN_OPERATIONS

logger = logging.getLogger(__name__)

_FIRST_PARTY = "(first party)"
"""Who asks without an API key, in figures: no name that a client gives itself, nor one that a partner could have."""


class Automatic(Protocol):
    """Texts kept by their hash. Neither call ever fails."""

    async def find(self, digest: str) -> str | None: ...

    async def keep(self, digest: str, text: str) -> None: ...

    async def close(self) -> None: ...


class PersistedOperations:
    """What may run, by the manifests in force, and their operations prepared for the graph that is served."""

    def __init__(self, config: PersistedConfig, manifests: Manifests, automatic: Automatic | None = None) -> None:
        self._max_age = config.max_age
        self._automatic = automatic
        self._clients = config.clients
        self._partners = Rules(config.partners, config.require_id)
        keeps = automatic is not None and config.first_party is not Mode.LISTED
        self._first_party = Rules(config.first_party, config.require_id, keeps)
        self._manifests = manifests
        self._lists = Lists(manifests.of, self._clients)
        self._figures = ManifestFigures()

    def begin(self, graph: ServedGraph) -> None:
        """Prepare everything for the first graph, before anybody can ask."""
        graph.known = graph.new_known()
        for operation in self._lists.operations:
            graph.known.add(operation)
        self._figures.show(self._manifests, self._lists.operations, graph.known.problems())

    async def prepare_for(self, graph: ServedGraph, threads: Threads) -> None:
        """Prepare everything for a graph that is about to be served."""
        graph.known = await _fill(graph.new_known(), self._lists, threads)
        self._figures.show(self._manifests, self._lists.operations, graph.known.problems())

    async def replace(self, manifests: Manifests, graph: ServedGraph, threads: Threads) -> None:
        """Prepare other manifests' operations for the graph that is served, then have them in force at once."""
        lists = Lists(manifests.of, self._clients)
        known = await _fill(graph.new_known(graph.known), lists, threads)
        self._figures.show(manifests, lists.operations, known.problems())
        graph.known, self._lists, self._manifests = known, lists, manifests

    async def admit(self, request: GraphQLRequest, partner: str | None) -> str:
        """The text to run for a partner, or for anybody else. Raises RequestRefused."""
        rules, listed = self._first_party, self._lists.first_party
        if partner is not None:
            rules, listed = self._partners, self._lists.of_partner(partner)
        try:
            verdict = judge(listed, rules, request.reference, request.query)
        except RequestRefused:
            if partner is not None:
                PARTNER_REQUESTS.labels(partner, "not_listed").inc()
            raise
        if verdict.operation is not None:
            self._figures.count(verdict.operation)
        if verdict.unknown:
            _note_unknown(partner or _FIRST_PARTY, request)
        if verdict.text is None or verdict.keep:
            return await self._automatically(request, verdict)
        return verdict.text

    def max_age(self, text: str) -> int | None:
        """For how long a visitor's answer to a listed query may be kept by others."""
        operation = self._lists.first_party.by_text.get(text) if self._max_age else None
        return None if operation is None else self._max_age.get(operation.name)

    async def close(self) -> None:
        if self._automatic is not None:
            await self._automatic.close()

    async def _automatically(self, request: GraphQLRequest, verdict: Verdict) -> str:
        reference, automatic = request.reference, self._automatic
        if reference is None or automatic is None:
            raise not_supported()
        if verdict.text is not None:
            await automatic.keep(reference.id, verdict.text)
            return verdict.text
        text = await automatic.find(reference.id)
        if text is None:
            raise not_found()
        return text


async def _fill(known: KnownOperations, lists: Lists, threads: Threads) -> KnownOperations:
    """One by one, so that requests which need the thread meanwhile come in between."""
    loop = asyncio.get_running_loop()
    for operation in lists.operations:
        await loop.run_in_executor(threads, known.add, operation)
    return known


def _note_unknown(client: str, request: GraphQLRequest) -> None:
    UNKNOWN_OPERATIONS.labels(client).inc()
    detail = {"client": client, "operation": request.operation_name, "sha256": sha256_of(request.query)}
    logger.warning("an operation runs that no manifest lists", extra=detail)
