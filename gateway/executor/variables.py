"""Variable values: coerced once against the API schema, then sliced for each fetch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLSchema, VariableDefinitionNode
from graphql.execution.values import get_variable_values

from gateway.errors import GatewayError
from gateway.planner.plan import Condition

MAX_REPORTED = 5


class VariablesInvalid(GatewayError):
    """A variable's value does not fit its type."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__("BAD_USER_INPUT", " ".join(messages))
        self.messages = tuple(messages)


def coerce_variables(
    schema: GraphQLSchema, definitions: Sequence[VariableDefinitionNode], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The values of the declared variables with their defaults. Raises VariablesInvalid."""
    if not definitions:
        return {}
    outcome = get_variable_values(schema, definitions, dict(values), max_errors=MAX_REPORTED, hide_suggestions=True)
    if isinstance(outcome, list):
        raise VariablesInvalid([error.message for error in outcome])
    return dict(outcome.coerced)


def holds(condition: Condition | None, variables: Mapping[str, Any]) -> bool:
    """Whether everything of `condition` is so: all of `include` true and all of `skip` false."""
    if condition is None:
        return True
    return all(variables.get(name) is True for name in condition.include) and not any(
        variables.get(name) is True for name in condition.skip
    )


def used(names: Sequence[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """The values a fetch needs. A variable without value and default stays absent: absent is not null."""
    return {name: variables[name] for name in names if name in variables}
