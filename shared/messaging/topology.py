"""The administrator's step: exchange, queues, dead-letter queues, bindings, users and rights, all from the register.

Services declare nothing and have no right to. Running it again changes nothing; bindings and users that have left the
register are removed, queues are not, since they may hold messages.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import httpx

from shared.register import DEAD_LETTER_EXCHANGE, EXCHANGE, BrokerUser, Register, dead_letter_queue
from shared.tls import TlsFiles, client_context

USER_TAG = "marketplace-subgraph"
"""Marks the users that this step owns; the tag gives no right."""

NOTHING = "^$"


class TopologyRefused(Exception):
    """The broker did not accept a declaration."""


@dataclass(frozen=True, slots=True, order=True)
class Binding:
    exchange: str
    queue: str
    key: str


@dataclass(frozen=True, slots=True)
class Rights:
    """Regular expressions of resource names, as RabbitMQ takes them; `topics` restricts the routing keys published."""

    configure: str
    write: str
    read: str
    topics: str


def bindings(register: Register) -> frozenset[Binding]:
    """Every binding that the register asks for."""
    return frozenset(_bindings(register))


def _bindings(register: Register) -> Iterator[Binding]:
    for user in register.broker_users:
        for queue, keys in user.queues.items():
            yield Binding(DEAD_LETTER_EXCHANGE, dead_letter_queue(queue), queue)
            yield from (Binding(EXCHANGE, queue, key) for key in keys)


def queue_arguments(queue: str) -> dict[str, str]:
    """A rejected message goes to the queue's own dead-letter queue."""
    return {"x-dead-letter-exchange": DEAD_LETTER_EXCHANGE, "x-dead-letter-routing-key": queue}


def rights(user: BrokerUser) -> Rights:
    """Read its own queues, publish its own event prefixes, configure nothing."""
    return Rights(
        configure=NOTHING,
        write=f"^{re.escape(EXCHANGE)}$" if user.publishes else NOTHING,
        read=f"^({'|'.join(re.escape(queue) for queue in user.queues)})$" if user.queues else NOTHING,
        topics=f"^({'|'.join(re.escape(prefix) for prefix in user.publishes)})\\." if user.publishes else NOTHING,
    )


def declare_topology(register: Register, *, amqp_url: str, management_url: str, passwords: Mapping[str, str]) -> None:
    """Bring the broker to what the register says.

    `amqp_url` is an administrator's and names the virtual host, which must exist; `management_url` is the HTTP API's
    root without `/api`, with the login in it or else that of `amqp_url`; so with `?cafile=FILE`, the authorities of
    `https`. `passwords` has one for each user.
    Raises TopologyRefused with the broker's reason (a queue that exists with other arguments must be drained and
    deleted by hand) and httpx.HTTPError where the broker is away.
    """
    with _Management(amqp_url, management_url) as broker:
        broker.put(f"exchanges/{broker.host}/{EXCHANGE}", {"type": "topic", "durable": True})
        broker.put(f"exchanges/{broker.host}/{DEAD_LETTER_EXCHANGE}", {"type": "direct", "durable": True})
        for user in register.broker_users:
            for queue in user.queues:
                _declare_queue(broker, queue, queue_arguments(queue))
                _declare_queue(broker, dead_letter_queue(queue), {})
        _settle_bindings(broker, bindings(register))
        for user in register.broker_users:
            _declare_user(broker, user, passwords[user.name])
        _drop_departed_users(broker, register)


class _Management:
    """RabbitMQ's management HTTP API, as far as it is needed here."""

    def __init__(self, amqp_url: str, management_url: str) -> None:
        amqp, management = urlsplit(amqp_url), urlsplit(management_url)
        login = management if management.username else amqp
        self.host = quote(unquote(amqp.path[1:]) or "/", safe="")
        self._client = httpx.Client(
            base_url=f"{management.scheme}://{management.netloc.rpartition('@')[2]}{management.path.rstrip('/')}/api",
            auth=(unquote(login.username or "guest"), unquote(login.password or "guest")),
            timeout=30,
            trust_env=False,
            verify=_trust(management) or _trust(amqp) or True,
        )

    def __enter__(self) -> _Management:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        return self._call("GET", path).json()

    def put(self, path: str, body: Mapping[str, object]) -> None:
        self._call("PUT", path, body)

    def post(self, path: str, body: Mapping[str, object]) -> None:
        self._call("POST", path, body)

    def delete(self, path: str) -> None:
        self._call("DELETE", path)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> httpx.Response:
        answer = self._client.request(method, path, json=body)
        if answer.is_error:
            raise TopologyRefused(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer


def _trust(url: SplitResult) -> ssl.SSLContext | None:
    """From the authorities that the URL names, as aio-pika reads them; None where it names none."""
    authorities = dict(parse_qsl(url.query)).get("cafile")
    return client_context(TlsFiles(authorities=Path(authorities))) if authorities else None


def _declare_queue(broker: _Management, queue: str, arguments: Mapping[str, str]) -> None:
    broker.put(f"queues/{broker.host}/{queue}", {"durable": True, "auto_delete": False, "arguments": arguments})


def _settle_bindings(broker: _Management, wanted: frozenset[Binding]) -> None:
    present: dict[Binding, str] = {}
    for exchange in (EXCHANGE, DEAD_LETTER_EXCHANGE):
        for found in broker.get(f"exchanges/{broker.host}/{exchange}/bindings/source"):
            present[Binding(exchange, found["destination"], found["routing_key"])] = found["properties_key"]
    for binding in sorted(wanted - present.keys()):
        broker.post(_bindings_path(broker, binding), {"routing_key": binding.key, "arguments": {}})
    for binding in sorted(present.keys() - wanted):
        broker.delete(f"{_bindings_path(broker, binding)}/{quote(present[binding], safe='')}")


def _bindings_path(broker: _Management, binding: Binding) -> str:
    return f"bindings/{broker.host}/e/{binding.exchange}/q/{binding.queue}"


def _declare_user(broker: _Management, user: BrokerUser, password: str) -> None:
    allowed = rights(user)
    broker.put(f"users/{user.name}", {"password": password, "tags": USER_TAG})
    broker.put(
        f"permissions/{broker.host}/{user.name}",
        {"configure": allowed.configure, "write": allowed.write, "read": allowed.read},
    )
    broker.put(
        f"topic-permissions/{broker.host}/{user.name}",
        {"exchange": EXCHANGE, "write": allowed.topics, "read": NOTHING},
    )


def _drop_departed_users(broker: _Management, register: Register) -> None:
    """Only from this virtual host: the same broker may serve another installation, with a newer register."""
    known = {user.name for user in register.broker_users}
    tagged = {found["name"] for found in broker.get("users") if USER_TAG in found["tags"]}
    for permission in broker.get(f"vhosts/{broker.host}/permissions"):
        if permission["user"] in tagged - known:
            broker.delete(f"permissions/{broker.host}/{permission['user']}")
