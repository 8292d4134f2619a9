"""Values that nobody but their owner may read, sent through the whole stack: no log, no figure and no span has one of them."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import aio_pika
import httpx
import orjson
import pytest

from shared.ids import new_id
from shared.messaging import dead_letters
from shared.messaging.contract import AGGREGATE_ID_HEADER, AGGREGATE_VERSION_HEADER, TRACE_HEADER
from shared.register import load_register
from shared.testing.eventually import eventually
from shared.testing.running_stack import RunningStack

CARD = "4111111111111111"
REFUSED_QUEUE = "reviews.projector"


@dataclass
class Canaries:
    """Everything planted holds `mark`; what the stack itself made for its owner is added to `secrets`."""

    mark: str = field(default_factory=lambda: f"cnry{token_hex(8)}")
    secrets: set[str] = field(default_factory=lambda: {CARD})

    @property
    def email(self) -> str:
        return f"{self.mark}@canary.example"

    @property
    def password(self) -> str:
        return f"{self.mark}-password"

    @property
    def jwt(self) -> str:
        head, claims = ({"alg": "EdDSA", "typ": "JWT"}, {"sub": self.email})
        return ".".join([*[_base64(part) for part in (head, claims)], self.mark])

    @property
    def address(self) -> dict[str, str]:
        return {
            "recipient": self.mark,
            "line1": f"{self.mark} Street 1",
            "city": self.mark,
            "country": "DE",
            "phone": self.mark,
        }


@dataclass
class Visitor:
    """Asks with a trace context that has everything recorded."""

    http: httpx.AsyncClient
    trace_id: str

    async def ask(self, query: str, variables: Mapping[str, Any] | None = None, **headers: str) -> Any:
        body = {"query": query, "variables": variables or {}}
        return (await self.http.post("/graphql", json=body, headers=self.traced(headers))).json()

    def traced(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {**headers, "traceparent": f"00-{self.trace_id}-{token_hex(8)}-01"}

    async def do(self, mutation: str, selection: str, token: str = "", **values: Any) -> Any:
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        query = f"mutation($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ code }} }} }}"
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.ask(query, {"input": values}, **headers)


@pytest.fixture
async def visitor(running_stack: RunningStack) -> AsyncIterator[Visitor]:
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as http:
        yield Visitor(http, token_hex(16))


async def test_no_log_no_figure_and_no_span_has_what_people_entrust_to_us(
    running_stack: RunningStack, visitor: Visitor
) -> None:
    canaries = Canaries()
    # given somebody who registers, signs in and does what people do
    await live(visitor, canaries)
    # and mistakes and attacks, each with a value of theirs in it
    await be_refused(visitor, canaries, running_stack)
    # and a consumer that fails at a value
    await break_a_consumer(running_stack, canaries, visitor.trace_id)

    # when all of that has been recorded
    async def recorded() -> bool:
        spans = {(span.service, span.name) for span in running_stack.spans.trace(visitor.trace_id)}
        failed = ("reviews-worker", f"process {REFUSED_QUEUE}")
        return spans >= {
            failed,
            ("accounts-api", "create user.registered"),
            ("notifications-worker", "notifications.send_mail"),
        }

    await eventually("the spans of it", recorded)

    # then not one byte of it is in what an operator reads
    assert await found_in(running_stack, {canaries.mark, *canaries.secrets}) == {}
    # and the failure itself is: who looks for its cause finds what kind it is, and where
    told = [orjson.loads(line) for line in log_of(running_stack, "reviews-worker") if b"attempt failed" in line]
    about = [line for line in told if line.get("trace_id") == visitor.trace_id]
    assert [line["exception"]["type"] for line in about] == ["shared.messaging.contract.UndecodableMessage"] * 5
    assert {line["exception"]["cause"]["type"] for line in about} == {"ValueError"}
    assert {line["correlation_id"] for line in about} == {line["event_id"] for line in about}


async def test_every_line_of_every_log_of_ours_is_json_with_its_service(running_stack: RunningStack) -> None:
    register = load_register()
    ours = {"gateway", "evictor"} | {f"{s.name}-{kind}" for s in register.subgraphs for kind in ("api", "worker")}
    lines = {service: [orjson.loads(line) for line in log_of(running_stack, service)] for service in ours}
    assert {line["service"] for service in ours for line in lines[service]} <= ours
    assert all(line["service"] == service for service in ours for line in lines[service])
    # An API tells at its start where it serves, so the test would notice if it read nothing.
    assert all(lines[f"{subgraph.name}-api"] for subgraph in register.subgraphs)


async def live(visitor: Visitor, canaries: Canaries) -> None:
    """Register, sign in, renew the session, keep an address."""
    registered = await visitor.do(
        "register",
        "user { id }",
        idempotencyKey=str(new_id()),
        email=canaries.email,
        password=canaries.password,
        displayName=canaries.mark,
    )
    assert registered["data"]["register"]["user"], registered
    tokens = "accessToken refreshToken"
    session = (await visitor.do("login", tokens, email=canaries.email, password=canaries.password))["data"]["login"]
    renewed = (await visitor.do("refreshToken", tokens, refreshToken=session["refreshToken"]))["data"]["refreshToken"]
    for each in (session, renewed):
        canaries.secrets |= {each["refreshToken"], each["accessToken"].rpartition(".")[2]}
    key = str(new_id())
    kept = await visitor.do(
        "addAddress", "address { id }", renewed["accessToken"], idempotencyKey=key, address=canaries.address
    )
    assert kept["data"]["addAddress"]["address"], kept


async def be_refused(visitor: Visitor, canaries: Canaries, stack: RunningStack) -> None:
    """Everything here fails: by a rule, a type, a signature, a parser, the database."""
    mark = canaries.mark
    register = {"idempotencyKey": str(new_id()), "password": canaries.password, "displayName": mark}
    again = await visitor.do("register", "user { id }", **{**register, "email": canaries.email})
    # The database refuses a text with the character NUL, and says so with an exception.
    unstorable = await visitor.do(
        "register", "user { id }", **{**register, "email": canaries.email, "displayName": f"{mark}\0"}
    )
    wrong = await visitor.do("login", "accessToken", email=canaries.email, password=f"{mark}-wrong")
    forged = await visitor.do("refreshToken", "accessToken", refreshToken=f"{mark}-refresh")
    reset = await visitor.do("resetPassword", "user { id }", idempotencyKey=str(new_id()), token=mark, newPassword=mark)
    typed = await visitor.do("login", "accessToken", email={"no": mark}, password=[mark])
    inline = await visitor.ask(
        f'mutation {{ login(input: {{email: "{mark}", password: "{mark}", {mark}: 1}}) {{ accessToken }} }}'
    )
    broken = await visitor.ask(f'{{ "{mark}" ')
    cursor = await visitor.ask("query($c: String) { products(first: 1, after: $c) { edges { cursor } } }", {"c": mark})
    for card in (f"pm_{mark}", CARD):
        values = {"idempotencyKey": str(new_id()), "orderGroupId": mark, "paymentMethod": card}
        await visitor.do("startPayment", "payment { id }", **values)
    key = await visitor.ask("{ __typename }", {}, **{"x-api-key": f"mkp_{mark}"})
    token = await visitor.ask("{ __typename }", authorization=f"Bearer {canaries.jwt}")
    document = await visitor.http.get(
        "/graphql", params={"query": "{ me { id } }", "extensions": mark}, headers=visitor.traced({})
    )
    posted = await visitor.http.post(
        "/graphql", content=f'{{"query": "{mark}', headers=visitor.traced({"content-type": "application/json"})
    )
    for answer in (
        again,
        unstorable,
        wrong,
        forged,
        reset,
        typed,
        inline,
        broken,
        cursor,
        key,
        token,
        document.json(),
        posted.json(),
    ):
        assert "errors" in answer or any(payload["userErrors"] for payload in answer["data"].values()), answer
    await send_false_notices(stack, mark)


async def send_false_notices(stack: RunningStack, mark: str) -> None:
    """To the provider's webhook, which everybody can reach, in signatures and bodies that are none."""
    url = f"http://127.0.0.1:{stack.layout.register.get('payments').port}/webhooks/provider"
    async with httpx.AsyncClient(trust_env=False, timeout=30) as outside:
        for signature in ({}, {"provider-signature": mark}, {"provider-signature": f"t={mark},v1={mark}"}):
            headers = {**signature, "x-correlation-id": mark, "traceparent": mark}
            assert (await outside.post(url, content=mark, headers=headers)).status_code == 401


