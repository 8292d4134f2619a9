"""A seed's federation with operations on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.conformance.differential.model import Federation
from tests.conformance.differential.random_contexts import add_contexts
from tests.conformance.differential.random_federation import random_federation
from tests.conformance.differential.random_operation import random_operation
from tests.conformance.differential.world import Monolith

OPERATIONS = 10


@dataclass(frozen=True, slots=True)
class Case:
    """`labels` are the active override labels; an operation is a document with its variables."""

    federation: Federation
    labels: frozenset[str]
    monolith: Monolith
    operations: tuple[tuple[str, Mapping[str, object]], ...]


def random_case(seed: int, *, contexts: bool = False) -> Case:
    """All of it follows from the seed."""
    rnd = Random(seed)
    federation = random_federation(seed)
    if contexts:
        add_contexts(federation, seed)
    labels = frozenset(label for label in federation.labels if rnd.random() < 0.5)
    monolith = Monolith(federation)
    operations = tuple(random_operation(monolith.schema, rnd) for _ in range(OPERATIONS))
    return Case(federation, labels, monolith, operations)
