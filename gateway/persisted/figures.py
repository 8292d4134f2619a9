"""The manifests in /metrics and in the log. Labels come from manifests alone, and end with them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping

from gateway.persisted.manifest import KnownOperation
from gateway.persisted.store import Manifests
from gateway.telemetry.metrics import MANIFEST_OPERATIONS, MANIFEST_REFUSED, OPERATIONS

logger = logging.getLogger(__name__)


class ManifestFigures:
    """Counts the requests for each listed operation and shows the state of each manifest."""

    def __init__(self) -> None:
        self._counters: Mapping[KnownOperation, Callable[[], None]] = {}
        self._operations: frozenset[tuple[str, str]] = frozenset()
        self._clients: frozenset[str] = frozenset()

    def count(self, operation: KnownOperation) -> None:
        """A request for this operation."""
        self._counters[operation]()

    def show(
        self, manifests: Manifests, operations: Iterable[KnownOperation], problems: Mapping[KnownOperation, str]
    ) -> None:
        """These are in force from now on. `problems` are the operations that do not fit the supergraph, and why."""
        self._bind(operations)
        for operation, problem in problems.items():
            detail = {"client": operation.client, "operation": operation.name, "id": operation.id, "detail": problem}
            logger.error("a listed operation cannot be served", extra=detail)
        clients = frozenset((*manifests.of, *manifests.problems))
        for gone in self._clients - clients:
            MANIFEST_REFUSED.remove(gone)
            MANIFEST_OPERATIONS.remove(gone, "ready")
            MANIFEST_OPERATIONS.remove(gone, "unfit")
        for client in clients:
            unfit = sum(operation.client == client for operation in problems)
            total = len(manifests.of[client].operations) if client in manifests.of else 0
            MANIFEST_REFUSED.labels(client).set(client in manifests.problems)
            MANIFEST_OPERATIONS.labels(client, "unfit").set(unfit)
            MANIFEST_OPERATIONS.labels(client, "ready").set(total - unfit)
        self._clients = clients

    def _bind(self, operations: Iterable[KnownOperation]) -> None:
        self._counters = {o: OPERATIONS.labels(o.client, o.name).inc for o in operations}
        bound = frozenset((operation.client, operation.name) for operation in self._counters)
        for gone in self._operations - bound:
            OPERATIONS.remove(*gone)
        self._operations = bound
