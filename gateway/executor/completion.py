"""Completes a response tree by the rules of GraphQL section 6.4.3, with paths and errors: the projection's second opinion.

The compiled projection knows only clean trees. It hands any other to this module, whose speed does not matter and which
says exactly what is wrong and where.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLEnumType,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    is_abstract_type,
    is_object_type,
    is_specified_scalar_type,
)

from gateway.executor.rewrites import ResponsePath
from gateway.executor.subgraph_errors import FieldError
from gateway.executor.variables import holds
from gateway.planner.operation import FieldSelection, Operation

NULL_VIOLATION = "NON_NULL_VIOLATION"
INVALID_VALUE = "INVALID_VALUE"


_MOST_REPORTED = 100
"""A refused field may stand in any number of objects; an error list must stay bounded."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What of an operation the client may not see, and the one error that says so at each place.

    `fields` holds the `id` of selections, `types` by the `id` of a selection the concrete types of refused objects.
    """

    code: str
    message: str
    fields: frozenset[int]
    types: Mapping[int, frozenset[str]]


class _NullAboveError(Exception):
    """A value that must not be null is: the nearest nullable position above becomes null."""


class Completion:
    """One completion of one tree. `known` are the errors that execution met; a null they explain adds no error."""

    def __init__(
        self,
        schema: GraphQLSchema,
        operation: Operation,
        variables: Mapping[str, Any],
        known: Sequence[FieldError],
        refusals: Refusals | None = None,
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = variables
        self._known = known
        self._refusals = refusals
        self._refused: Counter[int] = Counter()
        self.errors: list[FieldError] = []

    def complete(self, tree: dict[str, Any]) -> dict[str, Any] | None:
        """The `data` of the response; what is found wrong is in `errors` afterwards."""
        try:
            return self._object(tree, self._operation.root_type, self._operation.selections, ())
        except _NullAboveError:
            return None

    def _object(
        self, value: dict[str, Any], typename: str, selections: Sequence[FieldSelection], path: ResponsePath
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for selection in selections:
            if typename not in selection.types or not holds(selection.condition, self._variables):
                continue
            answer[selection.response_key] = self._field(value, typename, selection, (*path, selection.response_key))
        return answer

    def _field(self, value: dict[str, Any], typename: str, selection: FieldSelection, path: ResponsePath) -> Any:
        if selection.name == "__typename":
            return typename
        found = value.get(selection.response_key)
        if selection.is_introspection:
            return found
        if self._refusals is not None and id(selection) in self._refusals.fields:
            self._refuse(self._refusals, selection, path)
            if isinstance(selection.type, GraphQLNonNull):
                raise _NullAboveError
            return None
        return self._value(found, selection.type, selection, path)

    def _value(self, value: Any, type_: GraphQLOutputType, selection: FieldSelection, path: ResponsePath) -> Any:
        if isinstance(type_, GraphQLNonNull):
            completed = self._nullable(value, type_.of_type, selection, path, required=True)
            if completed is None:
                raise _NullAboveError
            return completed
        try:
            return self._nullable(value, type_, selection, path)
        except _NullAboveError:
            return None

    def _nullable(
        self,
        value: Any,
        type_: GraphQLOutputType,
        selection: FieldSelection,
        path: ResponsePath,
        *,
        required: bool = False,
    ) -> Any:
        if value is None:
            if required:
                self._report(NULL_VIOLATION, "A value that must not be null is missing.", path)
            return None
        if isinstance(type_, GraphQLList):
            if type(value) is not list:
                return self._report(INVALID_VALUE, "The value is not a list.", path)
            return [self._value(item, type_.of_type, selection, (*path, index)) for index, item in enumerate(value)]
        if selection.selections is None:
            return self._leaf(value, type_, path)
        if type(value) is not dict:
            return self._report(INVALID_VALUE, "The value is not an object.", path)
        return self._composite(value, type_, selection, path)

    def _composite(
        self, value: dict[str, Any], type_: GraphQLOutputType, selection: FieldSelection, path: ResponsePath
    ) -> Any:
        if self._refusals is not None and value.get("__typename") in self._refusals.types.get(id(selection), ()):
            return self._refuse(self._refusals, selection, path)
        selections = selection.selections or ()
        if is_object_type(type_):
            return self._object(value, type_.name, selections, path)
        assert is_abstract_type(type_)
        typename = value.get("__typename")
        possible = possible_names(self._schema, type_)
        if typename in possible:
            return self._object(value, typename, selections, path)
        anything = possible or frozenset((type_.name,))
        if typename in {None, type_.name} and same_for_all(selections, anything):
            # Nothing depends on the concrete type, and the subgraph did not have to say it.
            return self._object(value, min(anything), selections, path)
        return self._report(INVALID_VALUE, "The object is of no type that may stand here.", path)

    def _leaf(self, value: Any, type_: GraphQLOutputType, path: ResponsePath) -> Any:
        if isinstance(type_, GraphQLEnumType):
            if isinstance(value, str) and value in type_.values:
                return value
            return self._report(INVALID_VALUE, f"The value is not one of {type_.name}.", path)
        if isinstance(type_, GraphQLScalarType) and is_specified_scalar_type(type_):
            try:
                return type_.serialize(value)
            except GraphQLError:
                return self._report(INVALID_VALUE, f"The value is not a valid {type_.name}.", path)
        return value

    def _refuse(self, refusals: Refusals, selection: FieldSelection, path: ResponsePath) -> None:
        self._refused[id(selection)] += 1
        if self._refused[id(selection)] <= _MOST_REPORTED:
            self.errors.append(FieldError(refusals.message, refusals.code, path))

    def _report(self, code: str, message: str, path: ResponsePath) -> None:
        if any(error.explains(path) for error in self._known):
            return
        self.errors.append(FieldError(message, code, path))


def possible_names(schema: GraphQLSchema, abstract: GraphQLAbstractType) -> frozenset[str]:
    """The names of the object types that may stand where `abstract` does."""
    return frozenset(possible.name for possible in schema.get_possible_types(abstract))


def same_for_all(selections: Sequence[FieldSelection], possible: frozenset[str]) -> bool:
    """Whether `selections` are the same for every possible type and none asks which type it is.

    An interface without object types (subgraphs know it as @interfaceObject only) stands for itself in `types`.
    """
    return all(selection.name != "__typename" and possible <= selection.types for selection in selections)
