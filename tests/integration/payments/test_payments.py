"""A payment from its announcement to the ledger, on real Postgres and a real provider process."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import httpx
import orjson
import pytest
from strawberry import ID

from shared.auth.actor import Actor
from shared.ids import new_id
from subgraphs.payments.adapters.signature import sign
from subgraphs.payments.graphql.context import PaymentsContext
from subgraphs.payments.graphql.inputs import StartPaymentInput
from subgraphs.payments.projections import DishonestTotal
from tests.integration.payments.market import CONFIRM, SECRET, START, SUPPORT, Group, Market, a_group, until


async def test_a_capture_is_booked_in_balance_and_told(market: Market) -> None:
    # given two orders: 100.00 at 10 % and 33.33 at 12.5 % with 4.99 shipping
    group = a_group(([(10_000, 1_000)], 0), ([(3_333, 1_250)], 499))
    await market.announce(group)
    # when the buyer pays
    answer = await market.start(group)
    # then the payment is captured
    payment_id = answer["payment"]["id"]
    assert answer == {
        "payment": {"id": payment_id, "status": "CAPTURED", "attempt": 1, "failureReason": None},
        "userErrors": [],
    }
    # and the platform has its commission (1000 + 417), each seller the rest
    assert await market.postings(payment_id) == {
        "CAPTURE": [
            ("PROVIDER_CLEARING", 13_832),
            ("PLATFORM_COMMISSION", -1_417),
            (f"SELLER_PAYABLE:{group.seller(1).seller_id}", -3_415),
            (f"SELLER_PAYABLE:{group.seller(0).seller_id}", -9_000),
        ]
    }
    # and it is told once, with the amount
    (told,) = [e for e in await market.payments.events("payment.captured") if str(e["aggregate_id"]) == payment_id]
    assert (told["aggregate_version"], told["payload"]["amount"], told["payload"]["order_group_id"]) == (
        1,
        13_832,
        group.id,
    )
    assert await market.balance(group.seller(1)) == (3_415, 0)
    await market.require_balanced_ledger()


async def test_a_declined_payment_may_be_tried_again(market: Market) -> None:
    # given an attempt that the provider declines
    group = a_group()
    await market.announce(group)
    declined = await market.start(group, "pm_declined")
    assert (declined["payment"]["status"], declined["payment"]["failureReason"]) == ("FAILED", "card_declined")
    # when the buyer tries another card, and then once more
    captured = await market.start(group)
    third = await market.start(group)
    # then the second attempt is captured and the third refused
    assert (captured["payment"]["status"], captured["payment"]["attempt"]) == ("CAPTURED", 2)
    assert third == {"payment": None, "userErrors": [{"code": "ALREADY_PAID", "field": ["orderGroupId"]}]}
    assert await market.events(group) == ["payment.failed", "payment.captured"]
    assert len(await market.charges(group)) == 1


async def test_fifty_requests_with_one_key_are_one_charge(market: Market) -> None:
    # given a payable group
    group, key = a_group(), str(new_id())
    await market.announce(group)
    # when the same request comes fifty times at once
    answers = await asyncio.gather(*(market.start(group, key=key) for _ in range(50)))
    # then all name the same payment and the provider charged once
    assert len({answer["payment"]["id"] for answer in answers}) == 1
    assert [answer["userErrors"] for answer in answers] == [[]] * 50
    assert len(await market.charges(group)) == 1
    assert (await market.payment(group))["status"] == "CAPTURED"
    assert await market.events(group) == ["payment.captured"]


async def test_twenty_keys_at_once_are_one_capture(market: Market) -> None:
    # given a payable group
    group = a_group()
    await market.announce(group)
    # when twenty requests with keys of their own come at once
    answers = await asyncio.gather(*(market.start(group) for _ in range(20)))
    # then one went through and the others were told why not
    codes = [error["code"] for answer in answers for error in answer["userErrors"]]
    assert len(codes) == 19
    assert set(codes) <= {"PAYMENT_IN_PROGRESS", "ALREADY_PAID"}
    assert len(await market.charges(group)) == 1
    assert await market.events(group) == ["payment.captured"]


async def test_a_cut_answer_is_found_out_by_the_job_as_one_charge(market: Market) -> None:
    # given a provider that charged and cut its answer
    group = a_group()
    await market.announce(group)
    answer = await market.start(group, "pm_cut")
    assert answer["payment"]["status"] == "PENDING"
    assert len(await market.charges(group)) == 1
    # when two workers look after it once it is due
    market.payments.clock.advance(timedelta(seconds=11))
    await asyncio.gather(market.job("settle"), market.job("settle"))
    # then it is captured, with still one charge
    assert (await market.payment(group))["status"] == "CAPTURED"
    assert len(await market.charges(group)) == 1
    assert await market.events(group) == ["payment.captured"]


async def test_a_repeated_request_leaves_an_attempt_under_way_alone(market: Market) -> None:
    # given a request whose charge was made and whose answer was cut
    group, key = a_group(), str(new_id())
    await market.announce(group)
    first = await market.start(group, "pm_cut", key=key)
    # when the client repeats it three times
    again = [await market.start(group, "pm_cut", key=key) for _ in range(3)]
    # then all answer the same, and the provider was called once: the rest is the job's
    assert again == [first] * 3
    tries = await market.payments.rows(
        "SELECT tries FROM payment_attempt WHERE payment_id = :p", p=first["payment"]["id"]
    )
    assert tries == [{"tries": 1}]


async def test_a_crash_before_the_call_is_healed_by_the_job_and_by_a_retry(market: Market) -> None:
    # given an attempt whose process died after its commit, before it called the provider
    group, key = a_group(), str(new_id())
    await market.announce(group)
    context = market.payments.subgraph.context(group.buyer)
    assert isinstance(context, PaymentsContext)
    request = StartPaymentInput(idempotency_key=key, order_group_id=ID(group.id), payment_method="pm_ok")
    await context.write("startPayment", request, context.payments.start_payment)
    assert await market.charges(group) == []
    # when the job and the buyer's retry with the same key come together
    market.payments.clock.advance(timedelta(seconds=11))
    await asyncio.gather(market.job("settle"), market.start(group, key=key))
    # then there is one charge
    assert len(await market.charges(group)) == 1
    assert (await market.payment(group))["status"] == "CAPTURED"


async def test_a_delayed_payment_is_authorized_and_captured_by_its_webhook(market: Market) -> None:
    # given a provider that answers that it is still at work
    group = a_group()
    await market.announce(group)
    answer = await market.start(group, "pm_delayed")
    assert answer["payment"]["status"] == "AUTHORIZED"
    # when the webhook comes
    await until(lambda: _is(market, group, "CAPTURED"))
    # then it is captured once
    assert await market.events(group) == ["payment.authorized", "payment.captured"]
    assert len(await market.charges(group)) == 1


async def test_no_second_attempt_begins_while_one_is_under_way(market: Market) -> None:
    # given a provider that does not come to an end
    group = a_group()
    await market.announce(group)
    await market.start(group, "pm_stuck")
    # when the buyer tries another card
    again = await market.start(group)
    # then it is refused, and the first is still open
    assert again["userErrors"] == [{"code": "PAYMENT_IN_PROGRESS", "field": ["orderGroupId"]}]
    assert await market.payment(group) | {"id": None} == {"id": None, "status": "AUTHORIZED", "attempt": 1}


async def test_confirming_asks_the_provider(market: Market) -> None:
    # given a charge whose answer was cut
    group = a_group()
    await market.announce(group)
    payment_id = (await market.start(group, "pm_cut"))["payment"]["id"]
    # when the buyer confirms, and a stranger tries
    request = {"input": {"idempotencyKey": str(new_id()), "paymentId": payment_id}}
    stranger = await market.payments.data(CONFIRM, request, actor=a_group().buyer)
    confirmed = await market.payments.data(CONFIRM, request, actor=group.buyer)
    # then the buyer sees the capture and the stranger nothing
    assert stranger["confirmPayment"] == {"payment": None, "userErrors": [{"code": "PAYMENT_NOT_FOUND"}]}
    assert confirmed["confirmPayment"]["payment"] == {"id": payment_id, "status": "CAPTURED"}


async def test_an_answer_and_two_webhooks_capture_once(market: Market) -> None:
    # given a provider that answers and sends its webhook twice
    group = a_group()
    await market.announce(group)
    answer = await market.start(group, "pm_duplicate")
    # when all of it has arrived
    key = f"{answer['payment']['id']}:1"
    await until(lambda: _notices(market, key, 2))
    # then one capture is booked and told
    assert list(await market.postings(answer["payment"]["id"])) == ["CAPTURE"]
    assert await market.events(group) == ["payment.captured"]


async def test_an_attempt_beside_a_late_capture_is_given_up(market: Market) -> None:
    # given a declined attempt, and a second one that the provider is still at work on
    group = a_group()
    await market.announce(group)
    await market.start(group, "pm_declined")
    payment_id = (await market.start(group, "pm_stuck"))["payment"]["id"]
    # when the provider says that it has captured the first after all, and the worker looks after the second
    charge = {"key": f"{payment_id}:1", "state": "CAPTURED", "reference": "ch_late", "reason": None}
    body = orjson.dumps({"id": f"evt_{payment_id}", "charge": charge})
    signature = {"Provider-Signature": sign(SECRET.encode(), body, int(time.time()))}
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(market.webhook_url, content=body, headers=signature)).status_code == 200
    await market.settle(after=timedelta(minutes=1))
    # then the second is void, here and at the provider, and the payment is captured once
    attempts = "SELECT number, status FROM payment_attempt WHERE payment_id = :p ORDER BY number"
    assert await market.payments.rows(attempts, p=payment_id) == [
        {"number": 1, "status": "CAPTURED"},
        {"number": 2, "status": "VOIDED"},
    ]
    second = (await market.provider.get(f"/charges/{payment_id}:2")).json()
    assert second["state"] == "VOIDED"
    assert await market.events(group) == ["payment.failed", "payment.authorized", "payment.captured"]


async def test_a_webhook_needs_a_fresh_signature_over_its_very_body(market: Market) -> None:
    # given a notice of a capture that never happened
    group = a_group()
    await market.announce(group)
    payment_id = (await market.start(group, "pm_declined"))["payment"]["id"]
    charge = {"key": f"{payment_id}:1", "state": "CAPTURED", "reference": "ch_1", "reason": None}
    body = orjson.dumps({"id": "evt_forged", "charge": charge})
    now = int(time.time())
    forged = {
        "unsigned": None,
        "another secret": sign(b"guessed", body, now),
        "another body": sign(SECRET.encode(), body + b" ", now),
        "six minutes old": sign(SECRET.encode(), body, now - 360),
        "no timestamp": sign(SECRET.encode(), body, now).partition(",")[2],
    }
    # when each of them is sent
    statuses = {}
    async with httpx.AsyncClient(trust_env=False) as client:
        for name, signature in forged.items():
            headers = {"Provider-Signature": signature} if signature else {}
            statuses[name] = (await client.post(market.webhook_url, content=body, headers=headers)).status_code
        huge = await client.post(market.webhook_url, content=b"x" * 70_000)
        nonsense = sign(SECRET.encode(), b"[]", now)
        malformed = await client.post(market.webhook_url, content=b"[]", headers={"Provider-Signature": nonsense})
    # then none is believed
    assert set(statuses.values()) == {401}
    assert (huge.status_code, malformed.status_code) == (413, 400)
    assert (await market.payment(group))["status"] == "FAILED"
    assert await market.payments.rows("SELECT 1 FROM provider_event WHERE id = 'evt_forged'") == []


async def test_the_webhook_is_the_only_route_without_a_token(market: Market) -> None:
    assert market.payments.subgraph.exempt == frozenset({"/webhooks/provider"})


async def test_only_the_buyer_may_pay(market: Market) -> None:
    # given a payable group
    group = a_group()
    await market.announce(group)
    request = {"idempotencyKey": str(new_id()), "orderGroupId": group.id, "paymentMethod": "pm_ok"}
    # when a stranger, the seller and staff try
    for actor in (a_group().buyer, group.seller(), SUPPORT):
        answer = await market.payments.data(START, {"input": request}, actor=actor)
        assert answer["startPayment"]["userErrors"][0]["code"] == "ORDER_GROUP_NOT_FOUND"
    visitor = await market.payments.execute(START, {"input": request})
    # then nothing was begun
    assert visitor["errors"][0]["extensions"] == {"code": "UNAUTHENTICATED"}
    assert await market.payments.rows("SELECT 1 FROM payment WHERE group_id = :g", g=group.id) == []


async def test_an_invalid_method_names_its_field(market: Market) -> None:
    group = a_group()
    await market.announce(group)
    answer = await market.start(group, "4242 4242 4242 4242")
    assert answer == {"payment": None, "userErrors": [{"code": "INVALID_INPUT", "field": ["paymentMethod"]}]}


async def test_a_group_is_not_payable_past_its_deadline(market: Market) -> None:
    # given a group whose time is over, though nobody has said so yet
    group = a_group()
    await market.announce(group, minutes=-0.1)
    # when the buyer tries to pay
    answer = await market.start(group)
    # then it is refused and nothing was begun
    assert answer["userErrors"] == [{"code": "NOT_PAYABLE", "field": ["orderGroupId"]}]
    assert await market.payments.rows("SELECT 1 FROM payment WHERE group_id = :g", g=group.id) == []


async def test_a_payment_is_seen_by_its_buyer_and_staff_only(market: Market) -> None:
    # given a captured payment of two sellers
    group = await market.pay(([(10_000, 1_000)], 0), ([(5_000, 1_000)], 0))
    payment_id = (await market.payment(group))["id"]
    # when each kind of actor asks for it
    query = "query($id: ID!) { payment(id: $id) { amount { amount currency } refundable { amount } } }"
    actors = (group.buyer, SUPPORT, group.seller(), a_group().buyer, Actor())
    seen = [(await market.payments.data(query, {"id": str(payment_id)}, actor=actor))["payment"] for actor in actors]
    # then a seller does not see what the buyer paid to others
    whole = {"amount": {"amount": 15_000, "currency": "EUR"}, "refundable": {"amount": 15_000}}
    assert seen == [whole, whole, None, None, None]


async def test_payments_of_twenty_orders_cost_two_statements(market: Market) -> None:
    # given twenty orders of one buyer's group
    group = await market.pay(*(([(1_000 + i, 1_000)], 0) for i in range(20)))
    references = [
        {"__typename": "Order", "id": group.order(i), "total": {"amount": 1_000 + i, "currency": "EUR"}}
        for i in range(20)
    ]
    # and the provider's webhook behind it, which would count otherwise
    key = f"{(await market.payment(group))['id']}:1"
    await until(lambda: _notices(market, key, 2))
    market.payments.reset_statements()
    # when payment and refundable are asked for as entities
    found = await market.payments.entities(
        "... on Order { payment { status } refundable { amount currency } }", *references, actor=group.buyer
    )
    # then each loader ran once, with its scope
    assert found == [
        {"payment": {"status": "CAPTURED"}, "refundable": {"amount": 1_000 + i, "currency": "EUR"}} for i in range(20)
    ]
    assert len([s for s in market.payments.statements if "set_config" not in s]) == 2


async def _is(market: Market, group: Group, status: str) -> bool:
    return bool((await market.payment(group))["status"] == status)


async def _notices(market: Market, key: str, wanted: int) -> bool:
    """Webhooks and answer of one charge have their own ids; the repeated webhook has its first one's."""
    rows = await market.payments.rows("SELECT id FROM provider_event WHERE provider_key = :k", k=key)
    return len(rows) == wanted


async def test_a_group_that_costs_nothing_is_captured_without_the_provider(market: Market) -> None:
    # given a group that a coupon made free
    group = a_group(([(0, 1_000)], 0))
    await market.announce(group)
    # when the buyer confirms it
    answer = await market.start(group)
    # then it is paid, nothing is charged and nothing booked
    assert answer["payment"]["status"] == "CAPTURED"
    assert await market.charges(group) == []
    assert await market.postings(answer["payment"]["id"]) == {}
    assert await market.events(group) == ["payment.captured"]


async def test_a_total_that_is_not_the_sum_of_its_orders_is_not_taken_over(market: Market) -> None:
    # given an announcement that does not add up
    group = a_group(([(100, 0)], 0), ([(200, 0)], 0))
    # when it comes
    with pytest.raises(DishonestTotal):
        await market.announce(group, total=299)
    # then there is nothing to pay
    assert (await market.start(group))["userErrors"][0]["code"] == "ORDER_GROUP_NOT_FOUND"
