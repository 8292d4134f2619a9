"""The category tree."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from subgraphs.catalog.domain.attributes import AttributeDefinition
from subgraphs.catalog.errors import CategoryTooDeep

MAX_DEPTH = 6


@dataclass(eq=False)
class Category:
    """`path` is `/<root id>/…/<own id>/`; `attributes` hold for its products and for those of all categories below."""

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    path: str
    depth: int
    attributes: tuple[AttributeDefinition, ...]
    created_at: datetime

    @property
    def line(self) -> tuple[UUID, ...]:
        """The ids from the root to this category."""
        return tuple(UUID(part) for part in self.path.strip("/").split("/"))


def new_category(
    category_id: UUID,
    parent: Category | None,
    *,
    name: str,
    slug: str,
    attributes: tuple[AttributeDefinition, ...],
    created_at: datetime,
) -> Category:
    """A category below `parent`, or a root. Raises CategoryTooDeep."""
    depth = parent.depth + 1 if parent else 1
    if depth > MAX_DEPTH:
        raise CategoryTooDeep(MAX_DEPTH)
    return Category(
        id=category_id,
        parent_id=parent.id if parent else None,
        name=name,
        slug=slug,
        path=f"{parent.path if parent else '/'}{category_id}/",
        depth=depth,
        attributes=attributes,
        created_at=created_at,
    )


def slug_of(name: str, category_id: UUID) -> str:
    """`Böden & Decken` becomes `boden-decken`; a name without a single Latin letter or digit gets its id's beginning."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain)) or f"category-{str(category_id)[:8]}"
