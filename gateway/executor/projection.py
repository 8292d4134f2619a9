"""From the response tree to the client's `data`, by Python source that is generated once for an operation.

The generated functions have the schema's types and the client's field order written into them, one function for a
selection set and the concrete types that share it. They handle clean trees only: the first value that is not what the
schema promises ends the attempt, and `gateway.executor.completion` does the whole tree again with paths and errors.

Nothing of a client's text gets into the source but names that the grammar of GraphQL has already restricted, as literals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
)

from gateway.executor.completion import Completion, Refusals, possible_names, same_for_all
from gateway.executor.subgraph_errors import FieldError
from gateway.planner.operation import FieldSelection, Operation
from gateway.planner.plan import Condition

_CLASSES: Mapping[str, frozenset[type]] = {
    "String": frozenset({str}),
    "ID": frozenset({str}),
    "Int": frozenset({int}),
    "Float": frozenset({float, int}),
    "Boolean": frozenset({bool}),
}
"""What clean values of a scalar are read as."""

_ANY_CLASS: frozenset[type] = frozenset({str, int, float, bool, dict, list})
"""What a custom scalar may be."""

_MOST_KNOWN = 256
"""Combinations of classes that an object's leaves were seen to have; what comes after them is looked at leaf by leaf."""

Place = tuple[str, ...]
"""Response keys on the way from the root."""

_Root = Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]]


_MARKS = count()
"""Tells what one generated function has kept in an object from what any other has."""

_NESTED_LOOPS = 3
"""Loops written into one another; Python allows twenty."""


class _FaultError(Exception):
    """The tree is not clean."""


_UNCLEAN = (_FaultError, KeyError, AttributeError, TypeError)
"""What the generated functions raise for a tree that is not as they expect."""


class Projection:
    """Projects any number of response trees of one operation. With `refusals` no tree is clean, and none is taken for it.

    `shared` are places at which one object of the tree may stand many times: it is projected once.
    """

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: Operation,
        refusals: Refusals | None = None,
        shared: frozenset[Place] = frozenset(),
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._refusals = refusals
        self._shared = shared
        self._whole = self._compile(lenient=False)
        self._partial: _Root | None = None

    def project(
        self, tree: dict[str, Any], variables: Mapping[str, Any], known: Sequence[FieldError]
    ) -> tuple[dict[str, Any] | None, list[FieldError]]:
        """`data` and the errors found while making it. `known`: the errors of execution, which explain missing values."""
        if self._refusals is None:
            try:
                return self._whole(tree, variables), []
            except _UNCLEAN as fault:
                data = self._again(tree, variables) if isinstance(fault, KeyError) else None
            if data is not None:
                return data, []
        completion = Completion(self._schema, self._operation, variables, known, self._refusals)
        return completion.complete(tree), completion.errors

    def _again(self, tree: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any] | None:
        """A key is missing where a subgraph does not know an entity: for a nullable field that is clean enough."""
        self._partial = self._partial or self._compile(lenient=True)
        try:
            return self._partial(tree, variables)
        except _UNCLEAN:
            return None

    def _compile(self, *, lenient: bool) -> _Root:
        source, namespace = _Generator(self._schema, self._operation, self._shared, lenient=lenient).generate()
        exec(compile(source, "<projection>", "exec"), namespace)  # noqa: S102 - generated from a validated document
        root: _Root = namespace["root"]
        return root


