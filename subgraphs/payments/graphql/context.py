"""One request's view of payments: its services and its loaders."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor, Role
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from subgraphs.payments.repository import ledger, payments, payouts, refunds
from subgraphs.payments.service.payments import PaymentsService
from subgraphs.payments.service.payouts import PayoutsService
from subgraphs.payments.service.refunds import RefundsService
from subgraphs.payments.service.settlement import Settlement

BOOKKEEPERS = (Role.FINANCE, Role.ADMIN)


class PaymentsContext(RequestContext):
    def __init__(
        self,
        actor: Actor,
        database: Database,
        writes: Writes,
        *,
        payments_service: PaymentsService,
        refunds_service: RefundsService,
        payouts_service: PayoutsService,
        settlement: Settlement,
    ) -> None:
        super().__init__(actor, database, writes)
        self.payments = payments_service
        self.refunds = refunds_service
        self.payouts = payouts_service
        self.settlement = settlement
        self.payment_by_id = batch_loader(self, payments.payments_by_id)
        self.payment_by_group = batch_loader(self, payments.payments_by_group)
        self.payment_by_order = batch_loader(self, payments.payments_by_order)
        self.promised_by_payment = batch_loader(self, refunds.promised_by_payment)
        self.promised_by_order = batch_loader(self, refunds.promised_by_order)
        self.refund_by_id = batch_loader(self, refunds.refunds_by_id)
        self.lines_by_refund = batch_loader(self, refunds.lines_by_refund)
        self.refunds_by_order = page_loader(self, refunds.refund_pages_by_order)
        self.refunds_by_payment = page_loader(self, refunds.refund_pages_by_payment)
        self.refund_count_by_order = batch_loader(self, refunds.refund_counts_by_order)
        self.refund_count_by_payment = batch_loader(self, refunds.refund_counts_by_payment)
        self.balance_by_seller = batch_loader(self, ledger.balances)
        self.postings_by_entry = batch_loader(self, ledger.postings_by_entry)
        self.payout_by_id = batch_loader(self, payouts.payouts_by_id)
        self.payouts_by_seller = page_loader(self, payouts.payout_pages_by_seller, report=True)
        self.payout_count_by_seller = batch_loader(self, payouts.payout_counts_by_seller)
        self.items_by_payout = page_loader(self, payouts.item_pages_by_payout)
        self.item_count_by_payout = batch_loader(self, payouts.item_counts_by_payout)


Info = StrawberryInfo[PaymentsContext, None]
