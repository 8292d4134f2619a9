"""What orders knows of things that others own."""

from __future__ import annotations

import strawberry


@strawberry.federation.type(keys=["id"], description="Something that is sold.")
class Product:
    id: strawberry.ID = strawberry.field(description="UUID v4.")


@strawberry.federation.type(keys=["id"], description="A sellable unit of a product.")
class Variant:
    """SKU and title never change, so that orders can answer them itself where it names a variant."""

    id: strawberry.ID = strawberry.field(description="UUID v4.")
    sku: str = strawberry.federation.field(external=True, default="", description="The seller's own number for it.")
    title: str = strawberry.federation.field(external=True, default="", description="What tells it from its siblings.")
