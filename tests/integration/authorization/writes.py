"""Every write, with what it is asked to do to somebody else's things, and who may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.integration.authorization.cast import EVERYBODY, STAFF

SIGNED_IN = EVERYBODY - {"visitor", "partner"}
SELLERS = frozenset({"seller", "member"})
OWN_SELLER = frozenset({"member"})
BUYER = frozenset({"buyer"})
MODERATORS = frozenset({"support", "admin"})
BOOKKEEPERS = frozenset({"finance", "admin"})
ADMIN = frozenset({"admin"})
ADDRESS = {"recipient": "Eve", "line1": "Other Street 2", "city": "Bonn", "country": "DE"}
VARIANT = {"sku": "EVE-1", "title": "Eve's", "price": 1}
PASSPORT = {"kind": "IDENTITY", "reference": "files/eve.pdf"}


@dataclass(frozen=True, slots=True)
class Write:
    """`values` is the valid input without its key, in which `$name` stands for an id of the world.

    Whoever is not in `allowed` must be refused, with nothing changed.
    """

    domain: str
    mutation: str
    allowed: frozenset[str]
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.domain}: {self.mutation} {self.values}"


WRITES = (
    Write("accounts", "logout", SIGNED_IN),
    Write("accounts", "logoutAll", SIGNED_IN),
    Write("accounts", "changePassword", SIGNED_IN, {"currentPassword": "12345678", "newPassword": "87654321"}),
    Write("accounts", "updateProfile", SIGNED_IN, {"displayName": "Eve"}),
    Write("accounts", "addAddress", SIGNED_IN, {"address": ADDRESS}),
    Write("accounts", "updateAddress", BUYER, {"addressId": "$address", "address": ADDRESS}),
    Write("accounts", "removeAddress", BUYER, {"addressId": "$address"}),
    Write("accounts", "grantRole", ADMIN, {"userId": "$buyer", "role": "ADMIN"}),
    Write("accounts", "revokeRole", ADMIN, {"userId": "$buyer", "role": "SELLER"}),
    Write("accounts", "createApiClient", ADMIN, {"name": "eves-shop", "scopes": ["stock:read"]}),
    Write("accounts", "rotateApiKey", ADMIN, {"apiClientId": "$api_client"}),
    Write("accounts", "revokeApiClient", ADMIN, {"apiClientId": "$api_client"}),
    Write("accounts", "requestErasure", SIGNED_IN),
    Write("catalog", "createProduct", SELLERS, {"title": "X", "currency": "EUR", "variants": [VARIANT]}),
    Write("catalog", "updateProduct", OWN_SELLER, {"productId": "$public", "title": "Eve's lamp"}),
    Write("catalog", "addVariant", OWN_SELLER, {"productId": "$public"} | VARIANT),
    Write("catalog", "changePrice", OWN_SELLER, {"variantId": "$public_variant", "price": 1}),
    Write("catalog", "changePrice", OWN_SELLER, {"variantId": "$draft_variant", "price": 1}),
    Write("catalog", "submitProduct", OWN_SELLER, {"productId": "$draft"}),
    Write("catalog", "publishProduct", OWN_SELLER | MODERATORS, {"productId": "$submitted"}),
    Write("catalog", "rejectProduct", MODERATORS, {"productId": "$submitted", "reason": "no"}),
    Write("catalog", "archiveProduct", OWN_SELLER | MODERATORS, {"productId": "$public"}),
    Write("catalog", "createCategory", ADMIN, {"name": "Eve's"}),
    Write("inventory", "createStockLocation", SELLERS, {"name": "Depot"}),
    Write("inventory", "receiveStock", OWN_SELLER, {"locationId": "$location", "variantId": "$variant", "quantity": 1}),
    Write(
        "inventory",
        "adjustStock",
        OWN_SELLER,
        {"locationId": "$location", "variantId": "$variant", "delta": -1, "reason": "lost"},
    ),
    Write("inventory", "setLowStockThreshold", OWN_SELLER, {"variantId": "$variant", "threshold": 9}),
    Write("notifications", "markNotificationRead", BUYER, {"notificationId": "$notification"}),
    Write("orders", "updateCartLine", BUYER, {"lineId": "$line", "quantity": 9}),
    Write("orders", "removeCartLine", BUYER, {"lineId": "$line"}),
    Write("orders", "updateCartLine", frozenset(), {"lineId": "$guest_line", "quantity": 9}),
    Write("orders", "removeCartLine", frozenset(), {"lineId": "$guest_line"}),
    Write("orders", "acceptCartPrices", BUYER),
    Write("orders", "mergeCart", frozenset(), {"cartToken": "$cart"}),
    Write("orders", "checkout", BUYER, {"cartVersion": 2}),
    Write("orders", "cancelOrderGroup", STAFF | BUYER, {"orderGroupId": "$group"}),
    Write("orders", "cancelOrder", STAFF | BUYER | OWN_SELLER, {"orderId": "$order"}),
    Write("orders", "shipOrder", OWN_SELLER, {"orderId": "$order", "carrier": "Eve"}),
    Write("orders", "deliverOrder", STAFF | OWN_SELLER, {"orderId": "$order"}),
    Write("payments", "startPayment", BUYER, {"orderGroupId": "$unpaid_group", "paymentMethod": "pm_ok"}),
    Write("payments", "confirmPayment", BUYER, {"paymentId": "$payment"}),
    Write("payments", "refundOrder", STAFF | OWN_SELLER, {"orderId": "$held_order", "reason": "GOODWILL"}),
    Write("payments", "runPayouts", BOOKKEEPERS, {"period": "$period"}),
    Write("reviews", "submitReview", BUYER, {"productId": "$product", "rating": 5, "title": "Great"}),
    Write("reviews", "moderateReview", MODERATORS, {"reviewId": "$review", "verdict": "PUBLISH"}),
    Write("reviews", "replyToReview", OWN_SELLER, {"reviewId": "$review", "text": "No"}),
    Write("sellers", "applyAsSeller", SIGNED_IN, {"name": "Eve's"}),
    Write("sellers", "submitVerification", BUYER, {"sellerId": "$applied", "documents": [PASSPORT]}),
    Write("sellers", "requestChanges", MODERATORS, {"sellerId": "$applied", "reason": "more"}),
    Write("sellers", "approveSeller", MODERATORS, {"sellerId": "$applied"}),
    Write("sellers", "rejectSeller", MODERATORS, {"sellerId": "$applied", "reason": "no"}),
    Write("sellers", "suspendSeller", ADMIN, {"sellerId": "$sells", "reason": "no"}),
    Write("sellers", "reinstateSeller", ADMIN, {"sellerId": "$sells"}),
    Write("sellers", "updateSellerProfile", OWN_SELLER, {"sellerId": "$sells", "name": "Eve's"}),
    Write("sellers", "updateSellerProfile", BUYER, {"sellerId": "$applied", "name": "Eve's"}),
    Write("sellers", "inviteMember", OWN_SELLER, {"sellerId": "$sells", "userId": "$applied"}),
    Write(
        "sellers",
        "setPayoutAccount",
        OWN_SELLER,
        {"sellerId": "$sells", "holderName": "Eve", "accountReference": "DE02120300000000202051"},
    ),
    Write("sellers", "setCommissionRule", BOOKKEEPERS, {"sellerId": "$sells", "rateBps": 0}),
)

OPEN_TO_ALL = frozenset(
    {
        # What a visitor does to become somebody, or with a secret of their own; and a guest's first line.
        "accounts.register",
        "accounts.verifyEmail",
        "accounts.login",
        "accounts.refreshToken",
        "accounts.requestPasswordReset",
        "accounts.resetPassword",
        "orders.addToCart",
    }
)
