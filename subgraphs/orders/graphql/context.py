"""One request's view of orders: its services and its loaders."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from shared.messaging.live import LiveHub
from subgraphs.orders.repository import carts, lists, sales
from subgraphs.orders.service.carts import CartService
from subgraphs.orders.service.checkout import CheckoutService
from subgraphs.orders.service.orders import OrderService
from subgraphs.orders.service.saga import CheckoutSaga


@dataclass(frozen=True, slots=True)
class Services:
    carts: CartService
    checkout: CheckoutService
    orders: OrderService
    saga: CheckoutSaga


class OrdersContext(RequestContext):
    def __init__(self, actor: Actor, database: Database, writes: Writes, services: Services, hub: LiveHub) -> None:
        super().__init__(actor, database, writes)
        self.services = services
        self.hub = hub
        self.cart_by_id = batch_loader(self, carts.carts_by_id)
        self.lines_by_cart = batch_loader(self, carts.lines_by_cart)
        self.offer_by_variant = batch_loader(self, carts.offers_by_variant)
        self.group_by_id = batch_loader(self, lists.groups_by_id)
        self.order_by_id = batch_loader(self, lists.orders_by_id)
        self.orders_by_group = batch_loader(self, lists.orders_by_group)
        self.lines_by_order = batch_loader(self, lists.lines_by_order)
        self.shipments_by_order = batch_loader(self, lists.shipments_by_order)
        self.contents_by_shipment = batch_loader(self, lists.contents_by_shipment)
        self.history_by_order = batch_loader(self, lists.history_by_order)
        self.history_by_group = batch_loader(self, lists.history_by_group)
        self.orders_by_buyer = page_loader(self, lists.order_pages_by_buyer, report=actor.is_staff)
        self.orders_by_seller = page_loader(self, lists.order_pages_by_seller, report=True)
        self.sales_by_seller = batch_loader(self, sales.sales_by_seller, report=True)


Info = StrawberryInfo[OrdersContext, None]
