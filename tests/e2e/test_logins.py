"""Failed logins against the whole stack: counted by account and by the address they come from, which no client can change."""

from __future__ import annotations

from typing import Any

import httpx

from shared.ids import new_id
from shared.testing.running_stack import RunningStack

LOGIN = "mutation($input: LoginInput!) { login(input: $input) { accessToken userErrors { code } } }"


def client_at(stack: RunningStack, address: str) -> httpx.AsyncClient:
    """A client whose connections come from one address of the loopback network."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    return httpx.AsyncClient(transport=transport, base_url=stack.gateway_url.removesuffix("/graphql"), timeout=60)


async def login(client: httpx.AsyncClient, email: str, **headers: str) -> Any:
    sent = {"query": LOGIN, "variables": {"input": {"email": email, "password": "not this one"}}}
    payload = (await client.post("/graphql", json=sent, headers=headers)).json()["data"]["login"]
    return [error["code"] for error in payload["userErrors"]]


async def test_the_sixth_failed_login_of_an_account_and_of_an_address_is_refused(running_stack: RunningStack) -> None:
    same = f"{new_id()}@example.test"
    # by account: five addresses, one account
    for number in range(5):
        async with client_at(running_stack, f"127.0.1.{number + 1}") as client:
            assert await login(client, same) == ["INVALID_CREDENTIALS"]
    async with client_at(running_stack, "127.0.1.6") as client:
        assert await login(client, same) == ["TOO_MANY_ATTEMPTS"]
    # by address: five accounts, one address, whatever the client says of where it is
    async with client_at(running_stack, "127.0.1.7") as client:
        for number in range(5):
            forwarded = {"x-forwarded-for": f"10.0.0.{number}"}
            assert await login(client, f"{new_id()}@example.test", **forwarded) == ["INVALID_CREDENTIALS"]
        assert await login(client, f"{new_id()}@example.test") == ["TOO_MANY_ATTEMPTS"]
    async with client_at(running_stack, "127.0.1.8") as client:
        assert await login(client, f"{new_id()}@example.test") == ["INVALID_CREDENTIALS"]