class _Generator:
    """Collects the functions of one operation. Every function is written after those it calls are named.

    A function takes an object and the variables. What becomes of an object that may stand at several places is kept in it,
    under a key that no field can have. `lenient` reads a missing key as null; otherwise it is a KeyError.
    """

    def __init__(self, schema: GraphQLSchema, operation: Operation, shared: frozenset[Place], *, lenient: bool) -> None:
        self._schema = schema
        self._operation = operation
        self._shared = shared
        self._lenient = lenient
        self._functions: list[str] = []
        self._namespace: dict[str, Any] = {"Fault": _FaultError}
        self._objects: dict[tuple[str, int], str] = {}
        self._kept: dict[str, str] = {}
        self._marks: dict[str, str] = {}
        self._written: set[tuple[str, int]] = set()
        self._names = 0
        self._loops = 0

    def generate(self) -> tuple[str, dict[str, Any]]:
        root = self._operation.root_type
        name = self._function(self._applicable(self._operation.selections, root), root, ())
        self._functions.append(f"root = {name}\n")
        return "\n".join(self._functions), self._namespace

    def _name(self, prefix: str) -> str:
        self._names += 1
        return f"{prefix}{self._names}"

    @staticmethod
    def _applicable(selections: Sequence[FieldSelection], typename: str) -> tuple[FieldSelection, ...]:
        return tuple(selection for selection in selections if typename in selection.types)

    def _function(self, selections: Sequence[FieldSelection], typename: str | None, place: Place) -> str:
        """A function that projects an object; `typename` None where several concrete types share it."""
        loops, self._loops = self._loops, 0
        lines, projected = self._body("o", selections, typename, place)
        self._loops = loops
        return self._define("p", "o, c", [*lines, f"return {projected}"])

    def _define(self, prefix: str, parameters: str, lines: Sequence[str]) -> str:
        name = self._name(prefix)
        self._functions.append(f"def {name}({parameters}):\n" + "".join(f"    {line}\n" for line in lines))
        return name

    def _body(
        self, item: str, selections: Sequence[FieldSelection], typename: str | None, place: Place
    ) -> tuple[list[str], str]:
        """Statements that check the object in the variable `item`, and an expression for what becomes of it."""
        # What is no object has no keys to read.
        reads = any(each.name != "__typename" and each.condition == Condition() for each in selections)
        lines = [] if reads and not self._lenient else [f"if {item}.__class__ is not dict: raise Fault"]
        conditional = any(selection.condition != Condition() for selection in selections)
        answer = self._name("r")
        if conditional:
            lines.append(f"{answer} = {{}}")
        members: list[str] = []
        leaves = [] if conditional else [each for each in selections if _is_scalar(each)]
        if len(leaves) > 1:
            lines += self._leaves(item, leaves)
        for selection in selections:
            if len(leaves) > 1 and selection in leaves:
                members.append(f"{selection.response_key!r}: {item}_{leaves.index(selection)}")
                continue
            variable = self._name("v")
            body = self._field(item, selection, variable, typename, (*place, selection.response_key))
            if conditional:
                body.append(f"{answer}[{selection.response_key!r}] = {variable}")
                guard = _guard(selection.condition)
                lines += [guard, *_indented(body)] if guard else body
            else:
                lines += body
                members.append(f"{selection.response_key!r}: {variable}")
        return lines, answer if conditional else f"{{{', '.join(members)}}}"

    def _leaves(self, item: str, leaves: Sequence[FieldSelection]) -> list[str]:
        """Read all scalars of an object and check them at once: few combinations of classes ever come."""
        read = "{0}.get({1!r})" if self._lenient else "{0}[{1!r}]"
        lines = [f"{item}_{n} = {read.format(item, leaf.response_key)}" for n, leaf in enumerate(leaves)]
        known, check = self._name("known"), self._name("check")
        self._namespace[known], self._namespace[check] = _checker([_classes(leaf.type) for leaf in leaves])
        classes = f"({', '.join(f'{item}_{n}.__class__' for n in range(len(leaves)))})"
        return [*lines, f"if {classes} not in {known}: {check}({classes})"]

    def _field(
        self, item: str, selection: FieldSelection, variable: str, typename: str | None, place: Place
    ) -> list[str]:
        if selection.name == "__typename":
            return [f"{variable} = {typename!r}" if typename else f"{variable} = {item}['__typename']"]
        key = repr(selection.response_key)
        lines = [f"{variable} = {item}.get({key})" if self._lenient else f"{variable} = {item}[{key}]"]
        if not selection.is_introspection:
            lines += self._value(selection.type, selection, variable, place)
        return lines

    def _value(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str, place: Place) -> list[str]:
        """Statements that check `variable` and replace it by its projection."""
        if isinstance(type_, GraphQLNonNull):
            return self._required(type_.of_type, selection, variable, place)
        lines = self._required(type_, selection, variable, place)
        return [f"if {variable} is not None:", *_indented(lines)]

    def _required(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str, place: Place) -> list[str]:
        if isinstance(type_, GraphQLList):
            return self._list(type_.of_type, selection, variable, place)
        if selection.selections is None:
            return [f"if {self._leaf_check(type_, variable)}: raise Fault"]
        return [f"{variable} = {self._object(type_, selection, variable, place)}"]

    def _list(self, item: GraphQLOutputType, selection: FieldSelection, variable: str, place: Place) -> list[str]:
        lines = [f"if {variable}.__class__ is not list: raise Fault"]
        required = isinstance(item, GraphQLNonNull)
        inner: GraphQLOutputType = item.of_type if isinstance(item, GraphQLNonNull) else item
        each = self._name("x")
        if isinstance(inner, GraphQLList):
            function = self._define("l", "v, c", [*self._required(inner, selection, "v", place), "return v"])
            body: list[str] = []
            projected = f"{function}({each}, c)"
        elif selection.selections is None:
            check = self._leaf_check(inner, each)
            check = check if required else f"{each} is not None and ({check})"
            return [*lines, f"for {each} in {variable}:", f"    if {check}: raise Fault"]
        else:
            body, projected = self._item(inner, selection, each, place)
        answer = self._name("r")
        if not required:
            body = [f"if {each} is None:", f"    {answer}.append(None)", "    continue", *body]
        body.append(f"{answer}.append({projected})")
        return [*lines, f"{answer} = []", f"for {each} in {variable}:", *_indented(body), f"{variable} = {answer}"]

    def _item(
        self, type_: GraphQLOutputType, selection: FieldSelection, each: str, place: Place
    ) -> tuple[list[str], str]:
        """An object in a list. A call costs as much as a field, so that what one type alone has is written into the loop."""
        assert selection.selections is not None
        name = get_named_type(type_).name
        key = (name, id(selection))
        # A selection that stands in several places is written down once more at most, as a function.
        known = key in self._objects or key in self._written
        if known or is_abstract_type(type_) or place in self._shared or self._loops >= _NESTED_LOOPS:
            return [], self._object(type_, selection, each, place)
        self._written.add(key)
        self._loops += 1
        written = self._body(each, self._applicable(selection.selections, name), name, place)
        self._loops -= 1
        return written

    def _leaf_check(self, type_: GraphQLOutputType, variable: str) -> str:
        if isinstance(type_, GraphQLEnumType):
            name = f"enum_{type_.name}"
            self._namespace.setdefault(name, frozenset(type_.values))
            return f"{variable} not in {name}"
        classes = self._name("classes")
        self._namespace[classes] = _CLASSES.get(get_named_type(type_).name, _ANY_CLASS)
        return f"{variable}.__class__ not in {classes}"

    def _object(self, type_: GraphQLOutputType, selection: FieldSelection, variable: str, place: Place) -> str:
        """An expression that projects the object in `variable`."""
        assert selection.selections is not None
        name = get_named_type(type_).name
        key = (name, id(selection))
        if key not in self._objects:
            if is_abstract_type(type_):
                possible = possible_names(self._schema, type_)
                self._objects[key] = self._table(name, possible, selection.selections, place)
            else:
                self._objects[key] = self._function(self._applicable(selection.selections, name), name, place)
        function = self._objects[key]
        call = f"{function}[{variable}.get('__typename')]" if is_abstract_type(type_) else function
        if place not in self._shared:
            return f"{call}({variable}, c)"
        keep = self._kept.get(function)
        if keep is None:
            keep = self._kept[function] = self._name("k")
            mark = self._marks[keep] = f"#{next(_MARKS)}"
            own = call.replace(variable, "o")
            self._functions.append(f"def {keep}(o, c):\n    r = o[{mark!r}] = {own}(o, c)\n    return r\n")
        return f"({variable}.get({self._marks[keep]!r}) or {keep}({variable}, c))"

    def _table(
        self, abstract: str, possible: frozenset[str], selections: Sequence[FieldSelection], place: Place
    ) -> str:
        """The name of a table from concrete type to function. Types with the same selections share one."""
        groups: dict[tuple[int, ...], list[str]] = {}
        for typename in sorted(possible):
            applicable = tuple(i for i, selection in enumerate(selections) if typename in selection.types)
            groups.setdefault(applicable, []).append(typename)
        entries: dict[str | None, str] = {}
        for indexes, typenames in groups.items():
            sole = typenames[0] if len(typenames) == 1 else None
            function = self._function([selections[index] for index in indexes], sole, place)
            entries.update(dict.fromkeys(typenames, function))
        if same_for_all(selections, possible or frozenset((abstract,))):
            entries[None] = entries[abstract] = self._function(selections, None, place)
        name = self._name("t")
        self._functions.append(f"{name} = {{{', '.join(f'{key!r}: {value}' for key, value in entries.items())}}}\n")
        return name


