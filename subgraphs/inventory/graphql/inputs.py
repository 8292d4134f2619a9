"""What clients send; each input names the pydantic model it must pass."""

from __future__ import annotations

from typing import ClassVar

import strawberry

from shared.commands import Input
from subgraphs.inventory import domain

KEY = "Chosen by the client, unique per attempt to write: the same key never acts twice."


@strawberry.input(description="A new place to keep stock.")
class CreateStockLocationInput:
    command: ClassVar[type[Input]] = domain.CreateStockLocation
    idempotency_key: str = strawberry.field(description=KEY)
    name: str = strawberry.field(description="Unique among your locations.")


@strawberry.input(description="Units that arrived at a location.")
class ReceiveStockInput:
    command: ClassVar[type[Input]] = domain.ReceiveStock
    idempotency_key: str = strawberry.field(description=KEY)
    location_id: strawberry.ID = strawberry.field(description="One of your locations.")
    variant_id: strawberry.ID = strawberry.field(description="One of your variants.")
    quantity: int = strawberry.field(description="How many arrived.")


@strawberry.input(description="A correction after a count.")
class AdjustStockInput:
    command: ClassVar[type[Input]] = domain.AdjustStock
    idempotency_key: str = strawberry.field(description=KEY)
    location_id: strawberry.ID = strawberry.field(description="One of your locations.")
    variant_id: strawberry.ID = strawberry.field(description="One of your variants.")
    delta: int = strawberry.field(description="Units more or, negative, fewer; never below what is reserved.")
    reason: str = strawberry.field(description="Why, for your records.")


@strawberry.input(description="When a variant counts as low.")
class SetLowStockThresholdInput:
    command: ClassVar[type[Input]] = domain.SetLowStockThreshold
    idempotency_key: str = strawberry.field(description=KEY)
    variant_id: strawberry.ID = strawberry.field(description="One of your variants.")
    threshold: int = strawberry.field(description="Low at this many available units or fewer.")
