"""Groups and orders in the graph, and the lists of them on people and sellers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Cost

from shared.commands import validate
from shared.db.keyset import PageRequest
from shared.errors import Forbidden
from shared.graphql.types import PAGED, Connection, Money, Node, UserError, connection
from subgraphs.orders.domain import group as groups
from subgraphs.orders.domain import history
from subgraphs.orders.domain import order as domain
from subgraphs.orders.domain.commands import MAX_SALES_INTERVALS, SalesPeriod
from subgraphs.orders.domain.sales import SalesInterval
from subgraphs.orders.errors import OrdersErrorCode
from subgraphs.orders.graphql.context import Info
from subgraphs.orders.graphql.counts import count_of
from subgraphs.orders.graphql.types.foreign import Product, Variant
from subgraphs.orders.graphql.types.sales import SalesReport
from subgraphs.orders.repository import lists

strawberry.enum(groups.GroupStatus, name="OrderGroupStatus", description="Where a checkout stands.")
strawberry.enum(groups.CancelReason, description="Why an order or a whole checkout was cancelled.")
strawberry.enum(domain.OrderStatus, description="Where one seller's order stands. SHIPPED: every piece has left.")
strawberry.enum(OrdersErrorCode, name="ErrorCode", description="Why a mutation was refused.")


@strawberry.type(description="One step in the history of an order or a checkout.")
class OrderTransition:
    from_status: str | None = strawberry.field(description="The state before; null for the first.")
    to_status: str = strawberry.field(description="The state after.")
    cause: str = strawberry.field(description="The event or operation that moved it.")
    at: datetime = strawberry.field(description="When it moved.")

    @classmethod
    def of(cls, step: history.Transition) -> OrderTransition:
        return cls(from_status=step.from_status, to_status=step.to_status, cause=step.cause, at=step.at)


@strawberry.type(description="What was bought, frozen at checkout.")
class OrderLine(Node):
    variant: Variant = strawberry.federation.field(provides=["sku title"], description="The unit that was bought.")
    product: Product = strawberry.field(description="The product it belongs to.")
    title: str = strawberry.field(description="The product's title when it was bought.")
    quantity: int = strawberry.field(description="Pieces.")
    shipped_quantity: int = strawberry.field(description="Pieces that have left so far.")
    unit_price: Money = strawberry.field(description="Price of one piece.")
    discount: Money = strawberry.field(description="What is taken off the line.")
    total: Money = strawberry.field(description="Unit price by quantity, less the discount.")
    refunded: Money = strawberry.field(description="What went back to the buyer.")

    @classmethod
    def of(cls, line: domain.OrderLine, currency: str) -> OrderLine:
        return cls(
            id=strawberry.ID(str(line.id)),
            variant=Variant(id=strawberry.ID(str(line.variant_id)), sku=line.sku, title=line.variant_title),
            product=Product(id=strawberry.ID(str(line.product_id))),
            title=line.title,
            quantity=line.quantity,
            shipped_quantity=line.shipped,
            unit_price=Money.cents(line.unit_price, currency),
            discount=Money.cents(line.discount, currency),
            total=Money.cents(line.total, currency),
            refunded=Money.cents(line.refunded, currency),
        )


@strawberry.type(description="How much of a line is in a parcel.")
class ShipmentLine:
    line: OrderLine = strawberry.field(description="The order's line.")
    quantity: int = strawberry.field(description="Pieces in this parcel.")


@strawberry.type(description="A parcel on its way to the buyer.")
class Shipment(Node):
    carrier: str = strawberry.field(description="Who carries it.")
    tracking_code: str = strawberry.field(description="The carrier's number; may be empty.")
    shipped_at: datetime = strawberry.field(description="When it left.")
    order_id: strawberry.Private[UUID]
    currency: strawberry.Private[str]

    @strawberry.field(description="What is in it; at most as many as the order has lines.")
    async def lines(self, info: Info) -> list[ShipmentLine]:
        contents = await info.context.contents_by_shipment.load(UUID(self.id)) or []
        of = {line.id: line for line in await info.context.lines_by_order.load(self.order_id) or []}
        return [ShipmentLine(line=OrderLine.of(of[c.line_id], self.currency), quantity=c.quantity) for c in contents]


@strawberry.federation.type(keys=["id"], description="One seller's part of a checkout.")
class Order(Node):
    status: domain.OrderStatus = strawberry.field(description="Where it stands.")
    cancel_reason: groups.CancelReason | None = strawberry.field(description="Why it was cancelled, if it was.")
    seller: Seller = strawberry.field(description="Who sells.")
    buyer: User = strawberry.field(description="Who buys.")
    subtotal: Money = strawberry.field(description="Sum of unit price by quantity.")
    discount: Money = strawberry.field(description="What is taken off.")
    shipping: Money = strawberry.field(description="Cost of the delivery.")
    tax: Money = strawberry.field(description="Tax on top.")
    total: Money = strawberry.field(description="Subtotal less discount, with shipping and tax.")
    refunded: Money = strawberry.field(description="What went back to the buyer.")
    placed_at: datetime = strawberry.field(description="When it was checked out.")
    paid_at: datetime | None = strawberry.field(description="When the payment was captured.")
    delivered_at: datetime | None = strawberry.field(description="When the buyer had it.")
    group_id: strawberry.Private[UUID]

    @classmethod
    def of(cls, order: domain.Order) -> Order:
        currency = order.currency
        return cls(
            id=strawberry.ID(str(order.id)),
            status=order.status,
            cancel_reason=order.cancel_reason,
            seller=Seller(id=strawberry.ID(str(order.seller_id))),
            buyer=User(id=strawberry.ID(str(order.buyer_id))),
            subtotal=Money.cents(order.subtotal, currency),
            discount=Money.cents(order.discount, currency),
            shipping=Money.cents(order.shipping, currency),
            tax=Money.cents(order.tax, currency),
            total=Money.cents(order.total, currency),
            refunded=Money.cents(order.refunded, currency),
            placed_at=order.placed_at,
            paid_at=order.paid_at,
            delivered_at=order.delivered_at,
            group_id=order.group_id,
        )

    @strawberry.field(description="The checkout it came from; null for a seller, since a checkout spans sellers.")
    async def order_group(self, info: Info) -> OrderGroup | None:
        found = await info.context.group_by_id.load(self.group_id)
        return OrderGroup.of(found) if found else None

    @strawberry.field(description="What was bought: at most 100 lines, as many as a cart holds.")
    async def lines(self, info: Info) -> list[OrderLine]:
        lines = await info.context.lines_by_order.load(UUID(self.id)) or []
        return [OrderLine.of(line, self.total.currency) for line in lines]

    @strawberry.field(description="Its parcels in the order they left.")
    async def shipments(self, info: Info) -> list[Shipment]:
        return [
            Shipment(
                id=strawberry.ID(str(shipment.id)),
                carrier=shipment.carrier,
                tracking_code=shipment.tracking_code,
                shipped_at=shipment.shipped_at,
                order_id=shipment.order_id,
                currency=self.total.currency,
            )
            for shipment in await info.context.shipments_by_order.load(UUID(self.id)) or []
        ]

    @strawberry.field(description="Every state it was in: at most five steps.")
    async def history(self, info: Info) -> list[OrderTransition]:
        return [OrderTransition.of(step) for step in await info.context.history_by_order.load(UUID(self.id)) or []]

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[Order | None]:
        found = await info.context.order_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(order) if order else None for order in found]


@strawberry.federation.type(keys=["id"], description="One checkout: an order per seller, paid at once.")
class OrderGroup(Node):
    status: groups.GroupStatus = strawberry.field(description="Where it stands.")
    cancel_reason: groups.CancelReason | None = strawberry.field(description="Why it was cancelled, if it was.")
    buyer: User = strawberry.field(description="Who buys.")
    subtotal: Money = strawberry.field(description="Sum of unit price by quantity.")
    discount: Money = strawberry.field(description="What is taken off.")
    shipping: Money = strawberry.field(description="Cost of the deliveries.")
    tax: Money = strawberry.field(description="Tax on top.")
    total: Money = strawberry.field(description="What is paid: the sum of its orders.")
    refunded: Money = strawberry.field(description="What went back to the buyer.")
    placed_at: datetime = strawberry.field(description="When it was checked out.")
    expires_at: datetime = strawberry.field(description="Until when it may be paid; its stock is held so long.")
    paid_at: datetime | None = strawberry.field(description="When the payment was captured.")

    @classmethod
    def of(cls, group: groups.OrderGroup) -> OrderGroup:
        currency = group.currency
        return cls(
            id=strawberry.ID(str(group.id)),
            status=group.status,
            cancel_reason=group.cancel_reason,
            buyer=User(id=strawberry.ID(str(group.buyer_id))),
            subtotal=Money.cents(group.subtotal, currency),
            discount=Money.cents(group.discount, currency),
            shipping=Money.cents(group.shipping, currency),
            tax=Money.cents(group.tax, currency),
            total=Money.cents(group.total, currency),
            refunded=Money.cents(group.refunded, currency),
            placed_at=group.placed_at,
            expires_at=group.expires_at,
            paid_at=group.paid_at,
        )

    @strawberry.field(description="Its orders, one a seller: at most as many as a cart holds lines.")
    async def orders(self, info: Info) -> list[Order]:
        return [Order.of(order) for order in await info.context.orders_by_group.load(UUID(self.id)) or []]

    @strawberry.field(description="Every state it was in: at most four steps.")
    async def history(self, info: Info) -> list[OrderTransition]:
        return [OrderTransition.of(step) for step in await info.context.history_by_group.load(UUID(self.id)) or []]

    @classmethod
    async def resolve_references(cls, info: Info, references: list[dict[str, Any]]) -> Sequence[OrderGroup | None]:
        found = await info.context.group_by_id.load_many([UUID(reference["id"]) for reference in references])
        return [cls.of(group) if group else None for group in found]


@strawberry.federation.type(keys=["id"], description="A person with an account.")
class User:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(
        directives=[PAGED], description="What they have ordered, newest first: for themselves and staff only."
    )
    async def orders(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Order] | None:
        context, user_id = info.context, UUID(self.id)
        if context.actor.require_user() != user_id and not context.actor.is_staff:
            raise Forbidden
        page = await context.orders_by_buyer.load((user_id, PageRequest.of(first, after, last, before)))
        return connection(page, Order.of, count_of(info, lists.of_buyer(user_id), report=context.actor.is_staff))


@strawberry.federation.type(keys=["id"], description="A business that sells on the marketplace.")
class Seller:
    id: strawberry.ID = strawberry.field(description="UUID v4.")

    @strawberry.field(
        directives=[PAGED], description="What it has sold, newest first: for the seller itself and staff only."
    )
    async def orders(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Connection[Order] | None:
        seller_id = self._require_its_own(info)
        page = await info.context.orders_by_seller.load((seller_id, PageRequest.of(first, after, last, before)))
        return connection(page, Order.of, count_of(info, lists.of_seller(seller_id), report=True))

    @strawberry.field(
        directives=[Cost(weight=20)],
        description="What it has sold of what was checked out in a period: for the seller itself and staff only. The "
        f"period is divided into up to {MAX_SALES_INTERVALS} intervals.",
    )
    async def sales_report(
        self,
        info: Info,
        since: Annotated[datetime, strawberry.argument(name="from", description="From this moment on.")],
        until: Annotated[datetime, strawberry.argument(name="to", description="Before this moment.")],
        interval: Annotated[
            SalesInterval, strawberry.argument(description="How long a row's time is.")
        ] = SalesInterval.DAY,
    ) -> SalesReport | None:
        seller_id = self._require_its_own(info)
        period = validate(SalesPeriod, {"since": since, "until": until, "interval": interval})
        return SalesReport.of(await info.context.sales_by_seller.load((seller_id, period)) or [])

    def _require_its_own(self, info: Info) -> UUID:
        """The seller's id, for its members and staff. Raises Unauthenticated, Forbidden."""
        actor, seller_id = info.context.actor, UUID(self.id)
        if not actor.is_staff and actor.require_seller() != seller_id:
            raise Forbidden
        return seller_id


@strawberry.type(description="What a mutation of one order answers.")
class OrderPayload:
    order: Order | None = strawberry.field(description="The order after the change.")
    user_errors: list[UserError[OrdersErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")


@strawberry.type(description="What a mutation of a whole checkout answers.")
class OrderGroupPayload:
    order_group: OrderGroup | None = strawberry.field(description="The checkout after the change.")
    user_errors: list[UserError[OrdersErrorCode]] = strawberry.field(description="Why it was refused; empty if not.")
