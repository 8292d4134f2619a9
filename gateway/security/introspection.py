"""The switch for introspection."""

from __future__ import annotations

from graphql import ASTValidationRule, NoSchemaIntrospectionCustomRule, specified_rules
from pydantic import BaseModel, ConfigDict


class IntrospectionConfig(BaseModel):
    """Off also keeps the names of fields and types out of the messages of validation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True


def validation_rules(config: IntrospectionConfig) -> tuple[type[ASTValidationRule], ...]:
    """The rules a document must keep."""
    rules = tuple(specified_rules)
    return rules if config.enabled else (*rules, NoSchemaIntrospectionCustomRule)
