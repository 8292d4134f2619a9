"""Every way to read what is not everybody's, and who may."""

from __future__ import annotations

from dataclasses import dataclass

from tests.integration.authorization.cast import STAFF

BUYER_AND_STAFF = STAFF | {"buyer"}
MEMBER_AND_STAFF = STAFF | {"member"}
PARTIES = STAFF | {"buyer", "member"}
MODERATORS = frozenset({"support", "admin"})
BOOKKEEPERS = frozenset({"finance", "admin"})
ADMIN = frozenset({"admin"})


@dataclass(frozen=True, slots=True)
class Read:
    """`selection` is a root selection in which `$name` stands for an id of the world, or with `entity` a selection on
    that type, whose id is `$id` of the world. Whoever is not in `seen_by` must get nothing but nulls, zeros and nothing.
    """

    domain: str
    selection: str
    seen_by: frozenset[str]
    entity: str | None = None
    id: str = ""

    def __str__(self) -> str:
        return f"{self.domain}: {self.entity or 'Query'} {self.selection}"


def entity(domain: str, type_name: str, id: str, selection: str, seen_by: frozenset[str]) -> Read:
    return Read(domain, selection, seen_by, type_name, id)


ADDRESS_FIELDS = "recipient line1 city"
PRIVATE_OF_USER = "email emailVerified locale roles addresses { totalCount edges { node { line1 } } }"
PRIVATE_OF_SELLER = (
    "status members { totalCount edges { node { user { id } } } } verification { status documents { reference } }"
    " commission { rateBps } payoutAccount { masked }"
)
HIDDEN_SELLER = "name slug description owner { id } " + PRIVATE_OF_SELLER
LINES = "lines { title total { amount } }"
SALES = 'salesReport(from: "2020-01-01T00:00Z", to: "2050-01-01T00:00Z", interval: MONTH)'

