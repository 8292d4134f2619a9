"""Who may ask for the schema, and what errors tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import ASTValidationRule, NoSchemaIntrospectionCustomRule, specified_rules
from pydantic import BaseModel, ConfigDict

from gateway.errors import RequestRefused


class IntrospectionConfig(BaseModel):
    """With `roles` only those introspect whose token has one of them in its claim `roles_claim`; without, everybody does.

    `suggestions` has the errors of validation name what else there is ("Did you mean …"), to everybody.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    roles: frozenset[str] = frozenset()
    roles_claim: str = "roles"
    suggestions: bool = False


def validation_rules(config: IntrospectionConfig) -> tuple[type[ASTValidationRule], ...]:
    """The rules a document must keep."""
    rules = tuple(specified_rules)
    return rules if config.enabled else (*rules, NoSchemaIntrospectionCustomRule)


def check_introspection(config: IntrospectionConfig, claims: Mapping[str, Any] | None) -> None:
    """Raises RequestRefused where the claims (None: a visitor's) do not let their bearer see the schema."""
    if not config.roles:
        return
    held = (claims or {}).get(config.roles_claim)
    names = held if isinstance(held, list) else [held]
    if not any(isinstance(name, str) and name in config.roles for name in names):
        raise RequestRefused("INTROSPECTION_FORBIDDEN", "You may not ask for the schema.", status=403, well_formed=True)
