"""What catalog tells the others. Payloads carry ids, titles and prices: nothing personal."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from shared.messaging.contract import JSON, DomainEvent


class ProductFacts(Protocol):
    """What an event reads of a product."""

    @property
    def id(self) -> UUID: ...
    @property
    def seller_id(self) -> UUID: ...
    @property
    def category_id(self) -> UUID | None: ...
    @property
    def title(self) -> str: ...
    @property
    def version(self) -> int: ...


class VariantFacts(Protocol):
    """What an event reads of a variant."""

    @property
    def id(self) -> UUID: ...
    @property
    def product_id(self) -> UUID: ...
    @property
    def seller_id(self) -> UUID: ...
    @property
    def sku(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def price(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def version(self) -> int: ...


def product_published(product: ProductFacts, *, actor_id: UUID) -> DomainEvent:
    return _product_event("published", product, actor_id, **_described(product))


def product_updated(product: ProductFacts, *, actor_id: UUID) -> DomainEvent:
    return _product_event("updated", product, actor_id, **_described(product))


def product_archived(product: ProductFacts, *, actor_id: UUID) -> DomainEvent:
    return _product_event("archived", product, actor_id)


def variant_created(variant: VariantFacts, *, actor_id: UUID) -> DomainEvent:
    return _variant_event("created", variant, actor_id, sku=variant.sku, title=variant.title)


def variant_price_changed(variant: VariantFacts, *, actor_id: UUID) -> DomainEvent:
    return _variant_event("price_changed", variant, actor_id)


def _described(product: ProductFacts) -> dict[str, JSON]:
    return {"title": product.title, "category_id": str(product.category_id) if product.category_id else None}


def _product_event(what: str, product: ProductFacts, actor_id: UUID, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "product_id": str(product.id),
        "seller_id": str(product.seller_id),
        "version": product.version,
        "actor_id": str(actor_id),
        **more,
    }
    return DomainEvent(f"product.{what}", "product", product.id, product.version, payload)


def _variant_event(what: str, variant: VariantFacts, actor_id: UUID, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {
        "variant_id": str(variant.id),
        "product_id": str(variant.product_id),
        "seller_id": str(variant.seller_id),
        "price": variant.price,
        "currency": variant.currency,
        "version": variant.version,
        "actor_id": str(actor_id),
        **more,
    }
    return DomainEvent(f"variant.{what}", "variant", variant.id, variant.version, payload)
