"""A small world a domain, made by the domain's own mutations and by events, as in production."""

from __future__ import annotations

from typing import Any

import httpx

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.accounts import people
from tests.integration.authorization.cast import World, a_cast, a_customer, a_partner, a_seller
from tests.integration.catalog import shop
from tests.integration.orders.market import Market as OrdersMarket
from tests.integration.payments.market import Group, a_group
from tests.integration.payments.market import Market as PaymentsMarket
from tests.integration.sellers import people as applicants

ADDRESS = {"recipient": "Ada", "line1": "Secret Street 1", "city": "Berlin", "country": "DE"}


async def write(subgraph: SubgraphUnderTest, mutation: str, answer: str, actor: Actor, **values: Any) -> Any:
    """What a mutation that must succeed answers in `answer`, such as `review { id }`."""
    input_type = f"{mutation[0].upper()}{mutation[1:]}Input"
    query = f"mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {answer} userErrors {{ code }} }} }}"
    values = {"input": {"idempotencyKey": str(new_id()), **values}}
    payload = (await subgraph.data(query, values, actor=actor))[mutation]
    assert payload.pop("userErrors") == []
    return next(iter(payload.values()))


async def orders_world(orders: SubgraphUnderTest) -> World:
    market, buyer, member = OrdersMarket(orders), a_customer(), a_seller()
    goods = await market.sell(seller_id=await market.approve_seller(str(member.seller_id)))
    confirmed, waiting = await market.confirmed(buyer, goods), await market.checkout(buyer, goods)
    cart, guest = (await market.add(goods, actor=buyer))["cart"], await market.add(goods)
    ids = {
        "order": confirmed["orders"][0]["id"],
        "group": waiting["id"],
        "buyer": str(buyer.user_id),
        "seller": str(member.seller_id),
        "cart": cart["id"],
        "line": cart["lines"][0]["id"],
        "guest_line": guest["cart"]["lines"][0]["id"],
        "variant": goods.variant_id,
    }
    return World(orders, a_cast(buyer=buyer, member=member), ids)


async def payments_world(payments: SubgraphUnderTest, provider: httpx.AsyncClient) -> World:
    """A payment with a refund, whose seller was paid; another payment that may be refunded; a group that may be paid."""
    market, member = PaymentsMarket(payments, provider, ""), a_seller()
    await market.approve(member)
    paid = await market.pay(sellers=(member,))
    refund = (await market.refund(paid.order(), amount=100))["refund"]
    await market.deliver_and_release(paid)
    year, week, _ = payments.clock().isocalendar()
    period = f"{year}-W{week:02d}"
    payout = (await market.run_payouts(period))["payouts"]["edges"][0]["node"]
    template = a_group(sellers=(member,))
    waiting = Group(template.id, paid.buyer, template.orders)
    await market.announce(waiting)
    held = await market.pay(sellers=(member,))
    ids = {
        "payment": str((await market.payment(paid))["id"]),
        "refund": refund["id"],
        "payout": payout["id"],
        "order": paid.order(),
        "group": paid.id,
        "unpaid_group": waiting.id,
        "held_order": held.order(),
        "seller": str(member.seller_id),
        "period": period,
    }
    return World(payments, a_cast(buyer=paid.buyer, member=member), ids)


async def notifications_world(notifications: SubgraphUnderTest) -> World:
    buyer, member = a_customer(), a_seller()
    line = {"line_id": str(new_id()), "variant_id": str(new_id()), "quantity": 1}
    shipped = {name: str(new_id()) for name in ("order_group_id", "order_id", "seller_id", "shipment_id")}
    await notifications.deliver("order.shipped", shipped | {"buyer_id": str(buyer.user_id), "lines": [line]}, version=5)
    (row,) = await notifications.rows("SELECT id FROM notification WHERE user_id = :u", u=buyer.user_id)
    ids = {"notification": str(row["id"]), "buyer": str(buyer.user_id)}
    return World(notifications, a_cast(buyer=buyer, member=member), ids)


async def inventory_world(inventory: SubgraphUnderTest) -> World:
    member = a_seller()
    location = await write(inventory, "createStockLocation", "stockLocation { id }", member, name="Secret depot")
    variant = {name: str(new_id()) for name in ("variant_id", "product_id")} | {"seller_id": str(member.seller_id)}
    facts = {"sku": "S-1", "title": "Mug", "price": 1000, "currency": "EUR", "version": 1}
    await inventory.deliver("variant.created", variant | facts)
    place = {"locationId": location["id"], "variantId": variant["variant_id"]}
    await write(inventory, "receiveStock", "stockItem { id }", member, **place, quantity=7)
    ids = {"location": location["id"], "variant": variant["variant_id"], "seller": str(member.seller_id)}
    return World(inventory, a_cast(buyer=a_customer(), member=member), ids)


