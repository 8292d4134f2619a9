"""Every subscription, and who may open it. What a stream shows is read with the scope of whoever opened it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.authorization.cast import EVERYBODY
from tests.integration.authorization.writes import BUYER, OWN_SELLER, SELLERS, SIGNED_IN


@dataclass(frozen=True, slots=True)
class Watch:
    """`selection` is a root selection in which `$name` stands for an id of the world.

    Whoever is not in `opened_by` must be refused before anything is opened.
    """

    domain: str
    selection: str
    opened_by: frozenset[str]

    def __str__(self) -> str:
        return f"{self.domain}: {self.selection}"


WATCHES = (
    Watch("inventory", "stockChanged(variantIds: [$variant]) { availability { available } }", EVERYBODY),
    Watch("notifications", "myNotificationAdded { title text }", SIGNED_IN),
    Watch("orders", "orderUpdated { id }", SIGNED_IN),
    Watch("orders", "orderUpdated(orderId: $order) { id }", BUYER),
    Watch("orders", "sellerOrderReceived { id }", SELLERS),
    Watch("orders", "sellerOrderReceived(sellerId: $seller) { id }", OWN_SELLER),
)
