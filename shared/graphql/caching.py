"""How long an answer holds for everybody: the hints by which the gateway keeps public answers (gateway/cache/README.md).

A field without a hint is never kept. A hint says that whoever gets an answer gets the same one: what only some may see
has to be null or an error for all others.
"""

from __future__ import annotations

import strawberry
from strawberry.schema_directive import Location


@strawberry.federation.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT], name="cacheControl", compose=True
)
class CacheControl:
    max_age: int = strawberry.directive_field(name="maxAge")


STOCK = CacheControl(max_age=5)
"""What every sale changes. An event evicts it; nothing tells of a seller's new threshold for little stock."""

LISTS = CacheControl(max_age=30)
"""Lists follow from facts of other domains too, which arrive after the event that evicts."""

FACTS = CacheControl(max_age=60)
"""What is true of one thing until an event about it."""
