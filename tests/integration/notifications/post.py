"""The steps of notifications' tests: what others tell, what the relay carries, what lies in the mail sink."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from shared.auth.actor import Actor, Role
from shared.auth.sealing import Sealer
from shared.ids import new_id
from shared.register import PROJECT_ROOT
from shared.testing.subgraph import SubgraphUnderTest


def start_mail_sink(port: int, smtp_port: int) -> subprocess.Popen[bytes]:
    module = "subgraphs.notifications.adapters.mail_sink"
    command = [sys.executable, "-m", module, "--port", str(port), "--smtp-port", str(smtp_port)]
    return subprocess.Popen(command, cwd=PROJECT_ROOT)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account and a mailbox of their own."""

    actor: Actor
    email: str

    @property
    def id(self) -> str:
        return str(self.actor.user_id)


def a_person(behaviour: str = "") -> Person:
    """`behaviour` such as `+busy` is how the mail sink treats their mail."""
    user_id = new_id()
    return Person(Actor(user_id=user_id, roles=frozenset({Role.CUSTOMER})), f"{user_id.hex}{behaviour}@example.org")


@dataclass(slots=True)
class PostOffice:
    """Notifications under test with the mail sink it sends to."""

    notifications: SubgraphUnderTest
    sink: httpx.AsyncClient
    sealer: Sealer

    async def register(
        self, person: Person, *, token: str = "verify-me", version: int = 1, event_id: UUID | None = None
    ) -> None:
        payload = {
            "user_id": person.id,
            "sealed_email": self.sealer.seal(person.email),
            "sealed_verification_token": self.sealer.seal(token),
            "locale": "en",
        }
        await self.tell("user.registered", payload, person.id, version=version, event_id=event_id)

    async def change_address(self, person: Person, email: str, *, version: int) -> None:
        payload = {"user_id": person.id, "sealed_email": self.sealer.seal(email)}
        await self.tell("user.email_changed", payload, person.id, version=version)

    async def erase(self, person: Person, *, version: int = 9) -> None:
        await self.tell("user.erasure_requested", {"user_id": person.id}, person.id, version=version)

    async def approve(self, seller_id: str, owner: Person, *, version: int = 2) -> None:
        payload = {
            "seller_id": seller_id,
            "version": version,
            "owner_id": owner.id,
            "name": "Shop",
            "actor_id": str(new_id()),
            "commission_bps": 1_000,
        }
        await self.tell("seller.approved", payload, seller_id, version=version)

    async def confirm(
        self, buyer: Person, seller_ids: tuple[str, ...] = (), *, event_id: UUID | None = None
    ) -> dict[str, Any]:
        """A paid group with an order a seller; answers the event's payload."""
        sellers = seller_ids or (str(new_id()),)
        group_id = str(new_id())
        group = {
            "order_group_id": group_id,
            "buyer_id": buyer.id,
            "currency": "EUR",
            "total": 12_305,
            "order_ids": [str(new_id()) for _ in sellers],
            "seller_ids": list(sellers),
        }
        await self.tell("order.confirmed", group, group_id, version=4, event_id=event_id)
        return group

    async def ship(self, buyer: Person) -> str:
        """Answers the order's id."""
        order_id = str(new_id())
        line = {"line_id": str(new_id()), "variant_id": str(new_id()), "quantity": 1}
        payload = {
            "order_group_id": str(new_id()),
            "order_id": order_id,
            "buyer_id": buyer.id,
            "seller_id": str(new_id()),
            "shipment_id": str(new_id()),
            "lines": [line],
        }
        await self.tell("order.shipped", payload, order_id, version=5)
        return order_id

    async def tell(
        self, name: str, payload: dict[str, Any], aggregate_id: str, *, version: int, event_id: UUID | None = None
    ) -> None:
        """Every event comes twice."""
        event_id = event_id or new_id()
        for _ in range(2):
            await self.notifications.deliver(
                name, payload, event_id=event_id, aggregate_id=UUID(aggregate_id), version=version
            )

    async def carry(self, person: Person) -> None:
        """Deliver the person's mail requests to the worker, as relay and broker do; each comes twice."""
        for event in await self.notifications.events("notifications.email"):
            if event["payload"]["user_id"] == person.id:
                notification_id = event["payload"]["notification_id"]
                # One event id a notification, so that carrying again is a redelivery.
                await self.tell(
                    "notifications.email", event["payload"], notification_id, version=1, event_id=UUID(notification_id)
                )

    async def job(self) -> None:
        (job,) = self.notifications.subgraph.jobs
        await job.run()

    async def letters(self, email: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.sink.get("/messages", params={"to": email})).json()["messages"]
        return found

    async def subjects(self, person: Person) -> list[str]:
        return [letter["subject"] for letter in await self.letters(person.email)]

    async def told(self, person: Person) -> list[tuple[str, str]]:
        """(template, status) of what the person was told, in order."""
        rows = await self.notifications.rows(
            "SELECT template, status FROM notification WHERE user_id = :u ORDER BY created_at, template", u=person.id
        )
        return [(row["template"], row["status"]) for row in rows]

    async def published(self, person: Person) -> list[str]:
        """Names of the events about the person's notifications, in order."""
        events = await self.notifications.events()
        return [event["event_name"] for event in events if event["payload"]["user_id"] == person.id]
