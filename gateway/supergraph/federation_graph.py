"""The federation graph: which subgraph answers which field of which type, and how an object is entered elsewhere.

A node is a type as one subgraph sees it at some point of an operation; edges are worked out when they are asked for and
kept. Names are visited in sorted order throughout, so that a plan never depends on the order of the file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import ListTypeNode, NonNullTypeNode, TypeNode, print_ast

from gateway.supergraph.context_arguments import ContextArgument
from gateway.supergraph.field_set import FieldSet, FieldSetItem, merge_field_sets
from gateway.supergraph.sdl import FieldInfo, FieldJoin, Supergraph, is_inaccessible, named_type


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A type in a subgraph. Nodes are interned: equal ones are the same object.

    `view` holds what @provides and the keys make available beyond the type's own fields; `members` limits an abstract type
    to some of its object types; `concrete` is the object type behind an @interfaceObject, where the way there tells it.
    """

    type_name: str
    subgraph: str
    view: FieldSet = ()
    members: frozenset[str] | None = None
    concrete: str | None = None

    def __repr__(self) -> str:
        return f"{self.type_name}/{self.subgraph}"


@dataclass(frozen=True, slots=True, eq=False)
class FieldEdge:
    """A field that `head` can be asked for. `tail` is None for a leaf; `type` is the text of the field's type in this subgraph.

    With `requires` the subgraph answers only an entity call that brings these fields along, with `contexts` only one whose
    document carries these arguments.
    """

    name: str
    head: Node
    tail: Node | None
    type: str
    lists: int = 0
    requires: FieldSet = ()
    contexts: tuple[ContextArgument, ...] = ()

    @property
    def needs_call(self) -> bool:
        """Whether the field can only be asked for in an entity call made for it."""
        return bool(self.requires or self.contexts)


@dataclass(frozen=True, slots=True, eq=False)
class Move:
    """A way to go on with the same object in another subgraph: an entity call with `key`.

    `typename` is what the representation must call the object where that is not its own type (@interfaceObject). With
    `is_root` no entity is called: the object is the query root, which every subgraph can be asked for anew.
    """

    tail: Node
    key: FieldSet = ()
    typename: str | None = None
    is_root: bool = False


