"""Topic matching as the broker does it, and who may publish what."""

from __future__ import annotations

import pytest

from shared.messaging.routing import ForeignEvent, matches, owner_of, queues_for, require_own
from shared.messaging.topology import Binding, bindings, rights
from shared.register import Register, Subgraph

ORDERS = Subgraph(name="orders", port=1, publishes=("order", "return"), queues={"orders.command": ("payment.*",)})
AUDIT = Subgraph(name="audit", port=2, queues={"audit.recorder": ("#",), "audit.orders": ("order.created", "order.#")})
REGISTER = Register(subgraphs=(ORDERS, AUDIT))


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("order.created", "order.created", True),
        ("order.created", "order.paid", False),
        ("order.*", "order.created", True),
        ("order.*", "order", False),
        ("order.*", "order.line.added", False),
        ("order.#", "order", True),
        ("order.#", "order.line.added", True),
        ("#.added", "order.line.added", True),
        ("*.line.*", "order.line.added", True),
        ("#", "anything.at.all", True),
        ("order.#.x", "order.y", False),
    ],
)
def test_binding_keys_match_as_amqp_says(pattern: str, key: str, expected: bool) -> None:
    assert matches(pattern, key) is expected


def test_the_queues_of_an_event_come_in_the_register_s_order() -> None:
    assert queues_for(REGISTER, "order.created") == ("audit.recorder", "audit.orders")
    assert queues_for(REGISTER, "payment.failed") == ("orders.command", "audit.recorder")


def test_a_domain_may_publish_its_own_prefixes_only() -> None:
    require_own(ORDERS, "order.created")
    with pytest.raises(ForeignEvent, match=r"orders publishes order, return, not ordering\.done"):
        require_own(ORDERS, "ordering.done")
    with pytest.raises(ForeignEvent, match="audit publishes nothing"):
        require_own(AUDIT, "order.created")


def test_a_queue_belongs_to_one_subgraph() -> None:
    assert owner_of(REGISTER, "audit.orders") is AUDIT
    with pytest.raises(KeyError, match=r"known: orders\.command, audit\.recorder, audit\.orders"):
        owner_of(REGISTER, "orders")


def test_rights_are_the_least_that_works() -> None:
    orders, audit = rights(ORDERS), rights(AUDIT)

    assert (orders.configure, orders.write, orders.read) == ("^$", r"^domain\.topic$", r"^(orders\.command)$")
    assert orders.topics == r"^(order|return)\."
    assert (audit.configure, audit.write, audit.topics) == ("^$", "^$", "^$")
    assert audit.read == r"^(audit\.recorder|audit\.orders)$"


def test_each_queue_is_bound_to_its_keys_and_its_dead_letters_to_its_name() -> None:
    assert bindings(REGISTER) == {
        Binding("domain.topic", "orders.command", "payment.*"),
        Binding("domain.topic", "audit.recorder", "#"),
        Binding("domain.topic", "audit.orders", "order.created"),
        Binding("domain.topic", "audit.orders", "order.#"),
        Binding("dlx", "orders.command.dlq", "orders.command"),
        Binding("dlx", "audit.recorder.dlq", "audit.recorder"),
        Binding("dlx", "audit.orders.dlq", "audit.orders"),
    }
