"""The platform's share of what sellers sell."""

from __future__ import annotations

from shared.auth.actor import Actor, Role
from shared.clock import Clock
from shared.db.database import UnitOfWork
from shared.db.idempotency import Outcome
from shared.ids import new_id
from shared.messaging.outbox import Outbox
from subgraphs.sellers import events
from subgraphs.sellers.domain.commands import SetCommissionRule
from subgraphs.sellers.domain.terms import CommissionRule
from subgraphs.sellers.repository import sellers, terms


class Commissions:
    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    async def set_rule(self, uow: UnitOfWork, actor: Actor, command: SetCommissionRule) -> Outcome:
        """For orders from now on; what is ordered keeps its rate. Raises SellerNotFound."""
        actor.require_role(Role.FINANCE, Role.ADMIN)
        actor_id = actor.require_user()
        if command.seller_id is not None:
            await sellers.get(uow.session, command.seller_id)
        new = CommissionRule(
            id=new_id(),
            seller_id=command.seller_id,
            rate_bps=command.rate_bps,
            version=1,
            effective_from=self._clock(),
            set_by=actor_id,
        )
        rule = await terms.keep_rule(uow.session, new)
        await self._outbox.append(uow, events.commission_rule_changed(rule, actor_id=actor_id))
        return Outcome.of(commission_rule=rule.id)
