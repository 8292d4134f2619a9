"""What a custom scalar cannot be is the client's mistake, as a literal and as a variable; the gateway lets any value through."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import strawberry

from shared.auth.actor import ANONYMOUS
from shared.graphql.endpoint import GraphQLEndpoint
from shared.graphql.scalars import Cents
from shared.graphql.schema import SubgraphSchema


@strawberry.type
class Query:
    @strawberry.field
    def twice(self, amount: Cents) -> Cents:
        return Cents(2 * amount)

    @strawberry.field
    def at(self, moment: datetime) -> datetime:
        return moment


ENDPOINT = GraphQLEndpoint("probe", SubgraphSchema(query=Query, types=[]), lambda *_: None)  # type: ignore[arg-type]
MOMENT = "DateTime must be a date with time as ISO 8601 writes it."
AMOUNT = "Cents must be an integer between -9007199254740991 and 9007199254740991."


async def ask(query: str, **variables: Any) -> Any:
    return await ENDPOINT.execute(ANONYMOUS, query, variables)


@pytest.mark.parametrize("value", ['"abc"', "1.5", "true", "9007199254740992", "[1]", '""'])
async def test_what_is_no_amount_is_refused_with_a_code(value: str) -> None:
    answer = await ask(f"{{ twice(amount: {value}) }}")
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (AMOUNT, "BAD_USER_INPUT")
    ]


@pytest.mark.parametrize("value", ["abc", "", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+23:00", 3, True, [1], {}])
async def test_what_is_no_moment_is_refused_with_a_code(value: object) -> None:
    answer = await ask("query($at: DateTime!) { at(moment: $at) }", at=value)
    assert [(error["message"], error["extensions"]["code"]) for error in answer["errors"]] == [
        (MOMENT, "BAD_USER_INPUT")
    ]


@pytest.mark.parametrize(
    "text", ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05", "2026-01-02T05:04:05+02:00", "20260102T030405Z"]
)
async def test_a_moment_is_one_in_utc_however_it_is_written(text: str) -> None:
    told = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).isoformat()
    assert await ask(f'{{ at(moment: "{text}") }}') == {"data": {"at": told}}


async def test_an_amount_is_read_and_told() -> None:
    assert await ask("{ twice(amount: 7) }") == {"data": {"twice": 14}}
