"""A partner's way through the running stack: let in, published for, answered, refused what is not its own, and shut out."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway.persisted.manifest import KnownOperation
from shared.register import PROJECT_ROOT
from shared.testing.eventually import eventually
from shared.testing.running_stack import RunningStack
from supergraph.demo.client import Client
from supergraph.manifests import OPERATIONS, read_all

PARTNER = "e2e-parcels"
MINE = """query Mine($id: ID!) {
  product(id: $id) { id title revision availability { level } variants { id: stock { onHand reserved available } } }
}"""


@pytest.fixture(scope="module")
async def graph(running_stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
async def admin(running_stack: RunningStack, graph: httpx.AsyncClient) -> Client:
    logins = orjson.loads((Path(running_stack.environment["SECRETS_DIRECTORY"]) / "logins.json").read_bytes())
    login = next(entry for entry in logins if entry["role"] == "admin")
    client = Client(graph, "The admin")
    await client.sign_in(login["email"], login["password"])
    return client


@pytest.fixture
def published() -> Any:
    """Takes away again what the test publishes beside the committed manifests."""
    yield
    (OPERATIONS / f"{PARTNER}.json").unlink(missing_ok=True)


async def run(stack: RunningStack, *words: str) -> tuple[int, str]:
    """`./task partner:…`, as an operator runs it: its status and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "supergraph.partner", *words),
        env=os.environ | stack.environment,
        cwd=PROJECT_ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, printed.decode()


async def let_in(stack: RunningStack, graph: httpx.AsyncClient, name: str, scope: str) -> str:
    status, printed = await run(stack, "new", name, "--scopes", scope)
    assert status == 0, printed
    (key,) = re.findall(r"mkp_[\w-]{43}", printed)

    async def known() -> bool:
        return (await ask(graph, key, "nothing")).status_code == 200

    # For a moment the gateway cannot tell a new key from a bad one, and says so: 503, never 401.
    await eventually("the key", known)
    return str(key)


def listed(client: str) -> dict[str, KnownOperation]:
    (manifest,) = [manifest for manifest in read_all() if manifest.client == client]
    return {operation.name: operation for operation in manifest.operations}


def code_of(answer: httpx.Response) -> str:
    code: str = answer.json()["errors"][0]["extensions"]["code"]
    return code


async def ask(
    graph: httpx.AsyncClient, key: str, id_: str, variables: Mapping[str, Any] | None = None
) -> httpx.Response:
    body = {"documentId": id_, "variables": variables or {}}
    return await graph.post("/graphql", json=body, headers={"x-api-key": key})


async def test_the_demo_partner_gets_an_answer_to_all_that_its_manifest_lists(
    running_stack: RunningStack, graph: httpx.AsyncClient
) -> None:
    key, operations = await let_in(running_stack, graph, "price-scout", "catalog:read"), listed("price-scout")
    page = (await ask(graph, key, operations["ScoutCatalogue"].id, {"first": 1})).json()
    product = page["data"]["products"]["edges"][0]["node"]["id"]
    # What its scope opens it reads, what another would open is refused and the rest of the answer is there.
    revisions = (await ask(graph, key, operations["ScoutRevisions"].id, {"first": 1})).json()
    assert revisions["data"]["products"]["edges"][0]["node"]["revision"] >= 1
    stock = (await ask(graph, key, operations.pop("ScoutStock").id, {"id": product})).json()
    assert {error["extensions"]["code"] for error in stock["errors"]} == {"FORBIDDEN_FIELD"}
    assert [variant["stock"] for variant in stock["data"]["product"]["variants"]] == [None] * len(stock["errors"])
    for operation in operations.values():
        variables = {"id": product} if "$id" in operation.text else {}
        answer = await ask(graph, key, operation.id, variables)
        assert (answer.status_code, "errors" in answer.json()) == (200, False), operation.name
    # What is another client's, or not listed at all, is refused.
    assert code_of(await ask(graph, key, listed("storefront")["Categories"].id)) == "PERSISTED_QUERY_NOT_IN_LIST"
    texts = {"query": "{ products(first: 1) { totalCount } }"}
    assert code_of(await graph.post("/graphql", json=texts, headers={"x-api-key": key})) == "QUERY_NOT_IN_SAFELIST"


