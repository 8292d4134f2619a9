"""Column types of the domains' tables.

A table is mapped imperatively onto a plain class of the domain's `domain.py`, so that rules never know SQLAlchemy and
rows need no second shape. Table names are unqualified: the role's search_path is its own schema, the only one it may use.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Column, DateTime, Enum, Text, Uuid

from shared.telemetry.spans import sampled_traceparent

UUID_TYPE = Uuid(as_uuid=True)
MOMENT = DateTime(timezone=True)


def text_enum(values: type[StrEnum]) -> Enum:
    """A closed set kept as text; the migration's CHECK holds the same set."""
    return Enum(values, native_enum=False, create_constraint=False, values_callable=lambda e: [v.value for v in e])


def trace_context() -> Column[str]:
    """The column `traceparent`: the trace in which the row is made, if it is recorded. Nobody has to set it."""
    return Column("traceparent", Text, default=sampled_traceparent)
