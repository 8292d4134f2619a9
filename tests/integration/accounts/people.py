"""People as clients of accounts: they register, sign in, and are actors by the claims of their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt

from shared.auth.actor import Actor, Role
from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.accounts.app import build_service

PASSWORD = "correct horse battery"
REGISTER = """mutation($input: RegisterInput!) {
  register(input: $input) { user { id displayName email } userErrors { code field message } }
}"""
LOGIN = """mutation($input: LoginInput!) {
  login(input: $input) {
    accessToken refreshToken expiresIn user { id email roles seller { id } } userErrors { code field message }
  }
}"""
REFRESH = """mutation($input: RefreshTokenInput!) {
  refreshToken(input: $input) {
    accessToken refreshToken expiresIn user { id roles } userErrors { code field message }
  }
}"""
ME = "{ me { id displayName email emailVerified locale roles seller { id } } }"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account; `actor` is what the gateway makes of the access token."""

    user_id: str
    email: str
    access_token: str
    refresh_token: str
    actor: Actor


def keyed(**values: Any) -> dict[str, Any]:
    """Variables of a mutation with a fresh idempotency key."""
    return {"input": {"idempotencyKey": str(new_id()), **values}}


def claims_of(access_token: str) -> dict[str, Any]:
    """Unverified: the signature is the tokens' own test's affair."""
    claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    return claims


def actor_of(access_token: str) -> Actor:
    claims = claims_of(access_token)
    seller_id = claims.get("seller_id")
    return Actor(
        user_id=UUID(claims["sub"]),
        session_id=UUID(claims["sid"]),
        roles=frozenset(Role(role) for role in claims["roles"]),
        seller_id=UUID(seller_id) if seller_id else None,
        scopes=frozenset(claims.get("scopes", ())),
    )


async def register(accounts: SubgraphUnderTest, *, email: str | None = None, name: str = "Ada") -> tuple[str, str]:
    """The new user's id and address."""
    email = email or f"{new_id()}@example.test"
    answer = await accounts.data(REGISTER, keyed(email=email, password=PASSWORD, displayName=name))
    assert answer["register"]["userErrors"] == []
    return answer["register"]["user"]["id"], email


async def login(
    accounts: SubgraphUnderTest, email: str, password: str = PASSWORD, *, client: bytes | None = None
) -> Any:
    actor = Actor(client=client)
    answer = await accounts.data(LOGIN, {"input": {"email": email, "password": password}}, actor=actor)
    return answer["login"]


async def refresh(accounts: SubgraphUnderTest, refresh_token: str) -> Any:
    answer = await accounts.data(REFRESH, {"input": {"refreshToken": refresh_token}})
    return answer["refreshToken"]


async def sign_in(accounts: SubgraphUnderTest, email: str, password: str = PASSWORD) -> Person:
    payload = await login(accounts, email, password)
    assert payload["userErrors"] == []
    token = payload["accessToken"]
    return Person(payload["user"]["id"], email, token, payload["refreshToken"], actor_of(token))


async def a_person(accounts: SubgraphUnderTest, *, name: str = "Ada") -> Person:
    """Registered and signed in."""
    _, email = await register(accounts, name=name)
    return await sign_in(accounts, email)


async def a_member_of_staff(accounts: SubgraphUnderTest, *roles: Role) -> Person:
    """Made as a seed makes them, and signed in."""
    service = build_service(accounts.resources)  # type: ignore[arg-type]
    email = f"{new_id()}@staff.example.test"
    async with accounts.resources.database.unit_of_work(Scope.ALL) as uow:
        await service.ensure_user(uow, email, PASSWORD, "Grace", roles)
    return await sign_in(accounts, email)


def refused(answer: dict[str, Any]) -> str:
    """The code of a request that was refused as a whole."""
    code: str = answer["errors"][0]["extensions"]["code"]
    return code
