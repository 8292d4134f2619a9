"""Local copies of foreign facts: what is sold, by whom, at which price and commission."""

from __future__ import annotations

from uuid import UUID

from shared.db.database import UnitOfWork
from shared.messaging.contract import ReceivedEvent
from subgraphs.orders.domain.facts import EVERY_SELLER, ProductStatus, SellerStatus
from subgraphs.orders.repository import facts


async def on_product_published(uow: UnitOfWork, event: ReceivedEvent) -> None:
    product = event.payload
    version = product["version"]
    await facts.keep_product(
        uow.session,
        UUID(product["product_id"]),
        UUID(product["seller_id"]),
        title=(product["title"], version),
        status=(ProductStatus.PUBLISHED, version),
    )


async def on_product_updated(uow: UnitOfWork, event: ReceivedEvent) -> None:
    product = event.payload
    await facts.keep_product(
        uow.session,
        UUID(product["product_id"]),
        UUID(product["seller_id"]),
        title=(product["title"], product["version"]),
    )


async def on_product_archived(uow: UnitOfWork, event: ReceivedEvent) -> None:
    product = event.payload
    await facts.keep_product(
        uow.session,
        UUID(product["product_id"]),
        UUID(product["seller_id"]),
        status=(ProductStatus.ARCHIVED, product["version"]),
    )


async def on_variant_created(uow: UnitOfWork, event: ReceivedEvent) -> None:
    variant = event.payload
    await facts.keep_variant(
        uow.session,
        UUID(variant["variant_id"]),
        product_id=UUID(variant["product_id"]),
        seller_id=UUID(variant["seller_id"]),
        price=(variant["price"], variant["currency"], variant["version"]),
        name=(variant["sku"], variant["title"]),
    )


async def on_variant_price_changed(uow: UnitOfWork, event: ReceivedEvent) -> None:
    variant = event.payload
    await facts.keep_variant(
        uow.session,
        UUID(variant["variant_id"]),
        product_id=UUID(variant["product_id"]),
        seller_id=UUID(variant["seller_id"]),
        price=(variant["price"], variant["currency"], variant["version"]),
    )


async def on_commission_rule_changed(uow: UnitOfWork, event: ReceivedEvent) -> None:
    rule = event.payload
    applies_to = UUID(rule["seller_id"]) if rule["seller_id"] else EVERY_SELLER
    await facts.keep_commission_rule(uow.session, applies_to, rule["rate_bps"], rule["version"])


async def on_seller_approved(uow: UnitOfWork, event: ReceivedEvent) -> None:
    seller = event.payload
    await facts.keep_seller(
        uow.session,
        UUID(seller["seller_id"]),
        SellerStatus.ACTIVE,
        seller["version"],
        commission_bps=seller["commission_bps"],
    )


async def on_seller_suspended(uow: UnitOfWork, event: ReceivedEvent) -> None:
    seller = event.payload
    await facts.keep_seller(uow.session, UUID(seller["seller_id"]), SellerStatus.SUSPENDED, seller["version"])


async def on_seller_reinstated(uow: UnitOfWork, event: ReceivedEvent) -> None:
    seller = event.payload
    await facts.keep_seller(uow.session, UUID(seller["seller_id"]), SellerStatus.ACTIVE, seller["version"])
