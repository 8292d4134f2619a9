"""Register, schemas and consumers agree: every binding has a handler, every handled event a publisher and a schema."""

from __future__ import annotations

import importlib
from fnmatch import fnmatchcase

import pytest

from shared.messaging.schemas import EventSchemas
from shared.register import Subgraph, load_register

SUBGRAPHS = load_register().subgraphs
EVENTS = EventSchemas().names
each_subgraph = pytest.mark.parametrize("subgraph", SUBGRAPHS, ids=[s.name for s in SUBGRAPHS])


@each_subgraph
def test_every_bound_event_has_a_schema_and_one_publisher(subgraph: Subgraph) -> None:
    for queue, patterns in subgraph.queues.items():
        for pattern in patterns:
            bound = [name for name in EVENTS if fnmatchcase(name, pattern)]
            assert bound, f"{queue} is bound to {pattern}, which no event schema fits"
            for name in bound:
                publishers = [s.name for s in SUBGRAPHS if name.partition(".")[0] in s.publishes]
                assert len(publishers) == 1, name


def test_every_event_schema_belongs_to_one_publisher() -> None:
    for name in EVENTS:
        publishers = [s.name for s in SUBGRAPHS if name.partition(".")[0] in s.publishes]
        assert len(publishers) == 1, name


@each_subgraph
def test_every_domain_has_its_composition_root(subgraph: Subgraph) -> None:
    module = importlib.import_module(f"subgraphs.{subgraph.name}.app")
    assert callable(module.build)