def _is_scalar(selection: FieldSelection) -> bool:
    """Whether a field is one scalar that its class tells clean or not."""
    named = selection.type.of_type if isinstance(selection.type, GraphQLNonNull) else selection.type
    return isinstance(named, GraphQLScalarType) and not selection.is_introspection


def _classes(type_: GraphQLOutputType) -> frozenset[type]:
    """The classes that clean values of a scalar have; None is clean where the type is not non-null."""
    classes = _CLASSES.get(get_named_type(type_).name, _ANY_CLASS)
    return classes if isinstance(type_, GraphQLNonNull) else classes | {type(None)}


def _checker(
    allowed: Sequence[frozenset[type]],
) -> tuple[set[tuple[type, ...]], Callable[[tuple[type, ...]], None]]:
    """The combinations of classes that are known to be clean, and what finds out of others."""
    known: set[tuple[type, ...]] = set()

    def check(classes: tuple[type, ...]) -> None:
        if any(each not in fitting for each, fitting in zip(classes, allowed, strict=True)):
            raise _FaultError
        if len(known) < _MOST_KNOWN:
            known.add(classes)

    return known, check


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _guard(condition: Condition) -> str:
    terms = [f"c.get({name!r}) is True" for name in sorted(condition.include)]
    terms += [f"c.get({name!r}) is not True" for name in sorted(condition.skip)]
    return f"if {' and '.join(terms)}:" if terms else ""
