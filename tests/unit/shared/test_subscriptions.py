"""Subscriptions without a network: what is refused, what an event executes, how it is framed, and what is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import orjson
import pytest
import strawberry
from redis.asyncio import Redis

from shared.auth.actor import ANONYMOUS, Actor
from shared.cache.redis_cache import RedisCache
from shared.db.database import Database
from shared.errors import Conflict
from shared.graphql.context import RequestContext
from shared.graphql.endpoint import GraphQLEndpoint
from shared.graphql.event_stream import frames
from shared.graphql.schema import SubgraphSchema
from shared.graphql.subscriptions import AnswerStream, Subscriptions
from shared.graphql.writes import SHORT_TERM, Writes
from shared.ids import new_id

QUIET = 3600.0
ME = Actor(user_id=new_id())


class Source(AsyncIterator[int]):
    """Events that a test puts in: an exception is raised, None is the end."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[int | Exception | None] = asyncio.Queue()
        self.closed = 0

    async def __anext__(self) -> int:
        event = await self.events.get()
        if event is None:
            raise StopAsyncIteration
        if isinstance(event, Exception):
            raise event
        return event

    async def aclose(self) -> None:
        self.closed += 1


class Context(RequestContext):
    """Numbered in the order of their making."""

    numbers = count()
    source: Source

    def __init__(self, actor: Actor) -> None:
        database = Database("postgresql://nobody@127.0.0.1:1/nowhere", application_name="unit", pool_size=0)
        cache = RedisCache(Redis(port=1), prefix="unit", ttl=SHORT_TERM)
        super().__init__(actor, database, Writes(database, cache))
        self.number = next(self.numbers)


Info = strawberry.Info[Context, None]


@strawberry.type
class Tick:
    value: int

    @strawberry.field
    def context(self, info: Info) -> int:
        return info.context.number

    @strawberry.field
    def half(self) -> int:
        if self.value % 2:
            raise RuntimeError("secret")
        return self.value // 2


@strawberry.type
class Query:
    ok: bool = True
    ticks: int = 0


class Ticks(AsyncIterator[Tick]):
    def __init__(self, source: Source) -> None:
        self.source = source

    async def __anext__(self) -> Tick:
        return Tick(value=await anext(self.source))

    async def aclose(self) -> None:
        await self.source.aclose()


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self, info: Info, broken: bool = False) -> AsyncIterator[Tick]:
        info.context.actor.require_user()
        if broken:
            raise RuntimeError("secret")
        return Ticks(info.context.source)


SCHEMA = SubgraphSchema(query=Query, subscription=Subscription)
TICKS = "subscription { ticks { value } }"


@pytest.fixture
def source() -> Source:
    Context.source = Source()
    return Context.source


@pytest.fixture
def subscriptions() -> Subscriptions:
    return Subscriptions("unit", SCHEMA, Context, max_streams=2)


async def opened(subscriptions: Subscriptions, query: str = TICKS, **variables: Any) -> AnswerStream:
    stream = await subscriptions.open(ME, query, variables)
    assert isinstance(stream, AnswerStream), stream
    return stream


async def test_each_event_is_executed_with_a_context_of_its_own(source: Source, subscriptions: Subscriptions) -> None:
    stream = await opened(subscriptions, "subscription { ticks { value context } }")
    for event in (7, 8, None):
        source.events.put_nowait(event)
    answers = [await stream.next_answer() for _ in range(3)]
    # then no loader of the first event is there for the second
    first, second, end = answers
    assert first is not None
    assert second is not None
    assert second["data"]["ticks"]["context"] == first["data"]["ticks"]["context"] + 1
    assert [a["data"]["ticks"]["value"] for a in (first, second)] == [7, 8]
    # and what has ended stays so
    assert (end, await stream.next_answer()) == (None, None)
    await stream.aclose()


