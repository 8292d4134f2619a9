"""Merging subgraph answers into the response tree.

A `Shape` says which response keys hold objects and which hold leaves, so that a JSON scalar, which looks like an object,
is replaced as a whole and never merged key by key.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, OperationDefinitionNode, SelectionSetNode, parse

Tree: TypeAlias = dict[str, Any]
Shape: TypeAlias = "dict[str, Shape | None]"


def operation_in(document: str) -> OperationDefinitionNode:
    """The one operation of a fetch."""
    (definition,) = parse(document).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


def shape_below(selections: SelectionSetNode) -> Shape:
    """The shape of an answer. The planner writes no named fragments; raises ValueError if there is one."""
    shape: Shape = {}
    _collect(selections, shape)
    return shape


def _collect(selections: SelectionSetNode, shape: Shape) -> None:
    for node in selections.selections:
        match node:
            case FieldNode():
                key = node.alias.value if node.alias else node.name.value
                if node.selection_set is None:
                    shape.setdefault(key, None)
                    continue
                below = shape.get(key)
                if below is None:
                    below = shape[key] = {}
                _collect(node.selection_set, below)
            case InlineFragmentNode():
                _collect(node.selection_set, shape)
            case FragmentSpreadNode():
                raise ValueError(f"a fetch spreads the fragment {node.name.value}")


def merge(into: Tree, source: Tree, shape: Shape, concrete: frozenset[str]) -> None:
    """Merge `source`, which may be reused afterwards by nobody, into the object `into`.

    A value is never replaced by null. Lists of objects merge by index. `__typename` changes only to the name of an object
    type (`concrete`): a subgraph that knows an object by its interface only does not know its type.
    """
    for key, value in source.items():
        present = into.get(key)
        if present is None:
            into[key] = value
        elif value is None:
            continue
        elif key == "__typename":
            if value in concrete:
                into[key] = value
        else:
            below = shape.get(key)
            into[key] = value if below is None else _merged(present, value, below, concrete)


def _merged(present: Any, value: Any, shape: Shape, concrete: frozenset[str]) -> Any:
    if present is None:
        return value
    if type(present) is dict and type(value) is dict:
        merge(present, value, shape, concrete)
    elif type(present) is list and type(value) is list:
        for index in range(min(len(present), len(value))):
            present[index] = _merged(present[index], value[index], shape, concrete)
    return present


def copy_tree(value: Any, shape: Shape | None) -> Any:
    """A copy that shares only leaves: one result that goes to several places must not become one object in the tree,
    since later fetches may add different things to each place."""
    if shape is None:
        return value
    if type(value) is dict:
        return {key: copy_tree(item, shape.get(key)) for key, item in value.items()}
    if type(value) is list:
        return [copy_tree(item, shape) for item in value]
    return value
