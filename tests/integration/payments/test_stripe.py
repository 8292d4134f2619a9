"""The Stripe adapter against a server that speaks Stripe's HTTP: what is sent, and how each answer is understood."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shared.devstack.ports import free_ports
from shared.ids import new_id
from shared.money import Money
from shared.runtime.server import serve
from subgraphs.payments.adapters.provider import (
    Charge,
    ChargeState,
    Notice,
    ProviderUnavailable,
    Transfer,
    TransferState,
    UnsignedNotice,
)
from subgraphs.payments.adapters.signature import sign
from subgraphs.payments.adapters.stripe import StripeProvider

PRICE = Money(12_345, "EUR")
SELLER = new_id()


@dataclass(slots=True)
class StripeServer:
    """Answers what a test lays out, by method and path, and keeps what it was asked."""

    answers: dict[tuple[str, str], tuple[int, dict[str, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, str], str | None]] = field(default_factory=list)

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])

    async def answer(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()) or request.query_params.items())
        assert request.headers["authorization"] == "Bearer sk_test"
        key = request.headers.get("idempotency-key")
        self.asked.append((request.method, request.url.path, form, key))
        status, body = self.answers[request.method, request.url.path]
        return JSONResponse(body, status_code=status)


@pytest.fixture
async def stripe() -> AsyncIterator[tuple[StripeServer, StripeProvider]]:
    server, stopped, (port,) = StripeServer(), asyncio.Event(), free_ports(1)
    running = asyncio.create_task(serve({port: server.app()}, host="127.0.0.1", stopped=stopped))
    provider = StripeProvider(
        "sk_test", b"whsec", accounts={str(SELLER): "acct_1"}, base_url=f"http://127.0.0.1:{port}"
    )
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            break
    yield server, provider
    stopped.set()
    await running


async def test_a_charge_is_a_confirmed_intent_with_our_key(stripe: tuple[StripeServer, StripeProvider]) -> None:
    # given a Stripe that captures
    server, provider = stripe
    server.answers["POST", "/v1/payment_intents"] = (200, {"id": "pi_1", "status": "succeeded"})
    # when money is taken
    charge = await provider.authorize_and_capture("p:1", PRICE, "pm_card_visa")
    # then the answer is understood and the request carried amount, token and key
    assert charge == Charge("p:1", ChargeState.CAPTURED, "pi_1")
    (method, path, form, key) = server.asked[0]
    assert (method, path, key) == ("POST", "/v1/payment_intents", "p:1")
    assert {name: form[name] for name in ("amount", "currency", "payment_method", "confirm", "metadata[key]")} == {
        "amount": "12345",
        "currency": "eur",
        "payment_method": "pm_card_visa",
        "confirm": "true",
        "metadata[key]": "p:1",
    }


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"id": "pi_1", "status": "processing"}, Charge("p:1", ChargeState.PROCESSING, "pi_1")),
        (200, {"id": "pi_1", "status": "canceled"}, Charge("p:1", ChargeState.VOIDED, "pi_1")),
        (200, {"id": "pi_1", "status": "requires_payment_method"}, Charge("p:1", ChargeState.PROCESSING, "pi_1")),
        (
            200,
            {"id": "pi_1", "status": "requires_payment_method", "last_payment_error": {"code": "expired_card"}},
            Charge("p:1", ChargeState.DECLINED, "pi_1", "expired_card"),
        ),
        (
            402,
            {
                "error": {
                    "decline_code": "insufficient_funds",
                    "code": "card_declined",
                    "payment_intent": {"id": "pi_1"},
                }
            },
            Charge("p:1", ChargeState.DECLINED, "pi_1", "insufficient_funds"),
        ),
    ],
)
async def test_each_answer_to_a_charge_is_understood(
    stripe: tuple[StripeServer, StripeProvider], status: int, body: dict[str, Any], expected: Charge
) -> None:
    server, provider = stripe
    server.answers["POST", "/v1/payment_intents"] = (status, body)
    assert await provider.authorize_and_capture("p:1", PRICE, "pm_1") == expected


@pytest.mark.parametrize("status", [401, 409, 429, 500, 503])
async def test_an_answer_that_does_not_tell_the_effect_is_no_answer(
    stripe: tuple[StripeServer, StripeProvider], status: int
) -> None:
    server, provider = stripe
    server.answers["POST", "/v1/payment_intents"] = (status, {"error": {}})
    with pytest.raises(ProviderUnavailable):
        await provider.authorize_and_capture("p:1", PRICE, "pm_1")


async def test_a_charge_without_a_reference_is_searched_by_our_key(
    stripe: tuple[StripeServer, StripeProvider],
) -> None:
    # given one intent that Stripe knows by our key
    server, provider = stripe
    search = ("GET", "/v1/payment_intents/search")
    server.answers[search] = (200, {"data": [{"id": "pi_1", "status": "succeeded"}]})
    # when it is looked for, and then one that Stripe has never heard of
    found = await provider.find_charge("p:1", None)
    server.answers[search] = (200, {"data": []})
    missing = await provider.find_charge("p:2", None)
    # then the query names the key
    assert (found, missing) == (Charge("p:1", ChargeState.CAPTURED, "pi_1"), None)
    assert server.asked[0][2]["query"] == "metadata['key']:'p:1'"
    assert await provider.void("p:2", None) is None


async def test_voiding_cancels_what_is_open_and_tells_what_is_captured(
    stripe: tuple[StripeServer, StripeProvider],
) -> None:
    # given one intent that is still processed and one that is captured
    server, provider = stripe
    server.answers["GET", "/v1/payment_intents/pi_1"] = (200, {"id": "pi_1", "status": "processing"})
    server.answers["POST", "/v1/payment_intents/pi_1/cancel"] = (200, {"id": "pi_1", "status": "canceled"})
    server.answers["GET", "/v1/payment_intents/pi_2"] = (200, {"id": "pi_2", "status": "succeeded"})
    # when both are voided
    states = [await provider.void("p:1", "pi_1"), await provider.void("p:2", "pi_2")]
    # then one is, and the other is said to be captured
    assert states == [Charge("p:1", ChargeState.VOIDED, "pi_1"), Charge("p:2", ChargeState.CAPTURED, "pi_2")]


async def test_a_refund_is_sent_once_and_then_looked_at(stripe: tuple[StripeServer, StripeProvider]) -> None:
    # given a refund that is pending at first
    server, provider = stripe
    server.answers["POST", "/v1/refunds"] = (200, {"id": "re_1", "status": "pending"})
    server.answers["GET", "/v1/refunds/re_1"] = (200, {"id": "re_1", "status": "succeeded"})
    # when it is asked for, and looked at by its reference
    first = await provider.refund("r", PRICE, charge_key="p:1", charge_reference="pi_1", reference=None)
    second = await provider.refund("r", PRICE, charge_key="p:1", charge_reference="pi_1", reference=first.reference)
    # then it was posted once, with its key
    assert (first, second) == (Transfer(TransferState.PROCESSING, "re_1"), Transfer(TransferState.SUCCEEDED, "re_1"))
    assert [(method, path, key) for method, path, _, key in server.asked] == [
        ("POST", "/v1/refunds", "r"),
        ("GET", "/v1/refunds/re_1", None),
    ]
    server.answers["POST", "/v1/refunds"] = (400, {"error": {"code": "charge_already_refunded"}})
    refused = await provider.refund("s", PRICE, charge_key="p:1", charge_reference="pi_1", reference=None)
    assert refused == Transfer(TransferState.FAILED, None, "charge_already_refunded")


async def test_a_payout_goes_to_the_sellers_connected_account(stripe: tuple[StripeServer, StripeProvider]) -> None:
    server, provider = stripe
    server.answers["POST", "/v1/transfers"] = (200, {"id": "tr_1"})
    paid = await provider.pay_out("o", PRICE, seller_id=SELLER, reference=None)
    unknown = await provider.pay_out("o2", PRICE, seller_id=new_id(), reference=None)
    assert (paid, unknown) == (
        Transfer(TransferState.SUCCEEDED, "tr_1"),
        Transfer(TransferState.FAILED, None, "no_connected_account"),
    )
    assert [(form["destination"], key) for _, _, form, key in server.asked] == [("acct_1", "o")]


async def test_webhooks_are_verified_and_foreign_events_passed_over(
    stripe: tuple[StripeServer, StripeProvider],
) -> None:
    # given events as Stripe sends them
    _, provider = stripe
    intent = {"id": "pi_1", "status": "succeeded", "metadata": {"key": "p:1"}}
    captured = orjson.dumps({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": intent}})
    created = orjson.dumps({"id": "evt_0", "type": "payment_intent.created", "data": {"object": intent}})
    foreign = orjson.dumps({"id": "evt_2", "type": "customer.created", "data": {"object": {"id": "cus_1"}}})
    now = int(time.time())
    # when they are read
    read = [provider.read_notice(body, sign(b"whsec", body, now)) for body in (captured, created, foreign)]
    # then the first is a charge, the others are of no interest, and an unsigned one is refused
    assert read == [
        Notice("evt_1", Charge("p:1", ChargeState.CAPTURED, "pi_1")),
        Notice("evt_0", None),
        Notice("evt_2", None),
    ]
    with pytest.raises(UnsignedNotice):
        provider.read_notice(captured, sign(b"other", captured, now))
