"""Who asks: the owner of what is asked for, and everybody else there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from shared.auth.actor import ANONYMOUS, Actor, Kind, Role, scopes_of
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest

Ids = Mapping[str, str]
EVERYBODY = frozenset({"visitor", "partner", "customer", "seller", "support", "finance", "admin", "buyer", "member"})
STAFF = frozenset({"support", "finance", "admin"})


@dataclass(frozen=True, slots=True)
class World:
    """A domain in which `buyer` and `member` (of a seller) have things, named by `ids`; the rest of the cast has nothing.

    `customer` and `seller` are another buyer and a member of another seller, `partner` is a program with an API key.
    """

    subgraph: SubgraphUnderTest
    cast: Mapping[str, Actor]
    ids: Ids


def a_cast(*, buyer: Actor, member: Actor) -> dict[str, Actor]:
    return {
        "visitor": ANONYMOUS,
        "partner": a_partner(),
        "customer": a_customer(),
        "seller": a_seller(),
        "support": of_staff(Role.SUPPORT),
        "finance": of_staff(Role.FINANCE),
        "admin": of_staff(Role.ADMIN),
        "buyer": buyer,
        "member": member,
    }


def a_partner() -> Actor:
    """A program with an API key: it sees and does what a visitor does but for what a scope opens, whatever others are called."""
    scopes = frozenset({"stock:read", "orders:read", "admin"})
    return Actor(roles=frozenset({Role.PARTNER}), kind=Kind.PARTNER, api_client_id=new_id(), scopes=scopes)


def a_customer() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))


def a_seller(seller_id: UUID | None = None) -> Actor:
    roles = frozenset({Role.CUSTOMER, Role.SELLER})
    return Actor(user_id=new_id(), roles=roles, seller_id=seller_id or new_id())


def of_staff(role: Role) -> Actor:
    roles = frozenset({Role.CUSTOMER, role})
    return Actor(user_id=new_id(), roles=roles, scopes=scopes_of(roles))
