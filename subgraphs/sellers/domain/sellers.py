"""A seller's life from its application on, its name in addresses, and who acts for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from subgraphs.sellers.errors import InvalidSellerStatus

SLUG_LENGTH = 80
ERASED_NAME = "Closed seller"


class SellerStatus(StrEnum):
    APPLIED = "APPLIED"
    IN_REVIEW = "IN_REVIEW"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SUSPENDED = "SUSPENDED"
    CLOSED = "CLOSED"


class Step(StrEnum):
    """What can happen to a seller."""

    SUBMIT = "SUBMIT"
    REQUEST_CHANGES = "REQUEST_CHANGES"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    SUSPEND = "SUSPEND"
    REINSTATE = "REINSTATE"
    CLOSE = "CLOSE"


ENDED = frozenset({SellerStatus.REJECTED, SellerStatus.CLOSED})
"""Nothing comes after these but the closing of a rejected one; its owner may apply anew."""

_S = SellerStatus
STEPS: Mapping[Step, tuple[frozenset[SellerStatus], SellerStatus]] = {
    Step.SUBMIT: (frozenset({_S.APPLIED, _S.CHANGES_REQUESTED}), _S.IN_REVIEW),
    Step.REQUEST_CHANGES: (frozenset({_S.IN_REVIEW}), _S.CHANGES_REQUESTED),
    Step.APPROVE: (frozenset({_S.IN_REVIEW}), _S.APPROVED),
    # An application that is never completed must end, too.
    Step.REJECT: (frozenset({_S.APPLIED, _S.IN_REVIEW, _S.CHANGES_REQUESTED}), _S.REJECTED),
    Step.SUSPEND: (frozenset({_S.APPROVED}), _S.SUSPENDED),
    Step.REINSTATE: (frozenset({_S.SUSPENDED}), _S.APPROVED),
    Step.CLOSE: (frozenset(_S) - {_S.CLOSED}, _S.CLOSED),
}
"""From which statuses a step leads to which."""

# What is being reviewed holds still, and so does what was suspended.
EDITABLE = frozenset({_S.APPLIED, _S.CHANGES_REQUESTED, _S.APPROVED})


@dataclass(eq=False)
class Seller:
    """A business. `version` grows with each change and orders its events; `approved_at` is the first approval's."""

    id: UUID
    owner_id: UUID
    name: str
    slug: str
    description: str
    status: SellerStatus
    version: int
    created_at: datetime
    approved_at: datetime | None

    def take(self, step: Step) -> None:
        """Raises InvalidSellerStatus where the step does not lead on from here; then nothing has changed."""
        sources, target = STEPS[step]
        if self.status not in sources:
            raise InvalidSellerStatus(self.status)
        self.status = target
        self.version += 1

    def approve(self, now: datetime) -> None:
        """Raises InvalidSellerStatus."""
        self.take(Step.APPROVE)
        self.approved_at = now

    def change_profile(self, *, name: str | None, slug: str | None, description: str | None) -> None:
        """None leaves a value as it is. Raises InvalidSellerStatus."""
        if self.status not in EDITABLE:
            raise InvalidSellerStatus(self.status)
        self.name = self.name if name is None else name
        self.slug = self.slug if slug is None else slug
        self.description = self.description if description is None else description
        self.version += 1

    def add_member(self) -> None:
        """Counts as a change of the seller. Raises InvalidSellerStatus unless it sells."""
        if self.status is not SellerStatus.APPROVED:
            raise InvalidSellerStatus(self.status)
        self.version += 1

    def require_open(self) -> None:
        """Raises InvalidSellerStatus once the seller was rejected or closed."""
        if self.status in ENDED:
            raise InvalidSellerStatus(self.status)

    def erase(self, slug: str) -> None:
        """Close it and forget what may name a person: a sole trader trades under their own name."""
        self.take(Step.CLOSE)
        self.name = ERASED_NAME
        self.slug = slug
        self.description = ""


class SellerMemberRole(StrEnum):
    OWNER = "OWNER"
    MEMBER = "MEMBER"


@dataclass(eq=False)
class SellerMember:
    """A person who acts for a seller; exactly one is its owner."""

    id: UUID
    seller_id: UUID
    user_id: UUID
    role: SellerMemberRole
    added_at: datetime


def slug_of(name: str) -> str:
    """The name in lower-case ASCII letters and digits joined by hyphens; `seller` where nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain))[:SLUG_LENGTH].strip("-") or "seller"


def slug_candidates(name: str, seller_id: UUID) -> Iterator[str]:
    """Slugs to try in order; the last holds the whole id and is therefore free."""
    slug = slug_of(name)
    yield slug
    for suffix in (seller_id.hex[:6], seller_id.hex):
        yield f"{slug[: SLUG_LENGTH - len(suffix) - 1].rstrip('-')}-{suffix}"
