"""Carts in the graph."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from shared.graphql.types import Money, Node, UserError
from subgraphs.orders.domain import cart as domain
from subgraphs.orders.errors import OrdersErrorCode
from subgraphs.orders.graphql.context import Info
from subgraphs.orders.graphql.types.foreign import Product, Variant
from subgraphs.orders.graphql.types.orders import Seller


@strawberry.type(description="Something that somebody means to buy, at today's price.")
class CartLine(Node):
    variant: Variant = strawberry.federation.field(provides=["sku title"], description="The unit.")
    product: Product = strawberry.field(description="The product it belongs to.")
    seller: Seller = strawberry.field(description="Who sells it.")
    title: str = strawberry.field(description="The product's title.")
    quantity: int = strawberry.field(description="Pieces.")
    unit_price: Money = strawberry.field(description="What one piece costs now.")
    seen_price: Money = strawberry.field(description="What one piece cost when the buyer last agreed to it.")
    price_changed: bool = strawberry.field(description="Whether checkout would refuse until the new price is accepted.")
    total: Money = strawberry.field(description="Unit price by quantity.")
    for_sale: bool = strawberry.field(description="Whether it can be bought now.")

    @classmethod
    def of(cls, line: domain.CartLine, offer: domain.Offer, cart_currency: str) -> CartLine:
        return cls(
            id=strawberry.ID(str(line.id)),
            variant=Variant(id=strawberry.ID(str(line.variant_id)), sku=offer.sku, title=offer.variant_title),
            product=Product(id=strawberry.ID(str(offer.product_id))),
            seller=Seller(id=strawberry.ID(str(offer.seller_id))),
            title=offer.title,
            quantity=line.quantity,
            unit_price=Money.cents(offer.price, offer.currency),
            seen_price=Money.cents(line.seen_price, cart_currency),
            price_changed=(offer.price, offer.currency) != (line.seen_price, cart_currency),
            total=Money.cents(offer.price * line.quantity, offer.currency),
            for_sale=offer.for_sale,
        )


@strawberry.type(description="A cart of a guest or of a signed-in user; everything in it has one currency.")
class Cart(Node):
    version: int = strawberry.field(description="Grows with every change; checkout names the one it decided on.")
    currency: str | None = strawberry.field(description="ISO 4217 code; null while it is empty.")
    updated_at: datetime = strawberry.field(description="When it was last changed.")

    @classmethod
    def of(cls, cart: domain.Cart) -> Cart:
        return cls(
            id=strawberry.ID(str(cart.id)), version=cart.version, currency=cart.currency, updated_at=cart.updated_at
        )

    @strawberry.field(description="What is in it, in the order it was added: at most 100 lines.")
    async def lines(self, info: Info) -> list[CartLine]:
        if self.currency is None:
            return []
        return [CartLine.of(line, offer, self.currency) for line, offer in await _priced(info, UUID(self.id))]

    @strawberry.field(description="What all of it costs now; null while it is empty.")
    async def subtotal(self, info: Info) -> Money | None:
        if self.currency is None:
            return None
        priced = await _priced(info, UUID(self.id))
        return Money.cents(sum(offer.price * line.quantity for line, offer in priced), self.currency)

    @strawberry.field(description="Whether checkout would refuse for a changed price.")
    async def price_changed(self, info: Info) -> bool:
        return any(
            (offer.price, offer.currency) != (line.seen_price, self.currency)
            for line, offer in await _priced(info, UUID(self.id))
        )


async def _priced(info: Info, cart_id: UUID) -> list[tuple[domain.CartLine, domain.Offer]]:
    """The lines with what is known of them: nothing enters a cart of which nothing is known."""
    lines = await info.context.lines_by_cart.load(cart_id) or []
    offers = await info.context.offer_by_variant.load_many([line.variant_id for line in lines])
    return [(line, offer) for line, offer in zip(lines, offers, strict=True) if offer is not None]


@strawberry.type(description="What adding to a cart answers.")
class AddToCartPayload:
    cart: Cart | None = strawberry.field(description="The cart after the change.")
    cart_token: str | None = strawberry.field(
        description="The secret of a guest's new cart, told this once: it is the only claim to it."
    )
    user_errors: list[UserError[OrdersErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a cart answers.")
class CartPayload:
    cart: Cart | None = strawberry.field(description="The cart after the change.")
    user_errors: list[UserError[OrdersErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")
