"""Applicants, staff and what they ask of sellers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest

ADMIN = Actor(user_id=new_id(), roles=frozenset({Role.ADMIN}))
SUPPORT = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))
FINANCE = Actor(user_id=new_id(), roles=frozenset({Role.FINANCE}))
PASSPORT = {"kind": "IDENTITY", "reference": "files/passport.pdf"}


def a_user() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))


def acting_for(actor: Actor, seller_id: str) -> Actor:
    """The same person once accounts has made them a seller."""
    return Actor(user_id=actor.user_id, roles=frozenset({Role.CUSTOMER, Role.SELLER}), seller_id=UUID(seller_id))


def keyed(**values: Any) -> dict[str, Any]:
    """Variables of a mutation with a fresh idempotency key."""
    return {"input": {"idempotencyKey": str(new_id()), **values}}


async def ask(sellers: SubgraphUnderTest, mutation: str, actor: Actor, **values: Any) -> dict[str, Any]:
    """The whole answer of a mutation that is named like its input."""
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
    payload = "commissionRule { id rateBps version isDefault }" if "Commission" in mutation else "seller { id status }"
    query = "mutation($input: %s!) { %s(input: $input) { %s userErrors { code field } } }" % (  # noqa: UP031 — braces.
        input_type,
        mutation,
        payload,
    )
    return await sellers.execute(query, keyed(**values), actor=actor)


async def do(sellers: SubgraphUnderTest, mutation: str, actor: Actor, **values: Any) -> Any:
    """The payload's object; the mutation must succeed."""
    answer = await ask(sellers, mutation, actor, **values)
    assert "errors" not in answer, answer
    payload = answer["data"][mutation]
    assert payload.pop("userErrors") == []
    return next(iter(payload.values()))


async def refusal(sellers: SubgraphUnderTest, mutation: str, actor: Actor, **values: Any) -> str:
    """The one code by which a mutation is refused, in its payload or as an error."""
    answer = await ask(sellers, mutation, actor, **values)
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    (error,) = answer["data"][mutation]["userErrors"]
    return str(error["code"])


async def an_applicant(sellers: SubgraphUnderTest, actor: Actor, name: str = "Ada's Mugs") -> str:
    return str((await do(sellers, "applyAsSeller", actor, name=name))["id"])


async def in_review(sellers: SubgraphUnderTest, actor: Actor, name: str = "Ada's Mugs") -> str:
    seller_id = await an_applicant(sellers, actor, name)
    await do(sellers, "submitVerification", actor, sellerId=seller_id, documents=[PASSPORT])
    return seller_id


async def an_approved_seller(sellers: SubgraphUnderTest, actor: Actor, name: str = "Ada's Mugs") -> str:
    seller_id = await in_review(sellers, actor, name)
    await do(sellers, "approveSeller", ADMIN, sellerId=seller_id)
    return seller_id


async def told_of(sellers: SubgraphUnderTest, seller_id: str) -> list[tuple[str, int]]:
    """Names and versions of what was told of a seller, in order."""
    events = await sellers.events()
    return [(e["event_name"], e["aggregate_version"]) for e in events if str(e["aggregate_id"]) == seller_id]


async def erase(sellers: SubgraphUnderTest, actor: Actor) -> None:
    await sellers.deliver("user.erasure_requested", {"user_id": str(actor.user_id)})
