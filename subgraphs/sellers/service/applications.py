"""From an application to a seller that sells, or does not. Each use case works inside the transaction it is given."""

from __future__ import annotations

from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.sellers import events
from subgraphs.sellers.domain.commands import (
    ApplyAsSeller,
    ApproveSeller,
    ReinstateSeller,
    RejectSeller,
    RequestChanges,
    SubmitVerification,
    SuspendSeller,
)
from subgraphs.sellers.domain.sellers import Seller, SellerMember, SellerMemberRole, SellerStatus, Step, slug_of
from subgraphs.sellers.domain.verification import VerificationCase, VerificationDocument, VerificationStatus
from subgraphs.sellers.errors import AccountErased, ApplicationExists, OwnSeller
from subgraphs.sellers.repository import sellers, terms, verification
from subgraphs.sellers.service.ownership import get_own_for_update


class Applications:
    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def apply(self, uow: UnitOfWork, actor: Actor, command: ApplyAsSeller) -> Outcome:
        """Anybody signed in applies once at a time. Raises ApplicationExists, AccountErased."""
        owner_id = actor.require_user()
        await sellers.lock_person(uow.session, owner_id)
        if await sellers.is_erased(uow.session, owner_id):
            raise AccountErased
        if await sellers.find_open_of(uow.session, owner_id):
            raise ApplicationExists
        now = self._clock()
        seller = Seller(
            id=new_id(),
            owner_id=owner_id,
            name=command.name,
            slug=slug_of(command.name),
            description=command.description,
            status=SellerStatus.APPLIED,
            version=1,
            created_at=now,
            approved_at=None,
        )
        await sellers.add(uow.session, seller)
        uow.session.add(
            SellerMember(id=new_id(), seller_id=seller.id, user_id=owner_id, role=SellerMemberRole.OWNER, added_at=now)
        )
        await self._outbox.append(uow, events.seller_applied(seller))
        return Outcome.of(seller=seller.id)

    async def submit_verification(self, uow: UnitOfWork, actor: Actor, command: SubmitVerification) -> Outcome:
        """The owner hands in documents. Raises SellerNotFound, InvalidSellerStatus, OwnersOnly."""
        seller = await get_own_for_update(uow, actor, command.seller_id, owner_only=True)
        seller.take(Step.SUBMIT)
        case = VerificationCase(
            id=new_id(),
            seller_id=seller.id,
            status=VerificationStatus.SUBMITTED,
            reason="",
            submitted_at=self._clock(),
            decided_at=None,
            decided_by=None,
        )
        uow.session.add(case)
        uow.session.add_all(
            VerificationDocument(
                id=new_id(),
                case_id=case.id,
                seller_id=seller.id,
                position=position,
                kind=document.kind,
                reference=document.reference,
            )
            for position, document in enumerate(command.documents, start=1)
        )
        await self._outbox.append(uow, events.seller_verification_submitted(seller, case_id=case.id))
        return Outcome.of(seller=seller.id)

    async def request_changes(self, uow: UnitOfWork, actor: Actor, command: RequestChanges) -> Outcome:
        """Raises SellerNotFound, InvalidSellerStatus."""
        seller, actor_id = await self._review(uow, actor, command.seller_id, Role.SUPPORT, Role.ADMIN)
        seller.take(Step.REQUEST_CHANGES)
        case = await self._decide(uow, seller, VerificationStatus.CHANGES_REQUESTED, actor_id, command.reason)
        # In review means that a case waits, and the seller's row is locked.
        assert case is not None
        requested = events.seller_changes_requested(seller, case_id=case.id, actor_id=actor_id, reason=command.reason)
        await self._outbox.append(uow, requested)
        return Outcome.of(seller=seller.id)

    async def approve(self, uow: UnitOfWork, actor: Actor, command: ApproveSeller) -> Outcome:
        """From now on it sells, at the commission that holds now. Raises SellerNotFound, InvalidSellerStatus."""
        seller, actor_id = await self._review(uow, actor, command.seller_id, Role.SUPPORT, Role.ADMIN)
        seller.approve(self._clock())
        await self._decide(uow, seller, VerificationStatus.APPROVED, actor_id)
        rule = (await terms.rules_by_seller(uow.session, [seller.id]))[seller.id]
        approved = events.seller_approved(seller, actor_id=actor_id, commission_bps=rule.rate_bps)
        await self._outbox.append(uow, approved)
        return Outcome.of(seller=seller.id)

    async def reject(self, uow: UnitOfWork, actor: Actor, command: RejectSeller) -> Outcome:
        """Raises SellerNotFound, InvalidSellerStatus."""
        seller, actor_id = await self._review(uow, actor, command.seller_id, Role.SUPPORT, Role.ADMIN)
        seller.take(Step.REJECT)
        await self._decide(uow, seller, VerificationStatus.REJECTED, actor_id, command.reason)
        await self._outbox.append(uow, events.seller_rejected(seller, actor_id=actor_id, reason=command.reason))
        return Outcome.of(seller=seller.id)

    async def suspend(self, uow: UnitOfWork, actor: Actor, command: SuspendSeller) -> Outcome:
        """Raises SellerNotFound, InvalidSellerStatus."""
        seller, actor_id = await self._review(uow, actor, command.seller_id, Role.ADMIN)
        seller.take(Step.SUSPEND)
        await self._outbox.append(uow, events.seller_suspended(seller, actor_id=actor_id, reason=command.reason))
        return Outcome.of(seller=seller.id)

    async def reinstate(self, uow: UnitOfWork, actor: Actor, command: ReinstateSeller) -> Outcome:
        """Raises SellerNotFound, InvalidSellerStatus."""
        seller, actor_id = await self._review(uow, actor, command.seller_id, Role.ADMIN)
        seller.take(Step.REINSTATE)
        await self._outbox.append(uow, events.seller_reinstated(seller, actor_id=actor_id))
        return Outcome.of(seller=seller.id)

    async def _review(self, uow: UnitOfWork, actor: Actor, seller_id: UUID, *roles: Role) -> tuple[Seller, UUID]:
        actor.require_role(*roles)
        actor_id = actor.require_user()
        seller = await sellers.get_for_update(uow.session, seller_id)
        if seller.owner_id == actor_id:
            raise OwnSeller
        return seller, actor_id

    async def _decide(
        self, uow: UnitOfWork, seller: Seller, status: VerificationStatus, actor_id: UUID, reason: str = ""
    ) -> VerificationCase | None:
        """None where nothing was handed in since the last decision."""
        case = await verification.find_submitted(uow.session, seller.id)
        if case is not None:
            case.decide(status, by=actor_id, at=self._clock(), reason=reason)
        return case
