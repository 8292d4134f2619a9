"""Whose seller it is. The owner is known by the seller's row, so that an applicant without the seller role may act."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.db.database import UnitOfWork
from subgraphs.sellers.domain.sellers import Seller
from subgraphs.sellers.errors import OwnersOnly, SellerNotFound
from subgraphs.sellers.repository import sellers


async def get_own_for_update(uow: UnitOfWork, actor: Actor, seller_id: UUID, *, owner_only: bool = False) -> Seller:
    """The actor's seller, locked. Raises SellerNotFound for strangers, OwnersOnly for a member that is not the owner."""
    user_id = actor.require_user()
    seller = await sellers.get_for_update(uow.session, seller_id)
    if seller.owner_id == user_id:
        return seller
    if Role.SELLER not in actor.roles or actor.seller_id != seller.id:
        raise SellerNotFound
    if owner_only:
        raise OwnersOnly
    return seller