async def audit_world(audit: SubgraphUnderTest) -> World:
    facts = {"owner_id": str(new_id()), "name": "Potters", "actor_id": str(new_id()), "commission_bps": 1000}
    await audit.deliver("seller.approved", {"seller_id": str(new_id()), "version": 2} | facts)
    return World(audit, a_cast(buyer=a_customer(), member=a_seller()), {})


async def accounts_world(accounts: SubgraphUnderTest) -> World:
    """Everybody has an account and is signed in here: a claim without a session is nobody's."""
    buyer, customer = await people.a_person(accounts), await people.a_person(accounts)
    address = await write(accounts, "addAddress", "address { id }", buyer.actor, address=ADDRESS)
    staff = {role: await people.a_member_of_staff(accounts, role) for role in (Role.SUPPORT, Role.FINANCE, Role.ADMIN)}
    partner = await write(accounts, "createApiClient", "apiClient { id }", staff[Role.ADMIN].actor, name="a-partner")
    cast = {
        "visitor": Actor(),
        "partner": a_partner(),
        "customer": customer.actor,
        "seller": await _seller_with_account(accounts),
        "support": staff[Role.SUPPORT].actor,
        "finance": staff[Role.FINANCE].actor,
        "admin": staff[Role.ADMIN].actor,
        "buyer": buyer.actor,
        "member": await _seller_with_account(accounts),
    }
    return World(
        accounts,
        cast,
        {"buyer": buyer.user_id, "address": address["id"], "email": buyer.email, "api_client": partner["id"]},
    )


async def _seller_with_account(accounts: SubgraphUnderTest) -> Actor:
    owner = await people.a_person(accounts)
    facts = {"owner_id": owner.user_id, "name": "Shop", "actor_id": str(new_id()), "commission_bps": 1000}
    await accounts.deliver("seller.approved", {"seller_id": str(new_id()), "version": 2} | facts)
    return (await people.sign_in(accounts, owner.email)).actor


async def sellers_world(sellers: SubgraphUnderTest) -> World:
    """`buyer` is an applicant in review, `member` the owner of a seller that sells, as accounts has made them."""
    applicant, owner = a_customer(), a_customer()
    applied = await applicants.in_review(sellers, applicant, "Hidden Mugs")
    sells = await applicants.an_approved_seller(sellers, owner, "Open Mugs")
    account = {"holderName": "Ada", "accountReference": "DE89370400440532013000"}
    await applicants.do(sellers, "setPayoutAccount", owner, sellerId=sells, **account)
    (row,) = await sellers.rows("SELECT slug FROM seller WHERE id = :id", id=applied)
    cast = a_cast(buyer=applicant, member=applicants.acting_for(owner, sells))
    return World(sellers, cast, {"applied": applied, "sells": sells, "slug": row["slug"]})


async def catalog_world(catalog: SubgraphUnderTest) -> World:
    member = await shop.approved_seller(catalog)
    cast = a_cast(buyer=a_customer(), member=member)
    await shop.approve(catalog, cast["seller"].seller_id)
    draft, public = (
        await shop.draft(catalog, member, title="Clandestine gramophone"),
        await shop.publish(catalog, member),
    )
    submitted = await shop.draft(catalog, member)
    await shop.done(catalog, "submitProduct", member, productId=submitted["id"])
    ids = {
        "draft": draft["id"],
        "draft_variant": draft["variants"][0]["id"],
        "public": public["id"],
        "public_variant": public["variants"][0]["id"],
        "submitted": submitted["id"],
        "seller": str(member.seller_id),
    }
    return World(catalog, cast, ids)


async def reviews_world(reviews: SubgraphUnderTest) -> World:
    buyer, member, product = a_customer(), a_seller(), str(new_id())
    line = {"line_id": str(new_id()), "product_id": product, "variant_id": str(new_id()), "quantity": 1}
    delivered = {"order_group_id": str(new_id()), "order_id": str(new_id()), "delivered_at": reviews.now()}
    people_of = {"buyer_id": str(buyer.user_id), "seller_id": str(member.seller_id)}
    await reviews.deliver("order.delivered", delivered | people_of | {"lines": [line]})
    review = await write(reviews, "submitReview", "review { id }", buyer, productId=product, rating=1, title="Broken")
    return World(reviews, a_cast(buyer=buyer, member=member), {"review": review["id"], "product": product})
