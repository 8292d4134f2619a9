"""One request's view of sellers: its service, its loaders, and what is private to whom."""

from __future__ import annotations

from strawberry.types import Info as StrawberryInfo

from shared.auth.actor import Actor
from shared.db.database import Database
from shared.graphql.context import RequestContext
from shared.graphql.loaders import batch_loader, page_loader
from shared.graphql.writes import Writes
from subgraphs.sellers.domain.sellers import Seller
from subgraphs.sellers.repository import sellers, terms, verification
from subgraphs.sellers.service.sellers import SellersService


class SellersContext(RequestContext):
    def __init__(self, actor: Actor, database: Database, writes: Writes, service: SellersService) -> None:
        super().__init__(actor, database, writes)
        self.service = service
        self.seller_by_id = batch_loader(self, sellers.sellers_by_id)
        self.members_by_seller = page_loader(self, sellers.member_pages_by_seller)
        self.member_count_by_seller = batch_loader(self, sellers.member_counts_by_seller)
        self.newest_case_by_seller = batch_loader(self, verification.newest_case_by_seller)
        self.documents_by_case = batch_loader(self, verification.documents_by_case)
        self.rule_by_seller = batch_loader(self, terms.rules_by_seller)
        self.rule_by_id = batch_loader(self, terms.rules_by_id)
        self.account_by_seller = batch_loader(self, terms.accounts_by_seller)

    def may_see(self, seller: Seller) -> bool:
        """Whether what is private to this seller may be shown: to its owner, its members and staff."""
        actor = self.actor
        return actor.is_staff or actor.user_id == seller.owner_id or actor.seller_id == seller.id


Info = StrawberryInfo[SellersContext, None]
