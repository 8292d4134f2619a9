"""The tables of sellers and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Table, Text
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum
from subgraphs.sellers.domain.sellers import Seller, SellerMember, SellerMemberRole, SellerStatus
from subgraphs.sellers.domain.terms import CommissionRule, PayoutAccount
from subgraphs.sellers.domain.verification import (
    DocumentKind,
    VerificationCase,
    VerificationDocument,
    VerificationStatus,
)

metadata = MetaData()

seller = Table(
    "seller",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("owner_id", UUID_TYPE),
    Column("name", Text),
    Column("slug", Text),
    Column("description", Text),
    Column("status", text_enum(SellerStatus)),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
    Column("approved_at", MOMENT),
)

seller_member = Table(
    "seller_member",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE, ForeignKey("seller.id")),
    Column("user_id", UUID_TYPE),
    Column("role", text_enum(SellerMemberRole)),
    Column("added_at", MOMENT),
)

verification_case = Table(
    "verification_case",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE, ForeignKey("seller.id")),
    Column("status", text_enum(VerificationStatus)),
    Column("reason", Text),
    Column("submitted_at", MOMENT),
    Column("decided_at", MOMENT),
    Column("decided_by", UUID_TYPE),
)

verification_document = Table(
    "verification_document",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("case_id", UUID_TYPE, ForeignKey("verification_case.id")),
    Column("seller_id", UUID_TYPE, ForeignKey("seller.id")),
    Column("position", Integer),
    Column("kind", text_enum(DocumentKind)),
    Column("reference", Text),
)

commission_rule = Table(
    "commission_rule",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("seller_id", UUID_TYPE, ForeignKey("seller.id")),
    Column("rate_bps", Integer),
    Column("version", BigInteger),
    Column("effective_from", MOMENT),
    Column("set_by", UUID_TYPE),
)

payout_account = Table(
    "payout_account",
    metadata,
    Column("seller_id", UUID_TYPE, ForeignKey("seller.id"), primary_key=True),
    Column("id", UUID_TYPE),
    Column("masked", Text),
    Column("sealed", Text),
    Column("updated_at", MOMENT),
)

erased_user = Table(
    "erased_user",
    metadata,
    Column("user_id", UUID_TYPE, primary_key=True),
    Column("erased_at", MOMENT),
)

_mapper = registry(metadata=metadata)
_mapper.map_imperatively(Seller, seller)
_mapper.map_imperatively(SellerMember, seller_member)
_mapper.map_imperatively(VerificationCase, verification_case)
_mapper.map_imperatively(VerificationDocument, verification_document)
_mapper.map_imperatively(CommissionRule, commission_rule)
_mapper.map_imperatively(PayoutAccount, payout_account)
