"""The use cases of catalog. Each works inside the one transaction it is given and never commits.

Locks are always taken in one order: the seller's fact, then the product. Variants change under their product's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.contract import DomainEvent
from shared.messaging.outbox import Outbox
from subgraphs.catalog import events
from subgraphs.catalog.adapters.product_cache import ProductCache
from subgraphs.catalog.domain.attributes import AttributeDefinition, check_attributes, require_attributes
from subgraphs.catalog.domain.category import new_category, slug_of
from subgraphs.catalog.domain.commands import (
    AddVariant,
    ArchiveProduct,
    ChangePrice,
    CreateCategory,
    CreateProduct,
    NewVariant,
    PublishProduct,
    RejectProduct,
    SubmitProduct,
    UpdateProduct,
)
from subgraphs.catalog.domain.product import Product, ProductStatus, Variant, next_position
from subgraphs.catalog.errors import ModerationRequired, ProductNotFound, SkuTaken, SlugTaken
from subgraphs.catalog.repository import categories, facts, listings, products

MODERATORS = (Role.SUPPORT, Role.ADMIN)


class CatalogService:
    """`moderation`: whether only staff publishes what a seller has submitted."""

    def __init__(self, outbox: Outbox, clock: Clock, cache: ProductCache, *, moderation: bool) -> None:
        self._outbox = outbox
        self._clock = clock
        self._cache = cache
        self._moderation = moderation

    async def create_product(self, uow: UnitOfWork, actor: Actor, command: CreateProduct) -> Outcome:
        """A draft with its variants. Raises SellerNotActive, CategoryNotFound, InvalidAttribute, SkuTaken."""
        seller_id = actor.require_seller()
        await facts.require_active_seller(uow.session, seller_id)
        attributes = tuple(attribute.value_object() for attribute in command.attributes)
        check_attributes(attributes, await _definitions(uow, command.category_id))
        await _require_free_skus(uow, seller_id, [variant.sku for variant in command.variants])
        prices = [variant.price for variant in command.variants]
        product = Product(
            id=new_id(),
            seller_id=seller_id,
            category_id=command.category_id,
            title=command.title,
            description=command.description,
            status=ProductStatus.DRAFT,
            rejection_reason=None,
            attributes=attributes,
            media=tuple(medium.value_object() for medium in command.media),
            currency=command.currency,
            price_min=min(prices),
            price_max=max(prices),
            in_stock=False,
            rating=0,
            seller_active=True,
            version=1,
            created_at=self._clock(),
            published_at=None,
        )
        variants = [self._variant(product, new, at) for at, new in enumerate(command.variants, start=1)]
        await products.add_product(uow.session, product, variants)
        actor_id = actor.require_user()
        await self._outbox.append(uow, *[events.variant_created(variant, actor_id=actor_id) for variant in variants])
        return Outcome.of(product=product.id)

    async def update_product(self, uow: UnitOfWork, actor: Actor, command: UpdateProduct) -> Outcome:
        """Raises SellerNotActive, ProductNotFound, ProductStatusConflict, CategoryNotFound, InvalidAttribute."""
        product = await self._own_product(uow, actor, command.product_id)
        category_id = command.category_id if command.changes_category else product.category_id
        attributes, media = product.attributes, product.media
        if command.attributes is not None:
            attributes = tuple(attribute.value_object() for attribute in command.attributes)
        if command.media is not None:
            media = tuple(medium.value_object() for medium in command.media)
        definitions = await _definitions(uow, category_id)
        check_attributes(attributes, definitions)
        if product.status is ProductStatus.PUBLISHED:
            require_attributes(attributes, definitions)
        changed = product.describe(
            title=product.title if command.title is None else command.title,
            description=product.description if command.description is None else command.description,
            category_id=category_id,
            attributes=attributes,
            media=media,
        )
        if changed and product.status is ProductStatus.PUBLISHED:
            await listings.index_product(uow.session, product)
            await self._outbox.append(uow, events.product_updated(product, actor_id=actor.require_user()))
        return self._changed(uow, product)

    async def add_variant(self, uow: UnitOfWork, actor: Actor, command: AddVariant) -> Outcome:
        """Raises SellerNotActive, ProductNotFound, ProductStatusConflict, SkuTaken, TooManyVariants."""
        product = await self._own_product(uow, actor, command.product_id)
        product.require_editable()
        await _require_free_skus(uow, product.seller_id, [command.sku])
        variants = await products.list_variants(uow.session, product.id)
        new = NewVariant(sku=command.sku, title=command.title, price=command.price)
        variant = self._variant(product, new, next_position(variants))
        uow.session.add(variant)
        product.reprice([*variants, variant])
        await self._outbox.append(uow, events.variant_created(variant, actor_id=actor.require_user()))
        return self._changed(uow, product, variant=variant.id)

    async def change_price(self, uow: UnitOfWork, actor: Actor, command: ChangePrice) -> Outcome:
        """Raises VariantNotFound, SellerNotActive, ProductStatusConflict."""
        seller_id = actor.require_seller()
        product_id = await products.get_product_of_variant(uow.session, command.variant_id, seller_id)
        product = await self._own_product(uow, actor, product_id)
        product.require_editable()
        variants = await products.list_variants(uow.session, product.id)
        variant = next(variant for variant in variants if variant.id == command.variant_id)
        if variant.change_price(command.price):
            product.reprice(variants)
            await self._outbox.append(uow, events.variant_price_changed(variant, actor_id=actor.require_user()))
        return self._changed(uow, product, variant=variant.id)

    async def submit_product(self, uow: UnitOfWork, actor: Actor, command: SubmitProduct) -> Outcome:
        """Raises SellerNotActive, ProductNotFound, ProductStatusConflict, InvalidAttribute."""
        product = await self._own_product(uow, actor, command.product_id)
        require_attributes(product.attributes, await _definitions(uow, product.category_id))
        product.submit()
        return self._changed(uow, product)

    async def publish_product(self, uow: UnitOfWork, actor: Actor, command: PublishProduct) -> Outcome:
        """By staff, or by its seller where nobody moderates.

        Raises SellerNotActive, ProductNotFound, ProductStatusConflict, ModerationRequired.
        """
        if actor.roles & set(MODERATORS):
            product = await _product_of_active_seller(uow, command.product_id)
        else:
            product = await self._own_product(uow, actor, command.product_id)
            if self._moderation:
                raise ModerationRequired
        product.publish(self._clock())
        await listings.index_product(uow.session, product)
        return await self._tell(uow, product, events.product_published(product, actor_id=actor.require_user()))

    async def reject_product(self, uow: UnitOfWork, actor: Actor, command: RejectProduct) -> Outcome:
        """By staff. Raises ProductNotFound, ProductStatusConflict."""
        actor.require_role(*MODERATORS)
        product = await products.get_for_update(uow.session, command.product_id)
        product.reject(command.reason)
        return self._changed(uow, product)

    async def archive_product(self, uow: UnitOfWork, actor: Actor, command: ArchiveProduct) -> Outcome:
        """By its seller, suspended or not, or by staff. Raises ProductNotFound, ProductStatusConflict."""
        product = await self._archivable_product(uow, actor, command.product_id)
        was_published = product.status is ProductStatus.PUBLISHED
        product.archive()
        if not was_published:
            return self._changed(uow, product)
        await listings.remove_from_index(uow.session, product)
        return await self._tell(uow, product, events.product_archived(product, actor_id=actor.require_user()))

    async def create_category(self, uow: UnitOfWork, actor: Actor, command: CreateCategory) -> Outcome:
        """By an admin. Raises CategoryNotFound, CategoryTooDeep, SlugTaken."""
        actor.require_role(Role.ADMIN)
        await categories.lock_tree(uow.session)
        parent = None
        if command.parent_id is not None:
            parent = await categories.get(uow.session, command.parent_id, field="parentId")
        category_id = new_id()
        slug = command.slug or slug_of(command.name, category_id)
        if await categories.find_by_slug(uow.session, slug):
            raise SlugTaken(slug)
        category = new_category(
            category_id,
            parent,
            name=command.name,
            slug=slug,
            attributes=tuple(attribute.value_object() for attribute in command.attributes),
            created_at=self._clock(),
        )
        uow.session.add(category)
        return Outcome.of(category=category.id)

    async def _own_product(self, uow: UnitOfWork, actor: Actor, product_id: UUID) -> Product:
        """The actor's own product, locked. Raises SellerNotActive, and ProductNotFound for another seller's."""
        seller_id = actor.require_seller()
        await facts.require_active_seller(uow.session, seller_id)
        if await products.get_seller_of_product(uow.session, product_id) != seller_id:
            raise ProductNotFound
        return await products.get_for_update(uow.session, product_id)

    async def _archivable_product(self, uow: UnitOfWork, actor: Actor, product_id: UUID) -> Product:
        if not actor.roles & set(MODERATORS):
            seller_id = actor.require_seller()
            if await products.get_seller_of_product(uow.session, product_id) != seller_id:
                raise ProductNotFound
        return await products.get_for_update(uow.session, product_id)

    def _variant(self, product: Product, new: NewVariant, position: int) -> Variant:
        return Variant(
            id=new_id(),
            product_id=product.id,
            seller_id=product.seller_id,
            sku=new.sku,
            title=new.title,
            price=new.price,
            currency=product.currency,
            position=position,
            version=1,
            created_at=self._clock(),
        )

    async def _tell(self, uow: UnitOfWork, product: Product, event: DomainEvent) -> Outcome:
        await self._outbox.append(uow, event)
        return self._changed(uow, product)

    def _changed(self, uow: UnitOfWork, product: Product, **ids: UUID) -> Outcome:
        uow.after_commit.append(self._cache.dropping(product.id))
        return Outcome.of(product=product.id, **ids)


async def _product_of_active_seller(uow: UnitOfWork, product_id: UUID) -> Product:
    """Any seller's product, locked. Raises ProductNotFound, SellerNotActive."""
    seller_id = await products.get_seller_of_product(uow.session, product_id)
    await facts.require_active_seller(uow.session, seller_id)
    return await products.get_for_update(uow.session, product_id)


async def _definitions(uow: UnitOfWork, category_id: UUID | None) -> Sequence[AttributeDefinition]:
    return await categories.list_definitions(uow.session, category_id) if category_id else ()


async def _require_free_skus(uow: UnitOfWork, seller_id: UUID, skus: Sequence[str]) -> None:
    taken = await products.find_taken_sku(uow.session, seller_id, skus)
    if taken is not None:
        raise SkuTaken(taken)
