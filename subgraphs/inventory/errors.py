"""Why inventory refuses."""

from __future__ import annotations

from enum import StrEnum

from shared.errors import Conflict, NotFound


class InventoryErrorCode(StrEnum):
    INVALID_INPUT = "INVALID_INPUT"
    VARIANT_NOT_FOUND = "VARIANT_NOT_FOUND"
    STOCK_LOCATION_NOT_FOUND = "STOCK_LOCATION_NOT_FOUND"
    STOCK_LOCATION_NAME_TAKEN = "STOCK_LOCATION_NAME_TAKEN"
    INSUFFICIENT_STOCK = "INSUFFICIENT_STOCK"


class VariantNotFound(NotFound):
    """Also for another seller's variant: what is not theirs does not exist for them."""

    def __init__(self) -> None:
        super().__init__(InventoryErrorCode.VARIANT_NOT_FOUND, "You sell no such variant.", field=("variantId",))


class StockLocationNotFound(NotFound):
    def __init__(self) -> None:
        super().__init__(
            InventoryErrorCode.STOCK_LOCATION_NOT_FOUND, "You have no such stock location.", field=("locationId",)
        )


class StockLocationNameTaken(Conflict):
    def __init__(self) -> None:
        super().__init__(
            InventoryErrorCode.STOCK_LOCATION_NAME_TAKEN, "You have a stock location of that name.", field=("name",)
        )


class InsufficientStock(Conflict):
    def __init__(self, free: int) -> None:
        super().__init__(
            InventoryErrorCode.INSUFFICIENT_STOCK,
            f"Only {free} units here are neither sold nor reserved.",
            field=("delta",),
        )
