"""What one request selects, as a tree that can be merged with another and be printed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.planner.plan import Condition


@dataclass(slots=True, eq=False)
class SelectedField:
    """One field. `type` is the text of its type in the subgraph; `level` what is selected below, None for a leaf.

    `printed_key` is the response key it is asked under, where that differs from the one it has in the tree; `contextual`
    are the arguments no client gives, as `a:$c0,b:$c1`.
    """

    name: str
    arguments: str
    response_key: str
    type: str
    level: Level | None = None
    conditions: set[Condition] = field(default_factory=set)
    printed_key: str | None = None
    contextual: str = ""

    @property
    def all_arguments(self) -> str:
        """The arguments as they are printed."""
        if not self.contextual:
            return self.arguments
        return f"({self.contextual})" if not self.arguments else f"({self.contextual},{self.arguments[1:]}"


@dataclass(slots=True, eq=False)
class Level:
    """The selections on objects of one type of the subgraph; `on` those limited to some type, by its name."""

    type_name: str
    fields: dict[str, SelectedField] = field(default_factory=dict)
    on: dict[str, Level] = field(default_factory=dict)

    def narrowed(self, type_name: str) -> Level:
        """The level of the selections that hold for one type only."""
        if type_name == self.type_name:
            return self
        return self.on.setdefault(type_name, Level(type_name))

    def all_fields(self) -> Iterator[SelectedField]:
        """The fields of all types together, as they stand in one selection set."""
        yield from self.fields.values()
        for narrowed in self.on.values():
            yield from narrowed.all_fields()

    def is_empty(self) -> bool:
        """Whether nothing at all is selected."""
        return next(self.all_fields(), None) is None

    def absorb(self, other: Level) -> None:
        """Take in all that another level of the same type selects."""
        for key, theirs in other.fields.items():
            mine = self.fields.get(key)
            if mine is None:
                self.fields[key] = theirs
                continue
            mine.conditions |= theirs.conditions
            if mine.level is not None and theirs.level is not None:
                mine.level.absorb(theirs.level)
        for name, level in other.on.items():
            if name in self.on:
                self.on[name].absorb(level)
            else:
                self.on[name] = level

    def fingerprint(self) -> object:
        """Equal for levels that select the same."""
        fields = frozenset(
            (
                key,
                item.name,
                item.all_arguments,
                frozenset(item.conditions),
                item.level.fingerprint() if item.level else None,
            )
            for key, item in self.fields.items()
        )
        return self.type_name, fields, frozenset((name, level.fingerprint()) for name, level in self.on.items())
