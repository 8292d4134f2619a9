"""Works out what an operation of a parsed document costs, as a number or as a sum that needs only the variables.

A field costs its `@cost`, else that of its type, else 1 for an object and nothing for a leaf; all of that and what is selected
below counts once an item of its list. Nothing is validated yet: a field that nobody has costs nothing, validation names it
later. A fragment is worked out once for each type that it is applied on, so that the time is linear in the document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)

from gateway.planner.operation import ALWAYS
from gateway.planner.plan import Condition
from gateway.security.amounts import Amount, Reading, Varying, gated, largest, product, shared, total
from gateway.security.argument_costs import ArgumentCosts, length
from gateway.security.cost import CostConfig, OperationCost, Slices
from gateway.security.field_costs import FieldCost, FieldCosts
from gateway.supergraph.costs import Costs, ListSize


@dataclass(frozen=True, slots=True)
class _Lists:
    """What all lists of one name cost in a selection: `own` by their own lengths, `item` for one item of each."""

    own: Amount = 0
    item: Amount = 0


@dataclass(frozen=True, slots=True)
class _Selected:
    """What a selection costs. `lists` are apart, by field: the field that is selected from may know how long they are."""

    fixed: Amount = 0
    lists: Mapping[str, _Lists] = field(default_factory=dict)


_NOTHING = _Selected()


class CostEstimator:
    """Estimates the operations of one graph; `schema` is its API schema."""

    def __init__(self, schema: GraphQLSchema, costs: Costs, config: CostConfig) -> None:
        self._schema = schema
        self._config = config
        self._fields = FieldCosts(schema, costs)
        self._arguments = ArgumentCosts(schema, costs)

    def estimate(self, document: DocumentNode, operation_name: str | None) -> OperationCost | None:
        """The cost of one operation, or None where nobody wants to know or no operation has the name."""
        operation = _operation(document, operation_name)
        root = self._schema.get_root_type(operation.operation) if operation is not None else None
        if self._config.mode == "off" or operation is None or root is None:
            return None
        fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
        estimate = _Estimate(self._fields, self._arguments, self._config, fragments)
        base = self._config.mutation if operation.operation is OperationType.MUTATION else 0
        amount = total((base, estimate.of(operation.selection_set, root.name, {})))
        return OperationCost(self._config, amount, tuple(estimate.slices), tuple(estimate.fixed))


class _Estimate:
    """One operation. `slices` and `fixed` are the places where the client says how long a list may be: by variables, and not."""

    def __init__(
        self,
        fields: FieldCosts,
        arguments: ArgumentCosts,
        config: CostConfig,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> None:
        self._fields = fields
        self._arguments = arguments
        self._assumed = config.assumed_list_size
        self._fragments = fragments
        self._known: dict[tuple[int, str], _Selected] = {}
        self.slices: list[Slices] = []
        self.fixed: list[Slices] = []

    def of(self, selections: SelectionSetNode | None, type_name: str, sized: Mapping[str, Amount]) -> Amount:
        """What is selected costs on one object. `sized` are its lists whose length the field that gives it knows."""
        if selections is None:
            return 0
        selected = self._select(selections, type_name)
        lists = (
            product(sized[name], found.item) if name in sized else found.own for name, found in selected.lists.items()
        )
        return total((selected.fixed, *lists))

    def _select(self, selections: SelectionSetNode, type_name: str) -> _Selected:
        """What is selected costs on one type: worked out once, of however many places and fragments it is a part."""
        key = (id(selections), type_name)
        known = self._known.get(key)
        if known is None:
            # A fragment in itself counts as nothing: validation names it.
            self._known[key] = _NOTHING
            known = self._known[key] = _shared(self._work_out(selections, type_name))
        return known

    def _work_out(self, selections: SelectionSetNode, type_name: str) -> _Selected:
        fixed = 0
        everywhere: list[_Selected] = []
        narrowed: list[tuple[frozenset[str], _Selected]] = []
        spread: set[tuple[str, Condition]] = set()
        for node in selections.selections:
            condition = _condition(node.directives) if node.directives else ALWAYS
            if condition is None:
                continue
            if isinstance(node, FieldNode):
                selected = _gated(condition, self._field(node, type_name))
                if isinstance(selected.fixed, int) and not selected.lists:
                    fixed += selected.fixed
                else:
                    everywhere.append(selected)
                continue
            if isinstance(node, FragmentSpreadNode):
                # The same fragment again at the same place selects nothing more.
                if (node.name.value, condition) in spread:
                    continue
                spread.add((node.name.value, condition))
            where = self._applied_on(node, type_name)
            if where is None:
                continue
            selected = _gated(condition, self._fragment(node, where))
            if where == type_name:
                everywhere.append(selected)
            else:
                narrowed.append((self._fields.possible(where), selected))
        if narrowed:
            everywhere.append(self._dearest(type_name, narrowed))
        return _sum((_Selected(total((fixed,))), *everywhere))

    def _applied_on(self, node: SelectionNode, type_name: str) -> str | None:
        """The type that a fragment's fields are asked of; None where it never applies, or does not exist."""
        body = self._fragments.get(node.name.value) if isinstance(node, FragmentSpreadNode) else node
        if not isinstance(body, InlineFragmentNode | FragmentDefinitionNode):
            return None
        condition = body.type_condition
        return type_name if condition is None else self._fields.narrowed(type_name, condition.name.value)

    def _fragment(self, node: SelectionNode, where: str) -> _Selected:
        body = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
        assert isinstance(body, InlineFragmentNode | FragmentDefinitionNode)
        return self._select(body.selection_set, where)

    def _dearest(self, type_name: str, narrowed: Sequence[tuple[frozenset[str], _Selected]]) -> _Selected:
        """What the dearest concrete type makes of the fragments that are for some of the types only."""
        if len(narrowed) == 1:
            return narrowed[0][1]
        places: dict[str, list[int]] = {}
        for index, (types, _) in enumerate(narrowed):
            for name in types & self._fields.possible(type_name):
                places.setdefault(name, []).append(index)
        # Most types are asked for the same fields: each combination is added up once.
        combinations = sorted({tuple(indices) for indices in places.values()})
        return _largest([_sum([narrowed[index][1] for index in indices]) for indices in combinations])

    def _field(self, node: FieldNode, type_name: str) -> _Selected:
        name = node.name.value
        cost = self._fields.find(type_name, name)
        if cost is None or (cost.is_free and not node.arguments):
            return _NOTHING
        sizes, below = self._sizes(cost, node) if cost.lists or cost.list_sizes else (1, {})
        inner = self.of(node.selection_set, cost.type_name, below) if cost.type_name is not None else 0
        each = total((cost.weight, inner))
        arguments: Amount = 0
        if node.arguments:
            arguments = largest(self._arguments.of(owner, name, own, node.arguments) for owner, own in cost.owners)
        if name in self._fields.sizable and each != 0:
            return _Selected(arguments, {name: _Lists(product(sizes, each), each)})
        return _Selected(total((arguments, product(sizes, each))))

    def _sizes(self, cost: FieldCost, node: FieldNode) -> tuple[Amount, dict[str, Amount]]:
        """How many items a field gives, and how many the sized fields of its object."""
        own: list[Amount] = []
        below: dict[str, Amount] = {}
        for key, list_size, owner in cost.list_sizes:
            sliced = self._sliced(key, list_size, owner, node)
            below |= {inner: largest((sliced, below.get(inner, 0))) for inner in list_size.sized_fields}
            if not list_size.sized_fields:
                own.append(sliced)
        if not cost.lists:
            return 1, below
        return product(largest(own) if own else self._assumed, self._assumed ** (cost.lists - 1)), below

    def _sliced(self, key: str, declared: ListSize, owner: GraphQLField, node: FieldNode) -> Amount:
        nodes = {argument.name.value: argument.value for argument in node.arguments or ()}
        given = [length(path, nodes, owner) for path in declared.slicing_arguments]
        assumed = self._assumed if declared.assumed is None else declared.assumed
        if not given:
            return assumed
        # An assumed size is an answer to the question how long a list is that nobody gave a length.
        needs_one = declared.requires_one and declared.assumed is None
        slices = Slices(key, given, needs_one)

        def read(reading: Reading) -> int:
            return max(slices.lengths(reading), default=assumed)

        if all(isinstance(amount, int) for amount in given):
            self.fixed.append(slices)
            return read(Reading({}))
        self.slices.append(slices)
        return Varying(read)


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode | None:
    """The operation that is asked for. Where it is not clear which one, normalising refuses the document."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if name is None:
        return operations[0] if len(operations) == 1 else None
    return next((node for node in operations if node.name is not None and node.name.value == name), None)


def _condition(directives: Iterable[DirectiveNode]) -> Condition | None:
    """When a selection is there at all; None where never. What is no condition is refused by validation."""
    include: set[str] = set()
    skip: set[str] = set()
    for directive in directives:
        name = directive.name.value
        if name not in ("include", "skip"):
            continue
        for argument in directive.arguments or ():
            if isinstance(argument.value, VariableNode):
                (skip if name == "skip" else include).add(argument.value.name.value)
            elif isinstance(argument.value, BooleanValueNode) and argument.value.value == (name == "skip"):
                return None
    return Condition(frozenset(include), frozenset(skip)) if include or skip else ALWAYS


def _gated(condition: Condition, selected: _Selected) -> _Selected:
    if condition is ALWAYS:
        return selected
    return _mapped(selected, lambda amount: gated(condition, amount))


def _shared(selected: _Selected) -> _Selected:
    return selected if isinstance(selected.fixed, int) and not selected.lists else _mapped(selected, shared)


def _mapped(selected: _Selected, change: Callable[[Amount], Amount]) -> _Selected:
    lists = {name: _Lists(change(found.own), change(found.item)) for name, found in selected.lists.items()}
    return _Selected(change(selected.fixed), lists)


def _sum(selected: Sequence[_Selected]) -> _Selected:
    return _combined(selected, total)


def _largest(selected: Sequence[_Selected]) -> _Selected:
    """Never less than the greatest of them."""
    return _combined(selected, largest)


def _combined(selected: Sequence[_Selected], combine: Callable[[Iterable[Amount]], Amount]) -> _Selected:
    if len(selected) == 1:
        return selected[0]
    by_name: dict[str, list[_Lists]] = {}
    for one in selected:
        for name, some in one.lists.items():
            by_name.setdefault(name, []).append(some)
    lists = {
        name: _Lists(combine(one.own for one in found), combine(one.item for one in found))
        for name, found in by_name.items()
    }
    return _Selected(combine(one.fixed for one in selected), lists)
