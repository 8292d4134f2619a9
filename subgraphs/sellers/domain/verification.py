"""What a seller hands in to be verified and what staff makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class VerificationStatus(StrEnum):
    SUBMITTED = "SUBMITTED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


class DocumentKind(StrEnum):
    IDENTITY = "IDENTITY"
    BUSINESS_REGISTRATION = "BUSINESS_REGISTRATION"
    TAX = "TAX"
    BANK = "BANK"
    OTHER = "OTHER"


@dataclass(eq=False)
class VerificationCase:
    """One submission. It is decided once; a second attempt is a second case."""

    id: UUID
    seller_id: UUID
    status: VerificationStatus
    reason: str
    submitted_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None

    def decide(self, status: VerificationStatus, *, by: UUID, at: datetime, reason: str = "") -> None:
        self.status = status
        self.decided_by = by
        self.decided_at = at
        self.reason = reason


@dataclass(eq=False)
class VerificationDocument:
    """`reference` names a file in the place where documents are kept; it is not the document."""

    id: UUID
    case_id: UUID
    seller_id: UUID
    position: int
    kind: DocumentKind
    reference: str
