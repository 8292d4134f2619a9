"""What prepared operations are looked up by."""

from __future__ import annotations

from typing import NamedTuple

from gateway.security.access_rules import Grants


class PreparationKey(NamedTuple):
    """All that a prepared operation depends on: the document, which of its operations, the active override labels,
    and those of the asker's grants that matter."""

    text: str
    operation_name: str | None
    labels: frozenset[str]
    grants: Grants = frozenset()


class VariantKey(NamedTuple):
    """An operation where those of the variables of its `@defer(if:)` are true that are `active`."""

    operation: PreparationKey
    active: frozenset[str]
