"""Reads tables as the superuser does, past row-level security: for what a test asserts, never for what it does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from shared.testing.servers import DomainDatabase


async def rows(database: DomainDatabase, statement: str, **values: Any) -> list[dict[str, Any]]:
    """Rows of a statement with unqualified names of the domain's schema."""
    schema = database.url.partition("//")[2].partition(":")[0]
    engine = create_async_engine(
        database.admin_url.replace("postgresql://", "postgresql+asyncpg://"), poolclass=NullPool
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SET LOCAL search_path TO {schema}"))
            found = await connection.execute(text(statement), values)
            return [dict(row) for row in found.mappings()] if found.returns_rows else []
    finally:
        await engine.dispose()
