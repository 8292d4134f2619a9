"""One checkout, from the client's request to the letter that confirms it, as one trace."""

from __future__ import annotations

import json
from collections.abc import Sequence
from secrets import token_hex

import httpx

from shared.devstack.report import LOGINS_FILE
from shared.ids import new_id
from shared.testing.eventually import eventually
from shared.testing.running_stack import RunningStack
from shared.testing.span_sink import ExportedSpan
from supergraph.demo.acts import add_to_cart, order_reaches
from supergraph.demo.client import Client

# Of a name of its own each time, since only an operation that the gateway does not know is prepared.
CHECKOUT = """
mutation Traced%s($input: CheckoutInput!) {
  checkout(input: $input) {
    orderGroup { id orders { seller { name } lines { variant { product { title } } } } }
    userErrors { code }
  }
}
"""
WARES = "{ products(first: 1, sort: TITLE) { edges { node { variants { id } } } } }"

EDGE = {
    ("gateway", "mutation"),
    ("gateway", "gateway.prepare"),
    ("gateway", "gateway.fetch"),
    ("gateway", "EVALSHA"),  # Rates are counted in Redis.
    ("orders-api", "POST /graphql"),
    ("sellers-api", "POST /graphql"),
    ("catalog-api", "POST /graphql"),
    ("sellers-api", "SELECT seller"),
}
CHECKED_OUT = {
    ("orders-api", "MGET"),  # The short-term memory of idempotency keys.
    ("orders-api", "INSERT order_group"),
    ("orders-api", "create order.created"),
    ("orders-api", "INSERT outbox"),
    ("orders-api", "PUBLISH"),  # The relay is woken.
    ("orders-worker", "publish order.created"),
}
RESERVED = {
    ("inventory-worker", "process inventory.reserver"),
    ("inventory-worker", "INSERT inbox"),
    ("inventory-worker", "create inventory.reserved"),
    ("inventory-worker", "INSERT outbox"),
    ("inventory-worker", "publish inventory.reserved"),
    ("inventory-worker", "publish inventory.stock_changed"),
    ("evictor", "process edge.evictor"),
    ("evictor", "EVALSHA"),
    ("orders-worker", "process orders.command"),
    ("orders-worker", "create order.awaiting_payment"),
    ("orders-worker", "publish order.awaiting_payment"),
    ("payments-worker", "process payments.processor"),
    ("payments-worker", "INSERT payable_group"),
}
PAID = {
    ("payments-api", "payments.settle"),  # By the buyer's next request, and by the provider's webhook.
    ("payments-api", "POST"),  # The provider.
    ("payments-api", "create payment.authorized"),
    ("payments-api", "create payment.captured"),
    ("payments-api", "INSERT outbox"),
    ("payments-worker", "publish payment.captured"),
    ("orders-worker", "publish order.paid"),
    ("inventory-worker", "publish inventory.committed"),
    ("orders-worker", "publish order.confirmed"),
}
TOLD = {
    ("audit-worker", "process audit.recorder"),
    ("notifications-worker", "process notifications.projector"),
    ("notifications-worker", "INSERT notification"),
    ("notifications-worker", "create notifications.email"),
    ("notifications-worker", "publish notifications.email"),
    ("notifications-worker", "process notifications.worker"),
    ("notifications-worker", "notifications.send_mail"),
    ("notifications-worker", "create notification.sent"),
}
HOPS = EDGE | CHECKED_OUT | RESERVED | PAID | TOLD


async def test_a_checkout_is_one_trace_from_the_clients_request_to_the_letter(running_stack: RunningStack) -> None:
    # given a buyer with a cart
    trace_id, client_span = token_hex(16), token_hex(8)
    base = running_stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as http:
        buyer = await signed_in_buyer(running_stack, http)
        products = (await buyer.ask(WARES))["products"]["edges"]
        cart = (await add_to_cart(buyer, products[0]["node"]["variants"][0]["id"], 1))["cart"]

        # when the checkout alone is asked to be recorded, and is paid for later, by a webhook
        http.headers["traceparent"] = f"00-{trace_id}-{client_span}-01"
        wanted = {"input": {"idempotencyKey": str(new_id()), "cartVersion": cart["version"]}}
        placed = (await buyer.ask(CHECKOUT % trace_id, wanted))["checkout"]
        del http.headers["traceparent"]
        assert placed["userErrors"] == []
        group = placed["orderGroup"]["id"]
        await order_reaches(buyer, group, "AWAITING_PAYMENT")
        values = {"orderGroupId": group, "paymentMethod": "pm_delayed"}

        async def paying() -> object:
            return await buyer.retry("startPayment", "payment { id }", "ORDER_GROUP_NOT_FOUND", **values)

        await eventually("payments knows the order", paying)
        await order_reaches(buyer, group, "CONFIRMED")

    # then every hop is in that one trace, and each hangs on the client's request
    async def all_hops() -> list[ExportedSpan]:
        spans = running_stack.spans.trace(trace_id)
        return spans if hops_of(spans) >= HOPS and ends_of(spans) == {client_span} else []

    try:
        spans = await eventually("every hop of the checkout", all_hops)
    except AssertionError as never:
        there = running_stack.spans.trace(trace_id)
        raise AssertionError(f"missing: {sorted(HOPS - hops_of(there))}, loose: {ends_of(there)}") from never
    roots = [span for span in spans if span.parent_id == client_span]
    assert [(root.service, root.name) for root in roots] == [("gateway", "mutation")]
    # A Redis that has not seen a script yet is sent it.
    assert {span.attributes["error.type"] for span in spans if span.failed} <= {"NoScriptError"}
    # and what took each hop is the one before
    assert parents_of(spans, "orders-api", "POST /graphql") == {("gateway", "gateway.fetch")}
    assert parents_of(spans, "orders-worker", "publish order.created") == {("orders-api", "create order.created")}
    assert parents_of(spans, "notifications-worker", "process notifications.worker") == {
        ("notifications-worker", "publish notifications.email")
    }
    settled = [span for span in spans if span.name == "payments.settle"]
    assert len(settled) == 2  # One by the buyer's request, one by the webhook.


async def signed_in_buyer(stack: RunningStack, http: httpx.AsyncClient) -> Client:
    logins = json.loads((stack.layout.secrets / LOGINS_FILE).read_text(encoding="utf-8"))
    login = next(login for login in logins if login["role"].startswith("buyer"))
    buyer = Client(http, "buyer")
    await buyer.sign_in(login["email"], login["password"])
    return buyer


def hops_of(spans: Sequence[ExportedSpan]) -> set[tuple[str, str]]:
    return {(span.service, span.name) for span in spans}


def ends_of(spans: Sequence[ExportedSpan]) -> set[str]:
    """Where one arrives who goes from each span to its parent for as long as there is one."""
    known = {span.span_id for span in spans}
    return {span.parent_id for span in spans if span.parent_id not in known}


def parents_of(spans: Sequence[ExportedSpan], service: str, name: str) -> set[tuple[str, str]]:
    """What the spans of that name hang on."""
    by_id = {span.span_id: span for span in spans}
    parents = (by_id[span.parent_id] for span in spans if (span.service, span.name) == (service, name))
    return {(parent.service, parent.name) for parent in parents}
