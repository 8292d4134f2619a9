"""Bounds on a document, applied before validation: validating a hostile document is itself too expensive.

Everything is counted in time linear in the document, also where fragments reuse fragments: a fragment is measured once and
its counts are multiplied by the number of its uses, saturating.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
)
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused
from gateway.security.cost import CostConfig

_TOKEN = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*|\.\.\.|[A-Za-z_][A-Za-z0-9_]*|-?[0-9][0-9.eE+-]*|[^\s,\ufeff]'
)
_MAX_NESTING = 100
"""Of brackets of any kind, and of selections once fragments are expanded: what recursion can bear with room to spare."""

_SATURATED = 10**12


class LimitsConfig(BaseModel):
    """What one document may hold. Counts are of the expanded document: a fragment counts as often as it is spread."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: int = Field(default=1024 * 1024, ge=1)
    document_characters: int = Field(default=200_000, ge=1, description="Also of blanks and texts, which are no tokens")
    tokens: int = Field(default=4000, ge=1, description="A comment is one")
    depth: int = Field(default=20, ge=1, le=60)
    aliases: int = Field(default=50, ge=0)
    root_fields: int = Field(default=30, ge=1)
    directives: int = Field(default=50, ge=0)
    fragments: int = Field(default=60, ge=0)
    fields: int = Field(default=10_000_000, ge=1)
    overlaps: int = Field(default=20_000, ge=1, description="Pairs of fields with the same response key, unexpanded")
    cost: CostConfig = CostConfig()


@dataclass(slots=True)
class _Counts:
    """Of one operation or fragment, without what its spreads bring in. `depth` is that of its own fields, `nesting` that of its
    selections, fragments included."""

    fields: int = 0
    aliases: int = 0
    directives: int = 0
    root_fields: int = 0
    depth: int = 0
    nesting: int = 0
    spreads: Counter[str] = field(default_factory=Counter)
    root_spreads: Counter[str] = field(default_factory=Counter)
    spread_depths: dict[str, int] = field(default_factory=dict)
    spread_nestings: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DocumentSize:
    """What counts against the limits: of each the most that one operation of a document has, expanded."""

    tokens: int = 0
    aliases: int = 0
    root_fields: int = 0
    directives: int = 0
    fields: int = 0


class RequestBudget:
    """The limits once more, for all operations of one HTTP request together."""

    def __init__(self, limits: LimitsConfig) -> None:
        self._limits = limits
        self._spent = DocumentSize()
        self._cost = 0

    def charge(self, size: DocumentSize, cost: int | None) -> None:
        """Count one more operation. Raises RequestRefused with the code of the limit that all of them pass together."""
        self._spent = DocumentSize(
            tokens=self._spent.tokens + size.tokens,
            aliases=self._spent.aliases + size.aliases,
            root_fields=self._spent.root_fields + size.root_fields,
            directives=self._spent.directives + size.directives,
            fields=self._spent.fields + size.fields,
        )
        _check_size(self._spent, self._limits, "request")
        self._cost += cost or 0
        if self._limits.cost.mode == "enforced":
            _refuse("COST_LIMIT_EXCEEDED", "points of cost", self._cost, self._limits.cost.max, "request")


def check_text(text: str, limits: LimitsConfig) -> int:
    """How many tokens a document has. Refuses it by them, before it is parsed. Raises RequestRefused."""
    _refuse("DOCUMENT_LIMIT_EXCEEDED", "characters", len(text), limits.document_characters)
    tokens = nesting = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        tokens += 1
        _refuse("TOKEN_LIMIT_EXCEEDED", "tokens", tokens, limits.tokens)
        if first in "{[(":
            nesting += 1
            if nesting > _MAX_NESTING:
                raise _too_deep()
        elif first in "}])":
            nesting -= 1
    return tokens


