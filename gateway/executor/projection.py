"""From the response tree to the client's `data`, by Python source that is generated once for an operation.

The generated functions have the schema's types and the client's field order written into them, one function for a
selection set and the concrete types that share it. They handle clean trees only: the first value that is not what the
schema promises ends the attempt, and `gateway.executor.completion` does the whole tree again with paths and errors.

Nothing of a client's text gets into the source but names that the grammar of GraphQL has already restricted, as literals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)

from gateway.executor.completion import Completion, Refusals, possible_names, same_for_all
from gateway.executor.subgraph_errors import FieldError
from gateway.planner.operation import FieldSelection, Operation
from gateway.planner.plan import Condition

_CHECKS: Mapping[str, str] = {
    "String": "{x}.__class__ is not str",
    "ID": "{x}.__class__ is not str",
    "Int": "{x}.__class__ is not int",
    "Float": "{x}.__class__ is not float and {x}.__class__ is not int",
    "Boolean": "{x}.__class__ is not bool",
}
"""True for a value that is no clean value of the scalar, None included."""


class _FaultError(Exception):
    """The tree is not clean."""


class Projection:
    """Projects any number of response trees of one operation. With `refusals` no tree is clean, and none is taken for it."""

    def __init__(self, schema: GraphQLSchema, operation: Operation, refusals: Refusals | None = None) -> None:
        self._schema = schema
        self._operation = operation
        self._refusals = refusals
        self.source, namespace = _Generator(schema, operation).generate()
        exec(compile(self.source, "<projection>", "exec"), namespace)  # noqa: S102 - generated from a validated document
        self._root: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]] = namespace["root"]

    def project(
        self, tree: dict[str, Any], variables: Mapping[str, Any], known: Sequence[FieldError]
    ) -> tuple[dict[str, Any] | None, list[FieldError]]:
        """`data` and the errors found while making it. `known`: the errors of execution, which explain missing values."""
        try:
            if self._refusals is None:
                return self._root(tree, variables), []
        except (_FaultError, KeyError, AttributeError, TypeError):
            pass
        completion = Completion(self._schema, self._operation, variables, known, self._refusals)
        return completion.complete(tree), completion.errors


class _Generator:
    """Collects the functions of one operation. Every function is written after those it calls are named."""

    def __init__(self, schema: GraphQLSchema, operation: Operation) -> None:
        self._schema = schema
        self._operation = operation
        self._functions: list[str] = []
        self._namespace: dict[str, Any] = {"Fault": _FaultError}
        self._objects: dict[tuple[str, int], str] = {}

    def generate(self) -> tuple[str, dict[str, Any]]:
        root = self._operation.root_type
        name = self._function(self._applicable(self._operation.selections, root), root)
        self._functions.append(f"root = {name}\n")
        return "\n".join(self._functions), self._namespace

    def _name(self, prefix: str) -> str:
        return f"{prefix}{len(self._namespace) + len(self._functions) + len(self._objects)}"

    @staticmethod
    def _applicable(selections: Sequence[FieldSelection], typename: str) -> tuple[FieldSelection, ...]:
        return tuple(selection for selection in selections if typename in selection.types)

    def _function(self, selections: Sequence[FieldSelection], typename: str | None) -> str:
        """A function that projects an object; `typename` None where several concrete types share it."""
        lines: list[str] = []
        conditional = any(selection.condition != Condition() for selection in selections)
        items: list[str] = []
        for index, selection in enumerate(selections):
            variable = f"v{index}"
            body = self._field(selection, variable, typename)
            if conditional:
                body.append(f"r[{selection.response_key!r}] = {variable}")
                guard = _guard(selection.condition)
                lines += [guard, *("    " + line for line in body)] if guard else body
            else:
                lines += body
                items.append(f"{selection.response_key!r}: {variable}")
        head = ["if o.__class__ is not dict: raise Fault", "g = o.get"]
        if conditional:
            head.append("r = {}")
        lines.append("return r" if conditional else f"return {{{', '.join(items)}}}")
        return self._define("p", "o, c", [*head, *lines])

    def _define(self, prefix: str, parameters: str, lines: Sequence[str]) -> str:
        name = self._name(prefix)
        self._functions.append(f"def {name}({parameters}):\n" + "".join(f"    {line}\n" for line in lines))
        return name

    def _field(self, selection: FieldSelection, variable: str, typename: str | None) -> list[str]:
        if selection.name == "__typename":
            return [f"{variable} = {typename!r}" if typename else f"{variable} = o['__typename']"]
        lines = [f"{variable} = g({selection.response_key!r})"]
        if not selection.is_introspection:
            lines += self._value(selection.type, selection, variable)
        return lines

    def _value(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str) -> list[str]:
        """Statements that check `variable` and replace it by its projection."""
        if isinstance(type_, GraphQLNonNull):
            return self._required(type_.of_type, selection, variable)
        lines = self._required(type_, selection, variable)
        return [f"if {variable} is not None:", *("    " + line for line in lines)]

    def _required(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str) -> list[str]:
        if isinstance(type_, GraphQLList):
            return self._list(type_.of_type, selection, variable)
        if selection.selections is None:
            return [f"if {self._leaf_check(type_, variable)}: raise Fault"]
        return [f"{variable} = {self._object(type_, selection, variable)}"]

    def _list(self, item: GraphQLOutputType, selection: FieldSelection, variable: str) -> list[str]:
        lines = [f"if {variable}.__class__ is not list: raise Fault"]
        required = isinstance(item, GraphQLNonNull)
        inner: GraphQLOutputType = item.of_type if isinstance(item, GraphQLNonNull) else item
        if isinstance(inner, GraphQLList):
            call = f"{self._define('l', 'v, c', [*self._required(inner, selection, 'v'), 'return v'])}(x, c)"
        elif selection.selections is not None:
            call = self._object(inner, selection, "x")
        else:
            check = self._leaf_check(inner, "x")
            check = check if required else f"x is not None and ({check})"
            return [*lines, f"for x in {variable}:", f"    if {check}: raise Fault"]
        return [*lines, f"{variable} = [{call if required else f'None if x is None else {call}'} for x in {variable}]"]

    def _leaf_check(self, type_: GraphQLOutputType, variable: str) -> str:
        if isinstance(type_, GraphQLEnumType):
            name = f"enum_{type_.name}"
            self._namespace.setdefault(name, frozenset(type_.values))
            return f"{variable} not in {name}"
        named = get_named_type(type_)
        return _CHECKS.get(named.name, "{x} is None").format(x=variable)

    def _object(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str) -> str:
        """An expression that projects the object in `variable`."""
        assert selection.selections is not None
        if not is_abstract_type(type_):
            name = get_named_type(type_).name
            key = (name, id(selection))
            if key not in self._objects:
                self._objects[key] = self._function(self._applicable(selection.selections, name), name)
            return f"{self._objects[key]}({variable}, c)"
        key = (type_.name, id(selection))
        if key not in self._objects:
            self._objects[key] = self._table(type_.name, possible_names(self._schema, type_), selection.selections)
        return f"{self._objects[key]}[{variable}.get('__typename')]({variable}, c)"

    def _table(self, abstract: str, possible: frozenset[str], selections: Sequence[FieldSelection]) -> str:
        """The name of a table from concrete type to function. Types with the same selections share one."""
        groups: dict[tuple[int, ...], list[str]] = {}
        for typename in sorted(possible):
            applicable = tuple(i for i, selection in enumerate(selections) if typename in selection.types)
            groups.setdefault(applicable, []).append(typename)
        entries: dict[str | None, str] = {}
        for indexes, typenames in groups.items():
            sole = typenames[0] if len(typenames) == 1 else None
            function = self._function([selections[index] for index in indexes], sole)
            entries.update(dict.fromkeys(typenames, function))
        if same_for_all(selections, possible or frozenset((abstract,))):
            entries[None] = entries[abstract] = self._function(selections, None)
        name = self._name("t")
        self._functions.append(f"{name} = {{{', '.join(f'{key!r}: {value}' for key, value in entries.items())}}}\n")
        return name


def _guard(condition: Condition) -> str:
    terms = [f"c.get({name!r}) is True" for name in sorted(condition.include)]
    terms += [f"c.get({name!r}) is not True" for name in sorted(condition.skip)]
    return f"if {' and '.join(terms)}:" if terms else ""
