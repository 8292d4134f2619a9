"""Why orders refuses."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from uuid import UUID

from shared.errors import Conflict, InvalidInput, NotFound


class OrdersErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    CART_NOT_FOUND = "CART_NOT_FOUND"
    CART_LINE_NOT_FOUND = "CART_LINE_NOT_FOUND"
    CART_CHANGED = "CART_CHANGED"
    CART_FULL = "CART_FULL"
    EMPTY_CART = "EMPTY_CART"
    NOT_FOR_SALE = "NOT_FOR_SALE"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    PRICE_CHANGED = "PRICE_CHANGED"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    ORDER_GROUP_NOT_FOUND = "ORDER_GROUP_NOT_FOUND"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_NOT_PAID = "ORDER_NOT_PAID"
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    NOT_SHIPPABLE = "NOT_SHIPPABLE"
    NOT_DELIVERABLE = "NOT_DELIVERABLE"


class CartNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(OrdersErrorCode.CART_NOT_FOUND, "There is no such open cart.", field=("cartToken",))


class CartLineNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(OrdersErrorCode.CART_LINE_NOT_FOUND, "There is no such line in this cart.", field=("lineId",))


class CartChanged(Conflict):
    """The buyer decided on another cart than the one that is here now."""

    def __init__(self, version: int) -> None:
        super().__init__(
            OrdersErrorCode.CART_CHANGED,
            f"The cart has changed since you looked at it; it is now at version {version}.",
            field=("cartVersion",),
        )


class CartFull(Conflict):
    def __init__(self, lines: int, quantity: int) -> None:
        super().__init__(
            OrdersErrorCode.CART_FULL, f"A cart holds up to {lines} lines of up to {quantity} pieces each."
        )


class EmptyCart(Conflict):
    def __init__(self) -> None:
        super().__init__(OrdersErrorCode.EMPTY_CART, "There is nothing in your cart.")


class NotForSale(Conflict):
    """`variant_ids` are what cannot be bought: unknown, unpublished, archived, or of a suspended seller."""

    def __init__(self, variant_ids: Sequence[UUID], field: tuple[str, ...] | None = None) -> None:
        named = ", ".join(str(variant_id) for variant_id in variant_ids)
        super().__init__(OrdersErrorCode.NOT_FOR_SALE, f"Not for sale: {named}.", field=field)


class CurrencyMismatch(Conflict):
    def __init__(self, cart: str, other: str) -> None:
        super().__init__(
            OrdersErrorCode.CURRENCY_MISMATCH, f"This cart is in {cart}; something priced in {other} needs another one."
        )


class PriceChanged(Conflict):
    """`skus` are what costs something else than the buyer has seen."""

    def __init__(self, skus: Sequence[str]) -> None:
        super().__init__(
            OrdersErrorCode.PRICE_CHANGED,
            f"The price has changed of: {', '.join(skus)}. Accept the new prices, then check out again.",
        )


class AmountTooLarge(Conflict):
    def __init__(self) -> None:
        super().__init__(OrdersErrorCode.AMOUNT_TOO_LARGE, "The cart's total is more than can be charged at once.")


class OrderGroupNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            OrdersErrorCode.ORDER_GROUP_NOT_FOUND, "There is no such order group.", field=("orderGroupId",)
        )


class OrderNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(OrdersErrorCode.ORDER_NOT_FOUND, "There is no such order.", field=("orderId",))


class OrderNotPaid(Conflict):
    def __init__(self) -> None:
        super().__init__(
            OrdersErrorCode.ORDER_NOT_PAID,
            "Before the payment the whole group is cancelled, not one order of it.",
            field=("orderId",),
        )


class NotCancellable(Conflict):
    def __init__(self, status: str) -> None:
        super().__init__(OrdersErrorCode.NOT_CANCELLABLE, f"It is {status} and can no longer be cancelled.")


class NotShippable(Conflict):
    def __init__(self, reason: str) -> None:
        super().__init__(OrdersErrorCode.NOT_SHIPPABLE, reason)


class NotDeliverable(Conflict):
    def __init__(self, status: str) -> None:
        super().__init__(
            OrdersErrorCode.NOT_DELIVERABLE, f"The order is {status}; only a shipped one can be delivered."
        )


class LineOfAnotherOrder(InvalidInput):
    def __init__(self) -> None:
        super().__init__(
            OrdersErrorCode.INVALID_INPUT, "A line that is not of this order, or is named twice.", field=("lines",)
        )
