"""A client of the gateway, as a front end is one: it signs in, sends operations, and knows nothing of subgraphs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

import httpx

from shared.ids import new_id

T = TypeVar("T")
PATIENCE_SECONDS = 30
POLL_SECONDS = 0.15


class StoryBroken(Exception):
    """Something did not go as the story tells; the message says what and shows the answer."""


class Client:
    """One person at one browser. `http` has the gateway as its base; `name` is for messages only."""

    def __init__(self, http: httpx.AsyncClient, name: str) -> None:
        self._http = http
        self.name = name
        self._token: str | None = None

    async def ask(self, operation: str, variables: Mapping[str, Any] | None = None) -> Any:
        """The data of an operation. Raises StoryBroken for any error in the answer."""
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        answer = await self._http.post(
            "/graphql", json={"query": operation, "variables": variables or {}}, headers=headers
        )
        document = answer.json()
        if document.get("errors"):
            raise StoryBroken(f"{self.name}: {document['errors']}\nin {operation}")
        return document["data"]

    async def do(self, mutation: str, selection: str, /, **values: Any) -> Any:
        """Send one mutation with a fresh idempotency key; its payload. Raises StoryBroken where it is refused."""
        payload = await self.attempt(mutation, selection, idempotencyKey=str(new_id()), **values)
        if payload["userErrors"]:
            raise StoryBroken(f"{self.name}: {mutation} was refused: {payload['userErrors']}")
        return payload

    async def retry(self, mutation: str, selection: str, not_yet: str, /, **values: Any) -> Any | None:
        """As `do`, but None where the refusal's only code is `not_yet`: an event has not arrived, try again."""
        payload = await self.attempt(mutation, selection, idempotencyKey=str(new_id()), **values)
        codes = {error["code"] for error in payload["userErrors"]}
        if codes == {not_yet}:
            return None
        if codes:
            raise StoryBroken(f"{self.name}: {mutation} was refused: {payload['userErrors']}")
        return payload

    async def attempt(self, mutation: str, selection: str, /, **values: Any) -> Any:
        """The payload of a mutation, refusals included. The input's type is named after the mutation."""
        input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
        operation = (
            f"mutation($input: {input_type}!) {{ {mutation}(input: $input)"
            f" {{ {selection} userErrors {{ code field message }} }} }}"
        )
        return (await self.ask(operation, {"input": values}))[mutation]

    async def sign_in(self, email: str, password: str) -> None:
        payload = await self.attempt("login", "accessToken", email=email, password=password)
        if payload["userErrors"]:
            raise StoryBroken(f"{self.name}: login was refused: {payload['userErrors']}")
        self._token = payload["accessToken"]


async def until(what: str, look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until there is something: what is eventually consistent takes a moment. Raises StoryBroken if it never comes."""
    deadline = monotonic() + PATIENCE_SECONDS
    while monotonic() < deadline:
        found = await look()
        if found is not None:
            return found
        await asyncio.sleep(POLL_SECONDS)
    raise StoryBroken(f"waited {PATIENCE_SECONDS} s in vain for: {what}")
