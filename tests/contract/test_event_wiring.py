"""Register, schemas and consumers agree: every binding has a handler, every handled event a publisher and a schema."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from shared.devstack.keys import GATEWAY_JWKS, SEALING_PUBLIC_KEY, ensure_keys
from shared.messaging.routing import matches
from shared.messaging.schemas import EventSchemas
from shared.register import Subgraph, load_register
from shared.runtime.resources import open_resources

SUBGRAPHS = load_register().subgraphs
EVENTS = EventSchemas().names
each_subgraph = pytest.mark.parametrize("subgraph", SUBGRAPHS, ids=[s.name for s in SUBGRAPHS])


@each_subgraph
def test_every_bound_event_has_a_schema_and_one_publisher(subgraph: Subgraph) -> None:
    for queue, patterns in subgraph.queues.items():
        for pattern in patterns:
            bound = [name for name in EVENTS if matches(pattern, name)]
            assert bound, f"{queue} is bound to {pattern}, which no event schema fits"
            for name in bound:
                publishers = [s.name for s in SUBGRAPHS if name.partition(".")[0] in s.publishes]
                assert len(publishers) == 1, name


def test_every_event_schema_belongs_to_one_publisher() -> None:
    for name in EVENTS:
        publishers = [s.name for s in SUBGRAPHS if name.partition(".")[0] in s.publishes]
        assert len(publishers) == 1, name


@each_subgraph
async def test_every_event_that_a_queue_is_bound_to_by_name_has_a_handler(subgraph: Subgraph, tmp_path: Path) -> None:
    # given the domain composed as in production; nothing is connected to before it is used
    ensure_keys(tmp_path, load_register())
    root = importlib.import_module(f"subgraphs.{subgraph.name}.app")
    settings = root.SETTINGS(
        postgres_url="postgresql://nobody@127.0.0.1:1/nowhere",
        redis_url="redis://127.0.0.1:1",
        rabbitmq_url="amqp://127.0.0.1:1",
        gateway_jwks_file=tmp_path / GATEWAY_JWKS,
        sealing_public_key_file=tmp_path / SEALING_PUBLIC_KEY,
        **{variable.lower(): tmp_path / file for variable, file in subgraph.secrets.items()},
    )
    async with open_resources(subgraph.name, settings) as resources:
        consumers = {consumer.queue: consumer for consumer in root.build(resources).consumers}
    # then its consumers are the register's queues, and each handles what is bound to it by name
    assert set(consumers) == set(subgraph.queues)
    for queue, patterns in subgraph.queues.items():
        named = {pattern for pattern in patterns if not {"*", "#"} & set(pattern.split("."))}
        assert named <= set(consumers[queue].handlers), queue
        # and there is no handler for what never comes
        for handled in consumers[queue].handlers:
            assert any(matches(pattern, handled) for pattern in patterns), f"{queue} never gets {handled}"