async def break_a_consumer(stack: RunningStack, canaries: Canaries, trace_id: str) -> None:
    """An event whose time is none: parsing it raises an exception that repeats it. Its dead letter is taken away again."""
    event_id, register = new_id(), load_register()
    body = {
        "event_version": "1.0",
        "event_name": "order.delivered",
        "occurred_at": canaries.mark,
        "payload": {"email": canaries.email},
        "idempotency_key": f"order:{event_id}",
    }
    message = aio_pika.Message(
        orjson.dumps(body),
        message_id=str(event_id),
        headers={
            AGGREGATE_ID_HEADER: str(new_id()),
            AGGREGATE_VERSION_HEADER: 1,
            TRACE_HEADER: f"00-{trace_id}-{token_hex(8)}-01",
        },
    )
    async with await aio_pika.connect(stack.environment["RABBITMQ_ADMIN_URL"]) as connection:
        channel = await connection.channel()
        await channel.default_exchange.publish(message, REFUSED_QUEUE)

        async def dead() -> list[str]:
            letters = await dead_letters.show(channel, register, REFUSED_QUEUE)
            return [letter.event_id for letter in letters if letter.event_id == str(event_id)]

        await eventually("the dead letter", dead)
        assert [letter.event_id async for letter in dead_letters.drain(channel, register, REFUSED_QUEUE)] == [
            str(event_id)
        ]


async def found_in(stack: RunningStack, secrets: set[str]) -> dict[str, list[str]]:
    """Where one of them is: each log of a process or a server, each page of metrics, each export of spans."""
    looked_at = {file.name: file.read_bytes() for file in stack.layout.logs.glob("*.log")}
    looked_at |= {f"export {number}": body for number, body in enumerate(stack.spans.bodies)}
    ports = [
        port for s in stack.layout.register.subgraphs for port in (s.api_operations_port, s.worker_operations_port)
    ]
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        urls = [f"http://127.0.0.1:{port}/metrics" for port in ports] + [
            stack.gateway_url.replace("/graphql", "/metrics")
        ]
        pages = await asyncio.gather(*[client.get(url) for url in urls])
    looked_at |= {str(page.url): page.content for page in pages}
    found = {name: [secret for secret in secrets if secret.encode() in content] for name, content in looked_at.items()}
    return {name: hits for name, hits in found.items() if hits}


def log_of(stack: RunningStack, service: str) -> list[bytes]:
    return (stack.layout.logs / f"{service}.log").read_bytes().splitlines()


def _base64(part: Mapping[str, str]) -> str:
    return urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=")
