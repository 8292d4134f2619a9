"""From a cart to orders, without a database."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import system_clock
from shared.ids import new_id
from shared.money import MAX_CENTS
from subgraphs.orders.domain.cart import Cart, CartLine, CartStatus, Offer, hash_cart_token, new_cart_token
from subgraphs.orders.domain.checkout import Placement, check_out
from subgraphs.orders.errors import AmountTooLarge, CartChanged, CurrencyMismatch, EmptyCart, NotForSale, PriceChanged

NOW = system_clock()
SELLERS = [UUID(int=n) for n in (3, 1, 2)]


def a_cart(currency: str | None = "EUR") -> Cart:
    return Cart(new_id(), new_id(), None, CartStatus.OPEN, currency, 4, NOW, NOW)


def an_offer(seller_id: UUID, price: int, *, currency: str = "EUR", for_sale: bool = True) -> Offer:
    variant_id = new_id()
    return Offer(variant_id, new_id(), seller_id, f"S-{variant_id}", "Lamp", "Blue", price, currency, for_sale, 850)


def a_line(cart: Cart, offer: Offer, quantity: int = 1, seen: int | None = None) -> CartLine:
    return CartLine(new_id(), cart.id, offer.variant_id, quantity, offer.price if seen is None else seen, NOW)


def place(cart: Cart, lines: list[CartLine], *offers: Offer, version: int = 4) -> Placement:
    known = {offer.variant_id: offer for offer in offers}
    return check_out(cart, version, lines, known, buyer_id=new_id(), now=NOW, expires_at=NOW)


BASKETS = st.lists(
    st.tuples(st.sampled_from(SELLERS), st.integers(0, 10**7), st.integers(1, 999)), min_size=1, max_size=30
)


@given(BASKETS)
def test_every_total_is_the_sum_of_its_parts(basket: list[tuple[UUID, int, int]]) -> None:
    cart = a_cart()
    offers = [an_offer(seller_id, price) for seller_id, price, _ in basket]
    lines = [a_line(cart, offer, quantity) for offer, (_, _, quantity) in zip(offers, basket, strict=True)]
    placed = place(cart, lines, *offers)
    orders = [p.order for p in placed.orders]
    assert placed.group.total == sum(price * quantity for _, price, quantity in basket)
    assert [order.total for order in orders] == [sum(line.total for line in p.lines) for p in placed.orders]
    assert [order.seller_id for order in orders] == sorted({seller_id for seller_id, _, _ in basket})
    assert sum(len(p.lines) for p in placed.orders) == len(basket)
    assert {line.commission_bps for p in placed.orders for line in p.lines} == {850}


def test_each_reason_to_refuse_has_its_error() -> None:
    cart, offer = a_cart(), an_offer(SELLERS[0], 500)
    gone, foreign = an_offer(SELLERS[0], 5, for_sale=False), an_offer(SELLERS[0], 5, currency="USD")
    line = a_line(cart, offer)
    with pytest.raises(CartChanged):
        place(cart, [line], offer, version=3)
    with pytest.raises(EmptyCart):
        place(cart, [])
    with pytest.raises(NotForSale):
        place(cart, [line])
    with pytest.raises(NotForSale):
        place(cart, [line, a_line(cart, gone)], offer, gone)
    with pytest.raises(CurrencyMismatch):
        place(cart, [line, a_line(cart, foreign)], offer, foreign)
    with pytest.raises(PriceChanged) as cheaper:
        place(cart, [a_line(cart, offer, seen=501)], offer)
    assert offer.sku in cheaper.value.message


def test_more_than_a_number_in_json_carries_cannot_be_charged() -> None:
    cart, offer = a_cart(), an_offer(SELLERS[0], MAX_CENTS)
    assert place(cart, [a_line(cart, offer)], offer).group.total == MAX_CENTS
    with pytest.raises(AmountTooLarge):
        place(cart, [a_line(cart, offer, 2)], offer)


def test_a_cart_takes_its_currency_from_the_first_line_and_loses_it_with_the_last() -> None:
    cart, euro, dollar = a_cart(None), an_offer(SELLERS[0], 5), an_offer(SELLERS[0], 5, currency="USD")
    cart.admit(euro, euro.variant_id)
    with pytest.raises(CurrencyMismatch):
        cart.admit(dollar, dollar.variant_id)
    cart.changed(NOW, empty=True)
    assert cart.admit(dollar, dollar.variant_id) is dollar
    assert (cart.currency, cart.version) == ("USD", 5)


def test_a_token_is_256_random_bits_and_is_kept_as_a_hash_only() -> None:
    token, other = new_cart_token(), new_cart_token()
    assert (len(token), token == other) == (43, False)
    assert len(hash_cart_token(token)) == 64
    assert hash_cart_token(token) != hash_cart_token(other)