def check_document(document: DocumentNode, limits: LimitsConfig, tokens: int = 0) -> DocumentSize:
    """The size of a parsed document that is not validated yet. Raises RequestRefused for the first limit that it passes."""
    keys: Counter[str] = Counter()
    fragments: dict[str, _Counts] = {}
    operations: list[_Counts] = []
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode):
            fragments[definition.name.value] = _count(definition, keys)
        elif isinstance(definition, OperationDefinitionNode):
            operations.append(_count(definition, keys))
    _refuse("FRAGMENT_LIMIT_EXCEEDED", "fragments", len(fragments), limits.fragments)
    overlaps = sum(count * (count - 1) // 2 for count in keys.values())
    _refuse("OVERLAP_LIMIT_EXCEEDED", "repeated fields", overlaps, limits.overlaps)
    expansion = _Expansion(fragments)
    totals = [expansion.total(operation) for operation in operations]
    depth = max((expansion.depth(operation) for operation in operations), default=0)
    _refuse("DEPTH_LIMIT_EXCEEDED", "levels", depth, limits.depth)
    if max((expansion.nesting(operation) for operation in operations), default=0) > _MAX_NESTING:
        raise _too_deep()
    size = DocumentSize(
        tokens=tokens,
        aliases=max((total.aliases for total in totals), default=0),
        root_fields=max((expansion.root_fields(operation) for operation in operations), default=0),
        directives=max((total.directives for total in totals), default=0),
        fields=max((total.fields for total in totals), default=0),
    )
    _check_size(size, limits, "document")
    return size


def _check_size(size: DocumentSize, limits: LimitsConfig, whole: str) -> None:
    _refuse("TOKEN_LIMIT_EXCEEDED", "tokens", size.tokens, limits.tokens, whole)
    _refuse("ROOT_FIELD_LIMIT_EXCEEDED", "root fields", size.root_fields, limits.root_fields, whole)
    _refuse("ALIAS_LIMIT_EXCEEDED", "aliases", size.aliases, limits.aliases, whole)
    _refuse("DIRECTIVE_LIMIT_EXCEEDED", "directives", size.directives, limits.directives, whole)
    _refuse("FIELD_LIMIT_EXCEEDED", "fields", size.fields, limits.fields, whole)


def _too_deep() -> RequestRefused:
    return RequestRefused("DEPTH_LIMIT_EXCEEDED", "The document is nested too deeply.")


def _refuse(code: str, what: str, count: int, limit: int, whole: str = "document") -> None:
    if count > limit:
        raise RequestRefused(code, f"The {whole} has more than {limit} {what}.")


def _count(definition: OperationDefinitionNode | FragmentDefinitionNode, keys: Counter[str]) -> _Counts:
    counts = _Counts(directives=len(definition.directives or ()))
    _count_selections(definition.selection_set, (1, 1), counts, keys)
    return counts


def _count_selections(selections: SelectionSetNode, at: tuple[int, int], counts: _Counts, keys: Counter[str]) -> None:
    """`at` is how deep they stand among fields, and among fields and fragments."""
    depth, nesting = at
    counts.nesting = max(counts.nesting, nesting)
    for node in selections.selections:
        counts.directives += len(node.directives or ())
        match node:
            case FieldNode():
                counts.fields += 1
                counts.root_fields += depth == 1
                counts.depth = max(counts.depth, depth)
                counts.aliases += node.alias is not None
                keys[(node.alias or node.name).value] += 1
                if node.selection_set is not None:
                    _count_selections(node.selection_set, (depth + 1, nesting + 1), counts, keys)
            case InlineFragmentNode():
                _count_selections(node.selection_set, (depth, nesting + 1), counts, keys)
            case FragmentSpreadNode():
                name = node.name.value
                counts.spreads[name] += 1
                if depth == 1:
                    counts.root_spreads[name] += 1
                counts.spread_depths[name] = max(counts.spread_depths.get(name, 0), depth - 1)
                counts.spread_nestings[name] = max(counts.spread_nestings.get(name, 0), nesting)


class _Expansion:
    """Counts with all spreads expanded, each fragment worked out once. A cycle counts as nothing: validation names it."""

    def __init__(self, fragments: Mapping[str, _Counts]) -> None:
        self._fragments = fragments
        self._totals: dict[str, _Counts] = {}
        self._depths: dict[str, int] = {}
        self._nestings: dict[str, int] = {}
        self._roots: dict[str, int] = {}

    def total(self, counts: _Counts) -> _Counts:
        expanded = _Counts(counts.fields, counts.aliases, counts.directives)
        for name, times in counts.spreads.items():
            inner = self._total_of(name)
            expanded.fields = min(_SATURATED, expanded.fields + times * inner.fields)
            expanded.aliases = min(_SATURATED, expanded.aliases + times * inner.aliases)
            expanded.directives = min(_SATURATED, expanded.directives + times * inner.directives)
        return expanded

    def depth(self, counts: _Counts) -> int:
        below = [offset + self._depth_of(name) for name, offset in counts.spread_depths.items()]
        return max(counts.depth, *below, 0)

    def nesting(self, counts: _Counts) -> int:
        below = [offset + self._nesting_of(name) for name, offset in counts.spread_nestings.items()]
        return max(counts.nesting, *below, 0)

    def root_fields(self, counts: _Counts) -> int:
        spread = sum(times * self._roots_of(name) for name, times in counts.root_spreads.items())
        return min(_SATURATED, counts.root_fields + spread)

    def _total_of(self, name: str) -> _Counts:
        if name not in self._totals:
            self._totals[name] = _Counts()
            self._totals[name] = self.total(self._fragments.get(name, _Counts()))
        return self._totals[name]

    def _depth_of(self, name: str) -> int:
        if name not in self._depths:
            self._depths[name] = 0
            self._depths[name] = self.depth(self._fragments.get(name, _Counts()))
        return self._depths[name]

    def _nesting_of(self, name: str) -> int:
        if name not in self._nestings:
            self._nestings[name] = 0
            self._nestings[name] = self.nesting(self._fragments.get(name, _Counts()))
        return self._nestings[name]

    def _roots_of(self, name: str) -> int:
        if name not in self._roots:
            self._roots[name] = 0
            self._roots[name] = self.root_fields(self._fragments.get(name, _Counts()))
        return self._roots[name]
