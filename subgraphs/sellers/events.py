"""What sellers tells the others. Payloads carry ids, figures and a seller's public name.

The shapes are protocols, since the classes that fit them stand above this module.
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from shared.messaging.contract import JSON, DomainEvent


class Seller(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def owner_id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def version(self) -> int: ...


class CommissionRule(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def seller_id(self) -> UUID | None: ...
    @property
    def rate_bps(self) -> int: ...
    @property
    def version(self) -> int: ...


def seller_applied(seller: Seller) -> DomainEvent:
    return _event("applied", seller, owner_id=str(seller.owner_id), name=seller.name)


def seller_verification_submitted(seller: Seller, *, case_id: UUID) -> DomainEvent:
    return _event("verification_submitted", seller, case_id=str(case_id), owner_id=str(seller.owner_id))


def seller_changes_requested(seller: Seller, *, case_id: UUID, actor_id: UUID, reason: str) -> DomainEvent:
    return _decided("changes_requested", seller, actor_id, case_id=str(case_id), reason=reason)


def seller_approved(seller: Seller, *, actor_id: UUID, commission_bps: int) -> DomainEvent:
    return _decided("approved", seller, actor_id, name=seller.name, commission_bps=commission_bps)


def seller_rejected(seller: Seller, *, actor_id: UUID, reason: str) -> DomainEvent:
    return _decided("rejected", seller, actor_id, reason=reason)


def seller_suspended(seller: Seller, *, actor_id: UUID, reason: str) -> DomainEvent:
    return _decided("suspended", seller, actor_id, reason=reason)


def seller_reinstated(seller: Seller, *, actor_id: UUID) -> DomainEvent:
    return _decided("reinstated", seller, actor_id)


def seller_member_added(seller: Seller, *, user_id: UUID, actor_id: UUID) -> DomainEvent:
    return _event("member_added", seller, user_id=str(user_id), actor_id=str(actor_id))


def commission_rule_changed(rule: CommissionRule, *, actor_id: UUID) -> DomainEvent:
    payload: dict[str, JSON] = {
        "rule_id": str(rule.id),
        "seller_id": str(rule.seller_id) if rule.seller_id else None,
        "rate_bps": rule.rate_bps,
        "version": rule.version,
        "actor_id": str(actor_id),
    }
    return DomainEvent("commission_rule.changed", "commission_rule", rule.id, rule.version, payload)


def _decided(what: str, seller: Seller, actor_id: UUID, **more: JSON) -> DomainEvent:
    return _event(what, seller, owner_id=str(seller.owner_id), actor_id=str(actor_id), **more)


def _event(what: str, seller: Seller, **more: JSON) -> DomainEvent:
    payload: dict[str, JSON] = {"seller_id": str(seller.id), "version": seller.version, **more}
    return DomainEvent(f"seller.{what}", "seller", seller.id, seller.version, payload)