class FederationGraph:
    """The graph of one supergraph under one set of active override labels. It keeps what it works out."""

    def __init__(self, supergraph: Supergraph, override_labels: frozenset[str] = frozenset()) -> None:
        self._supergraph = supergraph
        self._types = supergraph.types
        self._labels = override_labels
        self._nodes: dict[tuple[str, str, FieldSet, frozenset[str] | None, str | None], Node] = {}
        self._fields: dict[tuple[Node, str], FieldEdge | None] = {}
        self._typenames: dict[Node, FieldEdge] = {}
        self._moves: dict[Node, tuple[Move, ...]] = {}
        self._entries: dict[Node, tuple[Move, ...]] = {}
        self._casts: dict[tuple[Node, str], Node | None] = {}
        self._members: dict[Node, frozenset[str]] = {}
        self._varying: dict[FieldEdge, bool] = {}
        self._possible: dict[str, frozenset[str]] = {}
        self._carriers: dict[str, frozenset[str]] = {}
        self._visible: dict[str, frozenset[str]] = {}
        self._interface_objects = {
            name: sorted(graph for graph, join in info.joins.items() if join.is_interface_object)
            for name, info in sorted(supergraph.types.items())
            if any(join.is_interface_object for join in info.joins.values())
        }
        query = supergraph.schema.query_type
        self._query = query.name if query else None
        self._hidden = frozenset(
            name for name in self._types if is_inaccessible(supergraph.schema.type_map[name].ast_node)
        )

    def roots(self, type_name: str) -> tuple[Node, ...]:
        """A root type in every subgraph that has it, by name."""
        info = self._types.get(type_name)
        return tuple(self._node(type_name, graph) for graph in sorted(info.joins)) if info else ()

    def possible_types(self, name: str) -> frozenset[str]:
        """The concrete object types of a type, over all subgraphs, the inaccessible ones too."""
        if name not in self._possible:
            self._possible[name] = self._supergraph.possible_types(name)
        return self._possible[name]

    def visible_types(self, name: str) -> frozenset[str]:
        """The concrete object types of a type which clients may know of."""
        if name not in self._visible:
            self._visible[name] = self.possible_types(name) - self._hidden
        return self._visible[name]

    def carriers(self, context: str) -> frozenset[str]:
        """The concrete object types whose objects set a context."""
        if context not in self._carriers:
            self._carriers[context] = self._supergraph.carriers(context)
        return self._carriers[context]

    def is_interface_object(self, node: Node) -> bool:
        """Whether the subgraph knows the interface only, so that it cannot tell an object's type."""
        return node.subgraph in self._interface_objects.get(node.type_name, ())

    def is_abstract(self, node: Node) -> bool:
        """Whether objects at this node may be of several types which the subgraph can tell apart."""
        return bool(self._types[node.type_name].members) and not self.is_interface_object(node)

    def members(self, node: Node) -> frozenset[str]:
        """The concrete types that objects at this node can have, as far as its subgraph can know."""
        if node not in self._members:
            self._members[node] = self._find_members(node) if node.members is None else node.members
        return self._members[node]

    def _find_members(self, node: Node) -> frozenset[str]:
        info = self._types[node.type_name]
        if self.is_interface_object(node):
            return frozenset((node.concrete,)) if node.concrete else self.possible_types(node.type_name)
        if info.members:
            alone = self.possible_types(node.type_name) == {node.type_name}
            return frozenset((node.type_name,)) if alone else info.members.get(node.subgraph, frozenset())
        return frozenset((node.type_name,))

    def cast(self, node: Node, type_name: str) -> Node | None:
        """The node for one concrete type of an abstract node; None if its objects are never of that type."""
        if type_name in (node.type_name, node.concrete):
            return node
        if type_name not in self.members(node) or not self.is_abstract(node):
            return None
        key = (node, type_name)
        if key not in self._casts:
            self._casts[key] = self._find_cast(node, type_name)
        return self._casts[key]

    def _find_cast(self, node: Node, type_name: str) -> Node | None:
        if node.subgraph not in self._types[type_name].joins:
            return None
        view = tuple(
            FieldSetItem(item.name, item.arguments, item.selections)
            for item in node.view
            if item.on is None or type_name in self.possible_types(item.on)
        )
        return self._node(type_name, node.subgraph, view)

    def varies(self, edge: FieldEdge) -> bool:
        """Whether a field returns a union of which the subgraphs that resolve it know different members."""
        if edge not in self._varying:
            self._varying[edge] = self._find_whether_varies(edge)
        return self._varying[edge]

    def _find_whether_varies(self, edge: FieldEdge) -> bool:
        if edge.tail is None or self._types[edge.tail.type_name].fields:
            return False
        info = self._types[edge.head.type_name].fields.get(edge.name)
        if info is None:
            return False
        joins = (
            {graph: FieldJoin() for graph in self._types[edge.head.type_name].joins}
            if info.joins is None
            else info.joins
        )
        known = {
            self._types[named_type(join.type or info.type)].members.get(graph)
            for graph, join in joins.items()
            if not join.external and not self._is_overridden(joins, graph)
        }
        return len(known) > 1

    def limited(self, node: Node, members: frozenset[str]) -> Node:
        """The same node for objects that can only be of some of its types."""
        if not self.is_abstract(node) or self.members(node) <= members:
            return node
        return self._node(node.type_name, node.subgraph, node.view, self.members(node) & members)

    def field(self, node: Node, name: str) -> FieldEdge | None:
        """The edge for a field, with or without requirements; None if the subgraph does not answer it here."""
        key = (node, name)
        if key not in self._fields:
            self._fields[key] = self._find_field(node, name)
        return self._fields[key]

    def typename(self, node: Node) -> FieldEdge:
        """`__typename` as the subgraph answers it, which is no more than the interface's name for an @interfaceObject."""
        if node not in self._typenames:
            self._typenames[node] = FieldEdge("__typename", node, None, "String!")
        return self._typenames[node]

    def moves(self, node: Node) -> tuple[Move, ...]:
        """All ways from an object at this node into other subgraphs."""
        if node not in self._moves:
            self._moves[node] = tuple(self._find_moves(node))
        return self._moves[node]

    def entries(self, node: Node) -> tuple[Move, ...]:
        """The entity calls by which this node's own subgraph can be entered anew with the same object."""
        if node not in self._entries:
            name = node.concrete or node.type_name
            found = [move for move in self._all_entries(name) if move.tail.subgraph == node.subgraph]
            self._entries[node] = tuple(move for move in found if move.tail.type_name == node.type_name)
        return self._entries[node]

    def _node(
        self,
        type_name: str,
        subgraph: str,
        view: FieldSet = (),
        members: frozenset[str] | None = None,
        concrete: str | None = None,
    ) -> Node:
        join = self._types[type_name].joins.get(subgraph)
        # Federation 1 marks the key fields of an extended type as external although the subgraph answers them.
        keys = [key.fields for key in join.keys] if join is not None and join.is_extension else []
        full = merge_field_sets(view, *keys)
        identity = (type_name, subgraph, full, members, concrete)
        if identity not in self._nodes:
            self._nodes[identity] = Node(*identity)
        return self._nodes[identity]

    def _find_field(self, node: Node, name: str) -> FieldEdge | None:
        if name == "__typename":
            # A subgraph that knows only the interface would answer with the interface's name.
            return None if self.is_interface_object(node) else self.typename(node)
        info = self._types[node.type_name].fields.get(name)
        join = self._active_join(node, info) if info else None
        if info is None or join is None:
            return None
        if self.is_abstract(node) and not self._members_answer(node, name):
            return None
        field_type = join.type or info.type
        tail = self._tail(node, info, join, named_type(field_type))
        lists = _list_depth(field_type)
        return FieldEdge(name, node, tail, print_ast(field_type), lists, join.requires, join.contexts)

    def _tail(self, node: Node, info: FieldInfo, join: FieldJoin, type_name: str) -> Node | None:
        if type_name not in self._types:
            return None
        provided = [item.selections for item in node.view if item.name == info.name and self._in_view(node, item)]
        # What a subgraph names below this field in a key it answers there, whatever it is marked as.
        own = self._types[node.type_name].joins.get(node.subgraph)
        items = [item for key in own.keys for item in key.fields] if own is not None else []
        named = [item.selections for item in items if item.name == info.name]
        view = merge_field_sets(join.provides, *provided, *named)
        return self._node(type_name, node.subgraph, view)

    def _active_join(self, node: Node, info: FieldInfo) -> FieldJoin | None:
        in_view = any(item.name == info.name and self._in_view(node, item) for item in node.view)
        if info.joins is None:
            return FieldJoin()
        join = info.joins.get(node.subgraph)
        if join is None:
            return FieldJoin() if in_view else None
        if self._is_overridden(info.joins, node.subgraph):
            return None
        if join.external and not join.requires:
            return join if in_view else None
        return join

    def _is_overridden(self, joins: Mapping[str, FieldJoin], subgraph: str) -> bool:
        own = joins[subgraph]
        if own.used_overridden:
            return True
        if own.override is not None and own.override_label is not None and own.override_label not in self._labels:
            return True
        return any(
            other.override == subgraph and (other.override_label is None or other.override_label in self._labels)
            for graph, other in joins.items()
            if graph != subgraph
        )

    def _in_view(self, node: Node, item: FieldSetItem) -> bool:
        return item.on is None or node.type_name == item.on

    def _members_answer(self, node: Node, name: str) -> bool:
        """Whether every object behind an interface answers the field: in some it may be external, moved or computed."""
        casts = [self.cast(node, member) for member in sorted(self.members(node))]
        edges = [self.field(cast, name) for cast in casts if cast is not None and cast is not node]
        return all(edge is not None and not edge.needs_call for edge in edges)

    def _find_moves(self, node: Node) -> list[Move]:
        if node.type_name == self._query:
            return [Move(root, is_root=True) for root in self.roots(self._query) if root.subgraph != node.subgraph]
        name = node.concrete or node.type_name
        return [move for move in self._all_entries(name) if move.tail.subgraph != node.subgraph]

    def _all_entries(self, name: str) -> list[Move]:
        moves: list[Move] = []
        for graph, join in sorted(self._types[name].joins.items()):
            typename = name if join.is_interface_object else None
            tail = self._node(name, graph)
            moves.extend(Move(tail, key.fields, typename) for key in join.keys if key.resolvable)
        for interface, graphs in self._interface_objects.items():
            if interface == name or name not in self.possible_types(interface):
                continue
            for graph in graphs:
                tail = self._node(interface, graph, concrete=name)
                keys = self._types[interface].joins[graph].keys
                moves.extend(Move(tail, key.fields, interface) for key in keys if key.resolvable)
        return moves


def _list_depth(node: TypeNode) -> int:
    match node:
        case ListTypeNode():
            return 1 + _list_depth(node.type)
        case NonNullTypeNode():
            return _list_depth(node.type)
    return 0
