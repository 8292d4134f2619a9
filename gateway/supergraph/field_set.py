"""Field sets, the text inside `@key(fields:)`, `@requires(fields:)` and `@provides(fields:)`, as comparable values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
    print_ast,
    strip_ignored_characters,
)


@dataclass(frozen=True, slots=True)
class FieldSetItem:
    """One field of a field set.

    `arguments` is their canonical text as `arguments_text` gives it; `on` the type condition the field stands under.
    """

    name: str
    arguments: str = ""
    selections: FieldSet = ()
    on: str | None = None


FieldSet = tuple[FieldSetItem, ...]


@lru_cache(maxsize=4096)
def parse_field_set(text: str) -> FieldSet:
    """The field set of a directive's `fields` text. Raises ValueError where it is no selection of fields."""
    try:
        document = parse(f"{{{text}}}", no_location=True)
    except GraphQLSyntaxError as error:
        raise ValueError(error.message) from error
    definition = document.definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return merge_field_sets(_items(definition.selection_set, None))


def merge_field_sets(*sets: Iterable[FieldSetItem]) -> FieldSet:
    """All items of the sets; items for the same field under the same condition become one."""
    merged: dict[tuple[str, str, str | None], FieldSet] = {}
    for items in sets:
        for item in items:
            key = (item.name, item.arguments, item.on)
            known = merged.get(key)
            merged[key] = item.selections if known is None else merge_field_sets(known, item.selections)
    return tuple(FieldSetItem(name, arguments, below, on) for (name, arguments, on), below in merged.items())


def arguments_text(arguments: Sequence[ArgumentNode]) -> str:
    """The arguments as canonical GraphQL text, `(a:1,b:$x)` in the order of names: equal text means equal arguments."""
    if not arguments:
        return ""
    parts = sorted(f"{node.name.value}:{strip_ignored_characters(print_ast(node.value))}" for node in arguments)
    return f"({','.join(parts)})"


def field_set_text(items: FieldSet) -> str:
    """A readable form, for messages and the printed plan."""
    return " ".join(_item_text(item) for item in items)


def _item_text(item: FieldSetItem) -> str:
    below = f" {{ {field_set_text(item.selections)} }}" if item.selections else ""
    text = f"{item.name}{item.arguments}{below}"
    return f"... on {item.on} {{ {text} }}" if item.on else text


def _items(selection_set: SelectionSetNode, on: str | None) -> list[FieldSetItem]:
    items: list[FieldSetItem] = []
    for node in selection_set.selections:
        if isinstance(node, FieldNode):
            below = merge_field_sets(_items(node.selection_set, None)) if node.selection_set else ()
            items.append(FieldSetItem(node.name.value, arguments_text(node.arguments or ()), below, on))
        elif isinstance(node, InlineFragmentNode):
            items.extend(_items(node.selection_set, node.type_condition.name.value if node.type_condition else on))
        else:
            raise ValueError("a field set holds no named fragment")  # noqa: TRY004 - it is the text that is wrong
    return items
