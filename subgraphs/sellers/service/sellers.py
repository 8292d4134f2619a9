"""All use cases of sellers in one value, as the schema and the consumers are given them."""

from __future__ import annotations

from dataclasses import dataclass

from subgraphs.sellers.service.applications import Applications
from subgraphs.sellers.service.commissions import Commissions
from subgraphs.sellers.service.erasure import Erasure
from subgraphs.sellers.service.profile import SellerProfile


@dataclass(frozen=True, slots=True)
class SellersService:
    applications: Applications
    profile: SellerProfile
    commissions: Commissions
    erasure: Erasure
