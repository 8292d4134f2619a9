"""One run of a plan: the tree that answers grow into, and what is remembered on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.cache.session import CacheSession
from gateway.executor.compiled import CompiledFetch, CompiledPlan, CompiledTarget
from gateway.executor.entity_loader import EntityBatch
from gateway.executor.entity_memory import EntityMemory
from gateway.executor.header_rules import HeaderLines
from gateway.executor.merge import Tree
from gateway.executor.rewrites import ResponsePath, static_prefix
from gateway.executor.subgraph_errors import FieldError
from gateway.executor.trace import RunTrace


class Execution:
    """What running a plan leaves: the response tree, and the errors met on the way.

    `tracing` are header lines for subgraphs that cannot change an answer. What `cache` has is not asked for. What the requests
    take is noted in `trace`. `answers` are kept of subgraphs whose header lines may concern the client. `structure` counts the
    merges that may have brought new objects, `crowds` keeps the objects of targets by their number.
    """

    # Defaults of the class: most executions have none of these, and every request makes an execution.
    answers: list[tuple[int, str, HeaderLines]] | None = None
    memory: EntityMemory | None = None
    structure: int = 0
    crowds: dict[int, tuple[int, list[Tree]]] | None = None

    def __init__(self, tracing: bytes = b"", cache: CacheSession | None = None, trace: RunTrace | None = None) -> None:
        self.tree: Tree = {}
        self.errors: list[FieldError] = []
        self.tracing = tracing
        self.cache = cache
        self.trace = trace

    def collect(self, target: CompiledTarget) -> EntityBatch:
        """The batch of a target. Where only leaves came in since the same objects were collected, they are known."""
        if target.crowd is None:
            return target.collection.walk(self.tree)[0]
        if self.crowds is None:
            self.crowds = {}
        structure, objects = self.crowds.get(target.crowd, (-1, []))
        if structure == self.structure:
            return target.collection.look(objects, self.tree)
        batch, whole = target.collection.walk(self.tree)
        if whole:
            self.crowds[target.crowd] = (self.structure, [item for places in batch.places for item in places])
        return batch


HeadersFor = Callable[[str], bytes]
"""Header lines for a subgraph, by its name."""


@dataclass(slots=True)
class Run:
    """One execution of a plan with several fetches. `waiting` counts what each fetch still waits for; `landed` is told
    the position of every fetch that is done."""

    plan: CompiledPlan
    execution: Execution
    variables: Mapping[str, Any]
    headers: HeadersFor
    waiting: list[int]
    landed: Callable[[int], None] | None = None


def covers_of(compiled: CompiledFetch, batches: Sequence[EntityBatch]) -> tuple[ResponsePath, ...]:
    """Where in the response a fetch's data belongs: the places whose nulls a failure of the fetch explains."""
    fetch = compiled.fetch
    if fetch.targets:
        return tuple(static_prefix(path) for batch in batches if batch.representations for path in batch.paths)
    if fetch.path:
        return (static_prefix(fetch.path),)
    return tuple((key,) for key in compiled.shape)