async def test_a_partner_is_let_in_published_for_and_shut_out_while_everything_runs(
    running_stack: RunningStack, graph: httpx.AsyncClient, admin: Client, tmp_path: Path, published: None
) -> None:
    # given a partner without a manifest
    key = await let_in(running_stack, graph, PARTNER, "stock:read")
    product = (await admin.ask("{ products(first: 1) { edges { node { id } } } }"))["products"]["edges"][0]["node"][
        "id"
    ]
    assert code_of(await ask(graph, key, "mine", {"id": product})) == "PERSISTED_QUERY_NOT_IN_LIST"

    # when its operations are published
    (tmp_path / "mine.json").write_bytes(orjson.dumps({"mine": MINE}))
    status, printed = await run(running_stack, "publish", str(tmp_path / "mine.json"), "--client", PARTNER)
    assert status == 0, printed

    # then the running gateway answers them
    async def answered() -> Any:
        answer = (await ask(graph, key, "mine", {"id": product})).json()
        return answer if "data" in answer else None

    answer = await eventually("the published operation", answered)
    assert answer["data"]["product"]["id"] == product
    figures = [variant["id"] for variant in answer["data"]["product"]["variants"]]
    assert {stock["onHand"] - stock["reserved"] - stock["available"] for stock in figures} == {0}
    assert (answer["data"]["product"]["revision"], [error["path"] for error in answer["errors"]]) == (
        None,
        [["product", "revision"]],
    )

    # when its key is rotated, then both keys are good, for a while
    edges = (await admin.ask("{ apiClients(first: 100) { edges { node { id name scopes } } } }"))["apiClients"]["edges"]
    (client,) = [edge["node"] for edge in edges if edge["node"]["name"] == PARTNER]
    assert client["scopes"] == ["stock:read"]
    rotated = (await admin.do("rotateApiKey", "key", apiClientId=client["id"]))["key"]

    async def known() -> bool:
        return (await ask(graph, rotated, "mine", {"id": product})).status_code == 200

    await eventually("the new key", known)
    assert (await ask(graph, key, "mine", {"id": product})).status_code == 200

    # when it is shut out, then neither is
    await admin.do("revokeApiClient", "apiClient { revokedAt }", apiClientId=client["id"])

    async def shut_out() -> bool:
        return (await ask(graph, rotated, "mine", {"id": product})).status_code == 401

    await eventually("the end of the key", shut_out)
    assert code_of(await ask(graph, key, "mine", {"id": product})) == "INVALID_API_KEY"

    # and the audit log tells who did it, without any key
    query = (
        "query($f: AuditFilter) { auditLog(filter: $f, first: 10) { edges { node { action actor { id } details } } } }"
    )

    async def recorded() -> Any:
        told = (await admin.ask(query, {"f": {"targetId": client["id"]}}))["auditLog"]["edges"]
        return told if len(told) == 3 else None

    told = await eventually("three audit entries", recorded)
    assert [entry["node"]["action"] for entry in told] == [
        "api_client.revoked",
        "api_client.key_rotated",
        "api_client.created",
    ]
    assert {entry["node"]["actor"] is None for entry in told} == {False}
    assert key not in str(told)
    assert rotated not in str(told)


async def test_what_the_graph_cannot_serve_is_not_published(running_stack: RunningStack, tmp_path: Path) -> None:
    (tmp_path / "odd.json").write_bytes(orjson.dumps({"odd": "query Odd { product(id: 1) { colour } }"}))
    status, printed = await run(running_stack, "publish", str(tmp_path / "odd.json"), "--client", PARTNER)
    assert status == 1
    assert f"{PARTNER}: Odd (odd): Cannot query field 'colour' on type 'Product'." in printed
    assert not (OPERATIONS / f"{PARTNER}.json").exists()


async def test_the_storefront_signs_in_and_reads_by_ids_alone(
    running_stack: RunningStack, graph: httpx.AsyncClient
) -> None:
    operations = listed("storefront")
    logins = orjson.loads((Path(running_stack.environment["SECRETS_DIRECTORY"]) / "logins.json").read_bytes())
    misses = await metric(graph, 'gateway_operation_cache_total{result="miss"}')
    login = {"input": {"email": logins[-1]["email"], "password": logins[-1]["password"]}}
    signed_in = await graph.post(
        "/graphql", json={"documentId": f"sha256:{operations['SignIn'].id}", "variables": login}
    )
    token = signed_in.json()["data"]["login"]["accessToken"]
    orders = await graph.get(f"/graphql/{operations['MyOrders'].id}", headers={"authorization": f"Bearer {token}"})
    assert "errors" not in orders.json()
    assert orders.headers["cache-control"] == "private, no-store"
    window = await graph.get(f"/graphql/{operations['BrowseProducts'].id}", params={"variables": '{"first": 3}'})
    assert (len(window.json()["data"]["products"]["edges"]), window.headers["cache-control"]) == (
        3,
        "public, max-age=10",
    )
    assert (await graph.get(f"/graphql/{operations['SignIn'].id}")).status_code == 405
    # None of them had to be prepared.
    assert await metric(graph, 'gateway_operation_cache_total{result="miss"}') == misses


async def metric(graph: httpx.AsyncClient, sample: str) -> float:
    page = (await graph.get("/metrics")).text
    return next(float(line.removeprefix(sample)) for line in page.splitlines() if line.startswith(f"{sample} "))
