"""A person is forgotten: their seller closes, and nothing that names them stays."""

from __future__ import annotations

from uuid import UUID

from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.ids import new_id
from shared.messaging.contract import ReceivedEvent
from shared.messaging.outbox import Outbox
from subgraphs.sellers import events
from subgraphs.sellers.domain.sellers import Seller, SellerStatus
from subgraphs.sellers.domain.verification import VerificationStatus
from subgraphs.sellers.repository import sellers, terms, verification

OWNER_ERASED = "OWNER_ERASED"


class Erasure:
    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def on_user_erasure_requested(self, uow: UnitOfWork, event: ReceivedEvent) -> None:
        """The trace that stays refuses an application or invitation that comes after this."""
        user_id = UUID(event.payload["user_id"])
        await sellers.lock_person(uow.session, user_id)
        await sellers.note_erased(uow.session, user_id, event.occurred_at)
        owned = await sellers.list_of_owner_for_update(uow.session, user_id)
        for seller in owned:
            if seller.status is not SellerStatus.CLOSED:
                await self._close(uow, seller)
        ids = [seller.id for seller in owned]
        await verification.forget(uow.session, ids)
        await terms.forget_accounts(uow.session, ids)
        await sellers.remove_members(uow.session, user_id=user_id, seller_ids=ids)

    async def _close(self, uow: UnitOfWork, seller: Seller) -> None:
        was_selling = seller.status is SellerStatus.APPROVED
        case = await verification.find_submitted(uow.session, seller.id)
        if case is not None:
            case.decide(VerificationStatus.WITHDRAWN, by=seller.owner_id, at=self._clock())
        seller.erase(slug=f"closed-{new_id().hex}")
        if was_selling:
            # Nobody answers for it any more: to the others that is a suspension which is never lifted.
            suspended = events.seller_suspended(seller, actor_id=seller.owner_id, reason=OWNER_ERASED)
            await self._outbox.append(uow, suspended)
