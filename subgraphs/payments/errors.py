"""Why payments refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, InvalidInput, NotFound


class PaymentsErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    ORDER_GROUP_NOT_FOUND = "ORDER_GROUP_NOT_FOUND"
    NOT_PAYABLE = "NOT_PAYABLE"
    ALREADY_PAID = "ALREADY_PAID"
    PAYMENT_IN_PROGRESS = "PAYMENT_IN_PROGRESS"
    PAYMENT_NOT_FOUND = "PAYMENT_NOT_FOUND"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    NOT_PAID = "NOT_PAID"
    LINE_NOT_FOUND = "LINE_NOT_FOUND"
    REFUND_EXCEEDS_PAYMENT = "REFUND_EXCEEDS_PAYMENT"
    PERIOD_IN_FUTURE = "PERIOD_IN_FUTURE"


class OrderGroupNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            PaymentsErrorCode.ORDER_GROUP_NOT_FOUND, "There is nothing to pay under this id.", field=("orderGroupId",)
        )


class NotPayable(Conflict):
    def __init__(self) -> None:
        super().__init__(
            PaymentsErrorCode.NOT_PAYABLE,
            "This order was cancelled or its time to pay is over.",
            field=("orderGroupId",),
        )


class AlreadyPaid(Conflict):
    def __init__(self) -> None:
        super().__init__(PaymentsErrorCode.ALREADY_PAID, "This order is paid already.", field=("orderGroupId",))


class PaymentInProgress(Conflict):
    def __init__(self) -> None:
        super().__init__(
            PaymentsErrorCode.PAYMENT_IN_PROGRESS,
            "A payment of this order is under way: wait for its result before you try again.",
            field=("orderGroupId",),
        )


class PaymentNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(PaymentsErrorCode.PAYMENT_NOT_FOUND, "There is no such payment.", field=("paymentId",))


class OrderNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(PaymentsErrorCode.ORDER_NOT_FOUND, "There is no such order.", field=("orderId",))


class NotPaid(Conflict):
    def __init__(self) -> None:
        super().__init__(PaymentsErrorCode.NOT_PAID, "This order is not paid.", field=("orderId",))


class LineNotFound(NotFound):
    def __init__(self, index: int) -> None:
        super().__init__(
            PaymentsErrorCode.LINE_NOT_FOUND, "This order has no such line.", field=("lines", str(index), "lineId")
        )


class RefundExceedsPayment(Conflict):
    def __init__(self, remaining: int, *, field: tuple[str, ...]) -> None:
        super().__init__(
            PaymentsErrorCode.REFUND_EXCEEDS_PAYMENT,
            f"Of what was paid, {remaining} cents are left to refund.",
            field=field,
        )


class PeriodInFuture(InvalidInput):
    def __init__(self) -> None:
        super().__init__(PaymentsErrorCode.PERIOD_IN_FUTURE, "This week has not begun.", field=("period",))
