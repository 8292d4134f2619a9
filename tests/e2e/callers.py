"""Who may ask: a visitor and one demo login of each kind. And what an answer to any of them must never hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx

from shared.devstack.report import LOGINS_FILE
from shared.testing.running_stack import RunningStack

BROKEN = {
    "INTERNAL_SERVER_ERROR",
    "SUBREQUEST_FAILED",
    "SUBGRAPH_UNAVAILABLE",
    "SUBGRAPH_CIRCUIT_OPEN",
    "INVALID_VALUE",
    "NON_NULL_VIOLATION",
}
TELLTALE = ("Traceback", "sqlalchemy", "asyncpg", 'File "', "postgresql", "SELECT ")
ENDS_THE_SESSION = frozenset(("logout", "logoutAll", "changePassword", "requestErasure"))
"""What a demo login had better not ask for, since others use it afterwards."""

_LOGIN = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }"


def clients_of(stack: RunningStack, *, address: str) -> Mapping[str, httpx.Client]:
    """A client for each, by role. Their failed logins count by an address of the loopback network that is theirs alone."""

    def client(headers: Mapping[str, str]) -> httpx.Client:
        transport = httpx.HTTPTransport(local_address=address)
        base = stack.gateway_url.removesuffix("/graphql")
        return httpx.Client(transport=transport, base_url=base, timeout=60, headers=headers)

    logins = json.loads((stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    clients = {"visitor": client({})}
    for login in logins:
        role = str(login["role"]).split()[0]
        if role not in clients:
            sent = {"query": _LOGIN, "variables": {"input": {"email": login["email"], "password": login["password"]}}}
            token = clients["visitor"].post("/graphql", json=sent).json()["data"]["login"]["accessToken"]
            clients[role] = client({"authorization": f"Bearer {token}"})
    return clients


def codes_in(answer: httpx.Response) -> set[str]:
    return {error["extensions"]["code"] for error in answer.json().get("errors", [])}


def what_broke(answer: httpx.Response) -> list[Any]:
    """What of an answer says that something broke, or speaks of what is inside. Nothing, as it has to be."""
    status = [answer.status_code] if answer.status_code >= 500 else []
    return [*status, *sorted(codes_in(answer) & BROKEN), *(word for word in TELLTALE if word in answer.text)]
