"""SQL of carts, and of the offers that price them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.ids import new_id
from subgraphs.orders import models
from subgraphs.orders.domain.cart import Cart, CartLine, CartStatus, Offer
from subgraphs.orders.domain.facts import EVERY_SELLER, FALLBACK_COMMISSION_BPS, ProductStatus, SellerStatus

_cart = models.cart
_line = models.cart_line


async def lock_open_of_user(session: AsyncSession, user_id: UUID) -> Cart | None:
    """The user's open cart, locked until the transaction ends."""
    return await session.scalar(_open().where(_cart.c.user_id == user_id).with_for_update())


async def lock_open_by_token(session: AsyncSession, token_hash: str) -> Cart | None:
    """A guest's open cart, locked until the transaction ends."""
    return await session.scalar(_open().where(_cart.c.token_hash == token_hash).with_for_update())


async def lock_or_open_of_user(session: AsyncSession, user_id: UUID, now: datetime) -> Cart:
    """The user's open cart, made if there is none; two requests at once agree on one by the unique index."""
    found = await lock_open_of_user(session, user_id)
    while found is None:
        values = {"id": new_id(), "user_id": user_id, "status": CartStatus.OPEN, "version": 1}
        await session.execute(
            insert(_cart).values(values | {"created_at": now, "updated_at": now}).on_conflict_do_nothing()
        )
        found = await lock_open_of_user(session, user_id)
    return found


async def add_guest_cart(session: AsyncSession, token_hash: str, now: datetime) -> Cart:
    cart = Cart(
        id=new_id(),
        user_id=None,
        token_hash=token_hash,
        status=CartStatus.OPEN,
        currency=None,
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(cart)
    await session.flush()
    return cart


async def lines_of(session: AsyncSession, cart_id: UUID) -> list[CartLine]:
    """In the order they were added."""
    statement = select(CartLine).where(_line.c.cart_id == cart_id).order_by(_line.c.added_at, _line.c.id)
    return list(await session.scalars(statement))


async def delete_line(session: AsyncSession, line_id: UUID) -> None:
    await session.execute(delete(_line).where(_line.c.id == line_id))


async def find_open_by_token(session: AsyncSession, token_hash: str) -> Cart | None:
    return await session.scalar(_open().where(_cart.c.token_hash == token_hash))


async def find_open_of_user(session: AsyncSession, user_id: UUID) -> Cart | None:
    return await session.scalar(_open().where(_cart.c.user_id == user_id))


async def carts_by_id(session: AsyncSession, ids: Sequence[UUID]) -> Mapping[UUID, Cart]:
    return {cart.id: cart for cart in await session.scalars(select(Cart).where(_cart.c.id.in_(ids)))}


async def lines_by_cart(session: AsyncSession, cart_ids: Sequence[UUID]) -> Mapping[UUID, list[CartLine]]:
    statement = select(CartLine).where(_line.c.cart_id.in_(cart_ids)).order_by(_line.c.added_at, _line.c.id)
    lines: dict[UUID, list[CartLine]] = defaultdict(list)
    for line in await session.scalars(statement):
        lines[line.cart_id].append(line)
    return lines


async def offers_by_variant(session: AsyncSession, variant_ids: Sequence[UUID]) -> Mapping[UUID, Offer]:
    """What is known of each variant, in one statement; a variant of which only a price is known is left out."""
    variant, product, seller = models.variant_fact, models.product_fact, models.seller_fact
    own = models.commission_rule_fact.alias("own_rule")
    default = models.commission_rule_fact.alias("default_rule")
    for_sale = (product.c.status == ProductStatus.PUBLISHED) & (seller.c.status == SellerStatus.ACTIVE)
    commission = func.coalesce(own.c.rate_bps, default.c.rate_bps, seller.c.commission_bps, FALLBACK_COMMISSION_BPS)
    statement = (
        select(
            variant.c.variant_id,
            variant.c.product_id,
            variant.c.seller_id,
            variant.c.sku,
            func.coalesce(product.c.title, "").label("title"),
            variant.c.title.label("variant_title"),
            variant.c.price,
            variant.c.currency,
            func.coalesce(for_sale, False).label("for_sale"),
            commission.label("commission_bps"),
        )
        .outerjoin(product, product.c.product_id == variant.c.product_id)
        .outerjoin(seller, seller.c.seller_id == variant.c.seller_id)
        .outerjoin(own, own.c.applies_to == variant.c.seller_id)
        .outerjoin(default, default.c.applies_to == EVERY_SELLER)
        .where(variant.c.variant_id.in_(variant_ids), variant.c.sku.is_not(None))
    )
    return {row.variant_id: Offer(**row._mapping) for row in await session.execute(statement)}  # noqa: SLF001 — public.


def _open() -> Select[Cart]:
    return select(Cart).where(_cart.c.status == CartStatus.OPEN)
