"""What a seller says of itself, who acts for it and where it is paid."""

from __future__ import annotations

import orjson

from shared.auth.actor import Actor
from shared.auth.sealing import Sealer
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.sellers import events
from subgraphs.sellers.domain.commands import InviteMember, SetPayoutAccount, UpdateSellerProfile
from subgraphs.sellers.domain.sellers import SellerMember, SellerMemberRole
from subgraphs.sellers.domain.terms import PayoutAccount, mask_account
from subgraphs.sellers.errors import AlreadyMember, PayoutAccountsUnavailable, UserNotFound
from subgraphs.sellers.repository import sellers, terms
from subgraphs.sellers.service.ownership import get_own_for_update


class SellerProfile:
    """`sealer` None: there is no key to seal account references with, so none are taken."""

    def __init__(self, outbox: Outbox, clock: Clock, sealer: Sealer | None) -> None:
        self._outbox = outbox
        self._clock = clock
        self._sealer = sealer

    async def update(self, uow: UnitOfWork, actor: Actor, command: UpdateSellerProfile) -> Outcome:
        """The owner or a member. Raises SellerNotFound, InvalidSellerStatus, SlugTaken."""
        seller = await get_own_for_update(uow, actor, command.seller_id)
        seller.change_profile(name=command.name, slug=command.slug, description=command.description)
        await sellers.save_slug(uow.session)
        return Outcome.of(seller=seller.id)

    async def invite_member(self, uow: UnitOfWork, actor: Actor, command: InviteMember) -> Outcome:
        """The owner. Raises SellerNotFound, InvalidSellerStatus, OwnersOnly, AlreadyMember, UserNotFound if erased."""
        await sellers.lock_person(uow.session, command.user_id)
        seller = await get_own_for_update(uow, actor, command.seller_id, owner_only=True)
        if await sellers.is_erased(uow.session, command.user_id):
            raise UserNotFound
        if await sellers.find_member(uow.session, seller.id, command.user_id):
            raise AlreadyMember
        seller.add_member()
        uow.session.add(
            SellerMember(
                id=new_id(),
                seller_id=seller.id,
                user_id=command.user_id,
                role=SellerMemberRole.MEMBER,
                added_at=self._clock(),
            )
        )
        added = events.seller_member_added(seller, user_id=command.user_id, actor_id=actor.require_user())
        await self._outbox.append(uow, added)
        return Outcome.of(seller=seller.id)

    async def set_payout_account(self, uow: UnitOfWork, actor: Actor, command: SetPayoutAccount) -> Outcome:
        """The owner. Raises SellerNotFound, InvalidSellerStatus, OwnersOnly, PayoutAccountsUnavailable."""
        seller = await get_own_for_update(uow, actor, command.seller_id, owner_only=True)
        seller.require_open()
        if self._sealer is None:
            raise PayoutAccountsUnavailable
        reference = command.account_reference.get_secret_value()
        whole = orjson.dumps({"holder_name": command.holder_name, "account_reference": reference})
        account = PayoutAccount(
            seller_id=seller.id,
            id=new_id(),
            masked=mask_account(reference),
            sealed=self._sealer.seal(whole.decode()),
            updated_at=self._clock(),
        )
        await terms.keep_account(uow.session, account)
        return Outcome.of(seller=seller.id)
