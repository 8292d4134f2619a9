"""What a seller pays and where it is paid: the commission, and an account of which only the end is readable."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


@dataclass(eq=False)
class CommissionRule:
    """The platform's share in basis points of one seller's sales, or of all others' (`seller_id` None)."""

    id: UUID
    seller_id: UUID | None
    rate_bps: int
    version: int
    effective_from: datetime
    set_by: UUID | None


@dataclass(eq=False)
class PayoutAccount:
    """Where a seller is paid. `masked` may be shown, `sealed` only be opened by the private key's holder."""

    seller_id: UUID
    id: UUID
    masked: str
    sealed: str
    updated_at: datetime


def normalise_account(text: str) -> str:
    """An IBAN or a domestic account number without its spaces. Raises ValueError, never naming the value."""
    reference = re.sub(r"[\s-]", "", text).upper()
    if not re.fullmatch(r"[A-Z0-9]{6,34}", reference):
        raise ValueError("An account has 6 to 34 letters and digits.")
    if _IBAN.fullmatch(reference) and not _has_valid_check_digits(reference):
        raise ValueError("The check digits of this IBAN are wrong.")
    return reference


def mask_account(reference: str) -> str:
    return f"•••• {reference[-4:]}"


def _has_valid_check_digits(iban: str) -> bool:
    """ISO 13616: letters count from A = 10; the number with its head moved to the end is 1 modulo 97."""
    return int("".join(str(int(character, 36)) for character in iban[4:] + iban[:4])) % 97 == 1