@pytest.mark.parametrize(
    ("query", "actor", "code"),
    [
        ("subscription {", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("{ ticks }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { ok }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { tocks }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ticks { none } }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { ticks { value } more: ticks { value } }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($v: Int!) { ticks(broken: $v) { value } }", ME, "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($v: Boolean!) { ticks(broken: $v) { value } }", ME, "GRAPHQL_VALIDATION_FAILED"),
        (TICKS, ANONYMOUS, "UNAUTHENTICATED"),
        ("subscription { ticks(broken: true) { value } }", ME, "INTERNAL_SERVER_ERROR"),
    ],
)
async def test_what_cannot_be_opened_is_refused_with_a_plain_answer(
    source: Source, subscriptions: Subscriptions, query: str, actor: Actor, code: str
) -> None:
    for _ in range(3):
        # A refusal takes no place: there are but two.
        answer = await subscriptions.open(actor, query)
        assert isinstance(answer, dict)
        assert (answer["data"], [e["extensions"]["code"] for e in answer["errors"]]) == (None, [code])
        assert "secret" not in answer["errors"][0]["message"]
    await (await opened(subscriptions)).aclose()


async def test_errors_of_an_event_are_masked_and_the_stream_goes_on(
    source: Source, subscriptions: Subscriptions
) -> None:
    stream = await opened(subscriptions, "subscription { ticks { half } }")
    source.events.put_nowait(3)
    source.events.put_nowait(4)
    failed = await stream.next_answer()
    assert failed is not None
    (error,) = failed["errors"]
    assert (failed["data"], error["path"], error["extensions"]) == (
        None,
        ["ticks", "half"],
        {"code": "INTERNAL_SERVER_ERROR"},
    )
    assert "secret" not in error["message"]
    assert await stream.next_answer() == {"data": {"ticks": {"half": 2}}}
    await stream.aclose()


@pytest.mark.parametrize(
    ("failure", "code"), [(Conflict("TOO_SLOW", "no"), "TOO_SLOW"), (RuntimeError("secret"), "INTERNAL_SERVER_ERROR")]
)
async def test_a_source_that_fails_tells_why_and_then_is_complete(
    source: Source, subscriptions: Subscriptions, failure: Exception, code: str
) -> None:
    stream = await opened(subscriptions)
    source.events.put_nowait(failure)
    sent = [frame async for frame in frames(stream, QUIET)]
    answer = orjson.loads(sent[0].removeprefix(b"event: next\ndata: "))
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == (None, code)
    assert b"secret" not in sent[0]
    assert sent[1:] == [b"event: complete\ndata:\n\n"]
    await stream.aclose()


async def test_frames_are_events_with_comments_while_nothing_happens(
    source: Source, subscriptions: Subscriptions
) -> None:
    stream = await opened(subscriptions)
    sent = frames(stream, 0.001)
    # when nothing happens for a while, and then something
    silence = [await anext(sent) for _ in range(3)]
    source.events.put_nowait(1)
    while (frame := await anext(sent)) == b":\n\n":
        pass
    # then comments were sent, and the event they waited for is not lost to them
    assert silence == [b":\n\n"] * 3
    assert frame == b'event: next\ndata: {"data":{"ticks":{"value":1}}}\n\n'
    await sent.aclose()
    await stream.aclose()


async def test_more_streams_than_there_is_room_for_are_refused_until_one_is_closed(
    source: Source, subscriptions: Subscriptions
) -> None:
    first, second = await opened(subscriptions), await opened(subscriptions)
    # when a third is asked for, then it is refused
    answer = await subscriptions.open(ME, TICKS)
    assert isinstance(answer, dict)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["TOO_MANY_STREAMS"]
    # and one that is closed, however often, makes room for one
    await first.aclose()
    await first.aclose()
    assert source.closed == 1
    third = await opened(subscriptions)
    assert isinstance(await subscriptions.open(ME, TICKS), dict)
    await second.aclose()
    await third.aclose()


@pytest.mark.parametrize("name", [None, "Other"])
async def test_a_subscription_asked_for_as_a_query_is_refused(source: Source, name: str | None) -> None:
    answer = await GraphQLEndpoint("unit", SCHEMA, Context).execute(ME, TICKS, operation_name=name)
    assert answer["data"] is None
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["GRAPHQL_VALIDATION_FAILED"]
