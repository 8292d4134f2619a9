"""The closed sets of sellers as the graph names them. Described here, before any input or type refers to them."""

from __future__ import annotations

import strawberry

from subgraphs.sellers.domain.sellers import SellerMemberRole, SellerStatus
from subgraphs.sellers.domain.verification import DocumentKind, VerificationStatus
from subgraphs.sellers.errors import SellersErrorCode

__all__ = ["DocumentKind", "SellerMemberRole", "SellerStatus", "SellersErrorCode", "VerificationStatus"]

strawberry.enum(SellerStatus, description="Where a seller stands, from its application on.")
strawberry.enum(SellerMemberRole, description="What a person is to a seller.")
strawberry.enum(VerificationStatus, description="What became of a submission.")
strawberry.enum(DocumentKind, name="VerificationDocumentKind", description="What a document shows.")
strawberry.enum(SellersErrorCode, name="ErrorCode", description="Why a mutation was refused.")