READS = (
    Read("accounts", f"user(id: $buyer) {{ {PRIVATE_OF_USER} }}", BUYER_AND_STAFF),
    Read("accounts", "user(id: $buyer) { seller { id } }", frozenset()),
    Read("accounts", "users { totalCount edges { node { email } } }", MODERATORS),
    Read("accounts", "users(email: $email) { edges { node { email } } }", MODERATORS),
    entity("accounts", "User", "buyer", PRIVATE_OF_USER, BUYER_AND_STAFF),
    entity("accounts", "Address", "address", ADDRESS_FIELDS, BUYER_AND_STAFF),
    Read("accounts", "apiClients { totalCount edges { node { name scopes } } }", ADMIN),
    Read("audit", "auditLog { totalCount edges { node { action details actor { id } } } }", ADMIN),
    Read("audit", "verifyAuditChain { intact checked }", ADMIN),
    Read("catalog", "product(id: $draft) { title variants { sku } }", MEMBER_AND_STAFF),
    Read("catalog", "products(filter: {status: [DRAFT]}) { totalCount edges { node { title } } }", MEMBER_AND_STAFF),
    Read("catalog", "products(filter: {status: [DRAFT], sellerId: $seller}) { totalCount }", MEMBER_AND_STAFF),
    Read("catalog", 'search(query: "Clandestine gramophone") { totalCount edges { node { title } } }', frozenset()),
    entity("catalog", "Product", "draft", "title status variants { sku price { amount } }", MEMBER_AND_STAFF),
    entity("catalog", "Variant", "draft_variant", "sku title price { amount } product { title }", MEMBER_AND_STAFF),
    Read("inventory", "stockLocations(sellerId: $seller) { totalCount edges { node { name } } }", MEMBER_AND_STAFF),
    Read("inventory", "stockItems(sellerId: $seller) { totalCount edges { node { onHand } } }", MEMBER_AND_STAFF),
    Read("inventory", "stockItems(sellerId: $seller, variantId: $variant) { totalCount }", MEMBER_AND_STAFF),
    Read("inventory", "stockMovements(sellerId: $seller) { totalCount edges { node { kind } } }", MEMBER_AND_STAFF),
    # The partner of the cast has the scope stock:read, and not catalog:read.
    entity("inventory", "Variant", "variant", "stock { onHand reserved available }", STAFF | {"partner"}),
    entity("catalog", "Product", "public", "revision", STAFF),
    entity("inventory", "StockLocation", "location", "name createdAt", MEMBER_AND_STAFF),
    Read("notifications", "myNotifications { totalCount edges { node { title text } } }", frozenset({"buyer"})),
    entity("notifications", "Notification", "notification", "title text order { id }", BUYER_AND_STAFF),
    entity("notifications", "User", "buyer", "notifications { totalCount edges { node { text } } }", BUYER_AND_STAFF),
    Read("orders", f"order(id: $order) {{ status total {{ amount }} buyer {{ id }} {LINES} }}", PARTIES),
    Read("orders", "order(id: $order) { orderGroup { status } }", BUYER_AND_STAFF),
    Read("orders", "orderGroup(id: $group) { status total { amount } orders { id } }", BUYER_AND_STAFF),
    Read("orders", "orders { totalCount edges { node { id } } }", frozenset({"buyer"})),
    Read("orders", "sellerOrders { totalCount edges { node { id } } }", frozenset({"member"})),
    Read("orders", "myCart { id lines { title } }", frozenset({"buyer"})),
    Read("orders", "cart(token: $cart) { id }", frozenset()),
    entity("orders", "Order", "order", f"status {LINES} history {{ toStatus }} shipments {{ carrier }}", PARTIES),
    entity("orders", "OrderGroup", "group", "status buyer { id } history { toStatus }", BUYER_AND_STAFF),
    entity("orders", "User", "buyer", "orders { totalCount edges { node { id } } }", BUYER_AND_STAFF),
    entity("orders", "Seller", "seller", "orders { totalCount edges { node { id } } }", MEMBER_AND_STAFF),
    entity("orders", "Seller", "seller", f"{SALES} {{ totals {{ orders }} rows {{ units }} }}", MEMBER_AND_STAFF),
    Read("payments", "payment(id: $payment) { status amount { amount } refunds { totalCount } }", BUYER_AND_STAFF),
    Read("payments", "sellerBalance { available { amount } pending { amount } }", frozenset({"member"})),
    Read("payments", "payouts { totalCount edges { node { amount { amount } } } }", MEMBER_AND_STAFF),
    Read("payments", "payouts(sellerId: $seller) { totalCount }", MEMBER_AND_STAFF),
    Read("payments", "ledger { totalCount edges { node { kind postings { amount { amount } } } } }", BOOKKEEPERS),
    Read("payments", "trialBalance { accounts { balance { amount } } }", BOOKKEEPERS),
    entity("payments", "Payment", "payment", "status amount { amount } failureReason", BUYER_AND_STAFF),
    entity("payments", "Refund", "refund", "status amount { amount } lines { lineId }", PARTIES),
    entity("payments", "Refund", "refund", "payment { id }", BUYER_AND_STAFF),
    entity("payments", "Payout", "payout", "status amount { amount } items { totalCount }", MEMBER_AND_STAFF),
    entity("payments", "Order", "order", "payment { id amount { amount } }", BUYER_AND_STAFF),
    entity("payments", "Order", "order", "refunds { totalCount edges { node { id } } }", PARTIES),
    entity("payments", "OrderGroup", "group", "payment { id }", BUYER_AND_STAFF),
    entity("payments", "Seller", "seller", "balance { pending { amount } }", BOOKKEEPERS | {"member"}),
    entity("payments", "Seller", "seller", "payouts { totalCount edges { node { id } } }", MEMBER_AND_STAFF),
    Read("reviews", "review(id: $review) { title rating author { id } }", PARTIES),
    Read("reviews", "moderationQueue { totalCount edges { node { title } } }", MODERATORS),
    entity("reviews", "Review", "review", "title rating", PARTIES),
    entity("reviews", "Product", "product", "reviews { totalCount edges { node { title } } }", frozenset()),
    Read("sellers", f"seller(id: $applied) {{ {HIDDEN_SELLER} }}", BUYER_AND_STAFF),
    Read("sellers", "sellerBySlug(slug: $slug) { name }", frozenset()),
    Read("sellers", "sellers(status: IN_REVIEW) { totalCount edges { node { name } } }", STAFF),
    Read("sellers", "mySeller { name }", frozenset({"buyer", "member"})),
    Read("sellers", "verificationQueue { totalCount edges { node { documents { reference } } } }", MODERATORS),
    Read("sellers", "commissionRules { totalCount edges { node { rateBps } } }", BOOKKEEPERS),
    Read("sellers", f"seller(id: $sells) {{ {PRIVATE_OF_SELLER} }}", MEMBER_AND_STAFF),
    entity("sellers", "Seller", "sells", PRIVATE_OF_SELLER, MEMBER_AND_STAFF),
    entity("sellers", "Seller", "applied", HIDDEN_SELLER, BUYER_AND_STAFF),
)

PUBLIC_FIELDS = frozenset(
    {
        # What the asker is, or what a shop window shows to everybody.
        "accounts.me",
        "catalog.categories",
        "catalog.category",
    }
)
PUBLIC_ENTITIES = frozenset(
    {
        # References to what another subgraph owns, without a field of this one that is not everybody's.
        "accounts.Seller",
        "audit.User",
        "catalog.Category",
        "catalog.Seller",
        "inventory.Product",
        "notifications.Order",
        "notifications.OrderGroup",
        "orders.Product",
        "orders.Variant",
        "reviews.Seller",
        "reviews.User",
        "sellers.User",
    }
)
