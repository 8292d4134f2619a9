"""What an error of Postgres tells whom: a client no more than its own mistake, a log no parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from graphql import GraphQLError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.db.database import Database
from shared.graphql.schema import client_error
from shared.testing.servers import DomainDatabase


@pytest.fixture
async def opened(database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    database = database_for("accounts").open("test")
    yield database
    await database.close()


async def failure(database: Database, statement: str, value: str) -> DBAPIError:
    with pytest.raises(DBAPIError) as failed:
        async with database.read() as session:
            await session.execute(text(statement), {"value": value})
    return failed.value


async def test_the_text_of_an_error_holds_no_parameter(opened: Database) -> None:
    error = await failure(opened, "SELECT CAST(:value AS text) FROM nowhere", "ada@example.test")
    assert "nowhere" in str(error)
    assert "ada@example.test" not in str(error)


async def test_a_text_with_nul_is_the_clients_mistake(opened: Database) -> None:
    # given an argument that no model has seen, such as a query's filter
    error = await failure(opened, "SELECT CAST(:value AS text)", "a\0b")
    # when it leaves the subgraph
    told = client_error(GraphQLError("raw", original_error=error))
    # then it is a refusal, and no incident
    assert told == {
        "message": "Text must not hold the character NUL.",
        "extensions": {"code": "BAD_USER_INPUT"},
    }


async def test_any_other_error_of_postgres_is_masked(opened: Database) -> None:
    error = await failure(opened, "SELECT CAST(:value AS text) FROM nowhere", "x")
    told = client_error(GraphQLError("raw", original_error=error))
    assert told == {
        "message": "Something went wrong on our side.",
        "extensions": {"code": "INTERNAL_SERVER_ERROR"},
    }
