"""The manifests' operations, prepared for one supergraph before anybody asks for them: the first request pays nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import combinations

from gateway.errors import RequestRefused
from gateway.persisted.manifest import KnownOperation
from gateway.pipeline.deferred import VARIABLES_AHEAD_LISTED
from gateway.pipeline.keys import PreparationKey
from gateway.pipeline.prepare import Preparation, PreparedOperation
from gateway.security.access_rules import AUTHENTICATED, Grants
from gateway.telemetry.operations import LISTED

_MOST_GRANTS = 3
"""Up to so many scopes and policies that matter to an operation, it is prepared for whoever has any of them."""


@dataclass(slots=True)
class _Entry:
    """One operation: prepared under every key that a request may have, or `problem`, why it cannot be."""

    prepared: dict[PreparationKey, PreparedOperation] = field(default_factory=dict)
    relevant: dict[tuple[str, str | None], Grants] = field(default_factory=dict)
    problem: str | None = None


class KnownOperations:
    """`labels` are all combinations of override labels. Filled by `add`; after that it is only read.

    `prepared` is never thinned out: what a manifest lists is bounded by the manifest.
    """

    def __init__(
        self, preparation: Preparation, labels: Iterable[frozenset[str]], earlier: KnownOperations | None = None
    ) -> None:
        self._preparation = preparation
        self._labels = tuple(labels)
        self._earlier = earlier.entries if earlier else {}
        self.entries: dict[KnownOperation, _Entry] = {}
        self.prepared: dict[PreparationKey, PreparedOperation] = {}
        self.relevant: dict[tuple[str, str | None], Grants] = {}

    def add(self, operation: KnownOperation) -> None:
        """Prepare one operation: milliseconds of pure computation, on the thread that prepares."""
        entry = self._earlier.get(operation) or self._prepare(operation)
        self.entries[operation] = entry
        self.prepared |= entry.prepared
        self.relevant |= entry.relevant

    def problems(self) -> dict[KnownOperation, str]:
        """The operations that do not fit the supergraph or pass a limit, and why."""
        return {operation: entry.problem for operation, entry in self.entries.items() if entry.problem}

    def _prepare(self, operation: KnownOperation) -> _Entry:
        # Clients send the operation's name beside its id or they do not: both ask for the same one.
        names = operation.names
        groups: list[tuple[str | None, ...]] = [(None, *names)] if len(names) <= 1 else [(name,) for name in names]
        entry = _Entry()
        try:
            for group in groups:
                self._prepare_group(entry, operation, group)
        except RequestRefused as refusal:
            return _Entry(problem=" ".join(str(item["message"]) for item in refusal.entries))
        return entry

    def _prepare_group(self, entry: _Entry, operation: KnownOperation, names: tuple[str | None, ...]) -> None:
        text = operation.text
        for labels in self._labels:
            key = PreparationKey(text, names[0], labels)
            first = self._prepare_for(key, operation)
            askers = _askers(first.relevant)
            made = {grants: self._prepare_for(key._replace(grants=grants), operation) for grants in askers}
            for grants, prepared in {key.grants: first, **made}.items():
                for name in names:
                    entry.prepared[PreparationKey(text, name, labels, grants)] = prepared
            for name in names:
                # Which grants matter depends on the operation, not on the labels.
                entry.relevant[(text, name)] = first.relevant

    def _prepare_for(self, key: PreparationKey, operation: KnownOperation) -> PreparedOperation:
        prepared = self._preparation.prepare(key, ahead=VARIABLES_AHEAD_LISTED)
        return replace(prepared, meter=LISTED.of(operation.name))


def _askers(relevant: Grants) -> Iterable[Grants]:
    """What those who have anything may have of what matters: any of it or, where that is much, nothing more or all.

    Whoever has a scope or a policy is authenticated.
    """
    basis = relevant & {AUTHENTICATED}
    more = sorted(relevant - basis)
    sizes = range(len(more) + 1) if len(more) <= _MOST_GRANTS else (0, len(more))
    held = (basis.union(some) for size in sizes for some in combinations(more, size))
    return (grants for grants in held if grants)
