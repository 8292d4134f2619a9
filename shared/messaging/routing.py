"""Which queues of the register an event reaches: AMQP topic matching (`*` one word, `#` any number). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shared.register import BrokerUser, Register, Subgraph


class ForeignEvent(Exception):
    """A domain tried to publish an event outside its own prefixes; the broker would refuse it too."""


def matches(binding_key: str, routing_key: str) -> bool:
    return _matches(binding_key.split("."), routing_key.split("."))


def _matches(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_matches(rest, words[skipped:]) for skipped in range(len(words) + 1))
    return bool(words) and head in ("*", words[0]) and _matches(rest, words[1:])


def queues_for(register: Register, event_name: str) -> tuple[str, ...]:
    """The queues that listen to the event, in the register's order."""
    return tuple(
        queue
        for user in register.broker_users
        for queue, keys in user.queues.items()
        if any(matches(key, event_name) for key in keys)
    )


def require_own(subgraph: Subgraph, event_name: str) -> None:
    """Raises ForeignEvent unless the event's prefix is one that the subgraph publishes."""
    if not own_events(subgraph, (event_name,)):
        raise ForeignEvent(f"{subgraph.name} publishes {', '.join(subgraph.publishes) or 'nothing'}, not {event_name}")


def own_events(subgraph: Subgraph, event_names: Iterable[str]) -> tuple[str, ...]:
    """Those that the subgraph may publish."""
    return tuple(name for name in event_names if name.partition(".")[0] in subgraph.publishes)


def owner_of(register: Register, queue: str) -> BrokerUser:
    """Who reads the queue; raises KeyError with the known queues."""
    for user in register.broker_users:
        if queue in user.queues:
            return user
    known = ", ".join(name for user in register.broker_users for name in user.queues)
    raise KeyError(f"no queue {queue!r} in the register; known: {known}")
