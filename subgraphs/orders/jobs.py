"""The deadline: orders alone decides that a group has expired."""

from __future__ import annotations

import logging

from shared.db.database import Database
from shared.db.scope import Scope
from subgraphs.orders.service.saga import CheckoutSaga

log = logging.getLogger(__name__)
BATCH = 200


class ExpireOverdueGroups:
    """Run by every worker: each group in a transaction of its own, and one that another holds is passed over."""

    def __init__(self, database: Database, saga: CheckoutSaga) -> None:
        self._database = database
        self._saga = saga

    async def run(self) -> None:
        async with self._database.unit_of_work(Scope.ALL) as uow:
            overdue = await self._saga.overdue(uow, BATCH)
        for group_id in overdue:
            try:
                async with self._database.unit_of_work(Scope.ALL) as uow:
                    await self._saga.expire(uow, group_id)
            except Exception:
                # One group that cannot be expired must not keep the others' stock.
                log.exception("expiry failed", extra={"group": str(group_id)})
