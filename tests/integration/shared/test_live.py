"""Live notes and the streams that hear them: only what is committed, with bounds, and through an absence of Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from shared.auth.actor import Actor
from shared.cache.redis_cache import RedisCache
from shared.commands import Command
from shared.db.database import Database, UnitOfWork
from shared.db.idempotency import Outcome
from shared.errors import Conflict
from shared.graphql.writes import Writes
from shared.ids import new_id
from shared.messaging.live import LiveHub, LiveStream, StreamTooSlow
from shared.messaging.notes import LiveNotes, Note, channel_of
from shared.testing.eventually import PATIENCE_SECONDS, eventually
from shared.testing.servers import DomainDatabase, Servers

TOPIC = "thing_changed"


@pytest.fixture(scope="module")
async def database(database_for: Callable[[str], DomainDatabase]) -> AsyncIterator[Database]:
    opened = database_for("reviews").open("reviews")
    yield opened
    await opened.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    # With a short timeout for commands, as services have: waiting for a note must not run into it.
    client = Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
    yield client
    await client.aclose()


@pytest.fixture
async def hub(redis: Redis) -> AsyncIterator[LiveHub]:
    opened = LiveHub(redis, "reviews", max_pending=3)
    yield opened
    await opened.aclose()


@pytest.fixture
def notes(redis: Redis) -> LiveNotes:
    return LiveNotes(redis, "reviews")


async def itself(subject: UUID) -> UUID | None:
    return subject


async def tell(database: Database, notes: LiveNotes, key: UUID, *subjects: UUID) -> None:
    async with database.unit_of_work() as uow:
        notes.tell(uow, [Note(TOPIC, key, subject) for subject in subjects])


async def taken(stream: LiveStream[UUID]) -> UUID:
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await anext(stream)


async def heard(redis: Redis, hub: LiveHub, database: Database, notes: LiveNotes) -> None:
    """Returns once the hub has taken all that was published before: a note of our own comes last."""
    key = new_id()
    stream = await hub.watch(TOPIC, [key], itself)
    await tell(database, notes, key, key)
    assert await taken(stream) == key
    await stream.aclose()


async def test_every_process_hears_what_is_committed_for_the_key_it_watches(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes
) -> None:
    # given two processes of which each watches a key, and one a topic of the same key
    other, ours, theirs = LiveHub(redis, "reviews"), new_id(), new_id()
    here, there = await hub.watch(TOPIC, [ours, theirs], itself), await other.watch(TOPIC, [theirs], itself)
    elsewhere = await hub.watch("other_topic", [theirs], itself)
    # when both keys are told of
    first, second = new_id(), new_id()
    await tell(database, notes, ours, first)
    await tell(database, notes, theirs, second)
    # then each stream has its own
    assert [await taken(here), await taken(here), await taken(there)] == [first, second, second]
    await other.aclose()
    # and an ended hub ends its streams, as it does those that come later
    hub.end()
    for stream in (here, elsewhere, await hub.watch(TOPIC, [ours], itself)):
        with pytest.raises(StopAsyncIteration):
            await taken(stream)
    assert (hub.open_streams, other.open_streams) == (0, 0)


async def test_what_is_rolled_back_or_refused_is_never_told(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes
) -> None:
    key, undone, refused, done = new_id(), new_id(), new_id(), new_id()
    stream = await hub.watch(TOPIC, [key], itself)

    async def undo() -> None:
        async with database.unit_of_work() as uow:
            notes.tell(uow, [Note(TOPIC, key, undone)])
            raise Conflict("UNDONE", "no")

    async def refuse(uow: UnitOfWork, actor: Actor, command: Command) -> Outcome:
        notes.tell(uow, [Note(TOPIC, key, refused)])
        raise Conflict("REFUSED", "no")

    # given a transaction that noted something and failed, and a use case that noted something and refused
    with pytest.raises(Conflict):
        await undo()
    writes = Writes(database, RedisCache(redis, prefix="idempotency:live", ttl=timedelta(minutes=1)))
    outcome = await writes.run(Actor(user_id=new_id()), "refuse", Command(idempotency_key=str(new_id())), refuse)
    assert [refusal.code for refusal in outcome.refusals] == ["REFUSED"]
    # when another one is committed
    await tell(database, notes, key, done)
    # then that is the first that is heard
    assert await taken(stream) == done


async def test_a_note_leaves_after_its_commit(database: Database, hub: LiveHub, notes: LiveNotes) -> None:
    key, early, late = new_id(), new_id(), new_id()
    stream = await hub.watch(TOPIC, [key], itself)
    async with database.unit_of_work() as uow:
        notes.tell(uow, [Note(TOPIC, key, late)])
        # when another transaction commits while this one is open
        await tell(database, notes, key, early)
    # then that one's note comes first
    assert [await taken(stream), await taken(stream)] == [early, late]


async def test_a_burst_about_one_subject_is_read_once_and_what_is_not_to_be_seen_is_passed_over(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes
) -> None:
    read: list[UUID] = []
    key, hidden, seen = new_id(), new_id(), new_id()

    async def show(subject: UUID) -> UUID | None:
        read.append(subject)
        return None if subject == hidden else subject

    stream = await hub.watch(TOPIC, [key], show)
    # when one subject is noted a hundred times before anybody looks
    await tell(database, notes, key, hidden, *[seen] * 100)
    await heard(redis, hub, database, notes)
    # then each is read once, and what may not be shown is not
    assert (await taken(stream), read) == (seen, [hidden, seen])
    # and a note that comes while its subject is read asks for another reading
    await tell(database, notes, key, seen)
    assert await taken(stream) == seen


async def test_a_stream_that_is_not_read_ends_with_a_code_and_keeps_nothing(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes
) -> None:
    # given a stream with room for three, and one that keeps up
    key = new_id()
    slow, quick = await hub.watch(TOPIC, [key], itself), await hub.watch(TOPIC, [key], itself)
    subjects = [new_id() for _ in range(4)]
    for subject in subjects:
        await tell(database, notes, key, subject)
        assert await taken(quick) == subject
    # then the slow one has left the hub, with a refusal in place of what waited
    assert hub.open_streams == 1
    with pytest.raises(StreamTooSlow) as refusal:
        await taken(slow)
    assert refusal.value.code == "STREAM_TOO_SLOW"


async def test_streams_outlive_redis_and_read_again_what_they_watch_by_name(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes, servers: Servers
) -> None:
    # given a stream about one thing, and one about whatever comes
    key, thing, later = new_id(), new_id(), new_id()
    named = await hub.watch(TOPIC, [thing], itself, watched=[thing])
    unnamed = await hub.watch(TOPIC, [key], itself)
    # when something is committed while Redis is away
    servers.redis.stop()
    await tell(database, notes, thing, thing)
    servers.redis.start()
    # then the one is read again once Redis is back
    assert await taken(named) == thing
    # and both go on with the next note
    await tell(database, notes, key, later)
    await tell(database, notes, thing, thing)
    assert [await taken(unnamed), await taken(named)] == [later, thing]


async def test_a_stream_that_opens_without_redis_begins_once_it_is_there(redis_url: str, servers: Servers) -> None:
    redis = Redis.from_url(redis_url, socket_timeout=0.5, socket_connect_timeout=0.5)
    hub, thing = LiveHub(redis, "reviews"), new_id()
    servers.redis.stop()
    stream = await hub.watch(TOPIC, [thing], itself, watched=[thing])
    servers.redis.start()
    assert await taken(stream) == thing
    await hub.aclose()
    await redis.aclose()


async def test_a_redis_that_gives_no_sign_of_life_is_left_and_connected_to_anew() -> None:
    # given a peer that takes every command and confirms subscriptions, but answers no ping
    subscriptions = 0
    confirmed = b"*3\r\n$9\r\nsubscribe\r\n$12\r\nlive:reviews\r\n:1\r\n"

    async def half_dead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal subscriptions
        while commands := await reader.read(4096):
            if b"SUBSCRIBE" in commands:
                subscriptions += 1
                writer.write(confirmed)
            elif b"PING" not in commands:
                writer.write(b"+OK\r\n" * commands.count(b"*"))
        writer.close()

    server = await asyncio.start_server(half_dead, "127.0.0.1", 0)
    redis = Redis(port=server.sockets[0].getsockname()[1], protocol=2)
    hub = LiveHub(redis, "reviews", silence=0.05)
    await hub.watch(TOPIC, [new_id()], itself)

    async def connected_anew() -> bool:
        return subscriptions > 1

    # then the hub does not wait for it for ever
    await eventually("another subscription", connected_anew)
    await hub.aclose()
    await redis.aclose()
    server.close()


async def test_a_redis_that_only_has_nothing_to_say_is_kept(database: Database, redis: Redis, notes: LiveNotes) -> None:
    # given a stream that would read anew after another connection
    hub, key, thing = LiveHub(redis, "reviews", silence=0.25), new_id(), new_id()
    stream = await hub.watch(TOPIC, [key], itself, watched=[thing])
    before = await pings(redis)

    async def pinged_often() -> bool:
        return await pings(redis) > before + 3

    # when Redis was asked for a sign of life again and again, then the next note comes over the same connection
    await eventually("pings", pinged_often)
    await tell(database, notes, key, key)
    assert await taken(stream) == key
    await hub.aclose()


async def pings(redis: Redis) -> int:
    found = await redis.info("commandstats")
    return int(found.get("cmdstat_ping", {}).get("calls", 0))


async def test_a_message_that_is_not_ours_is_passed_over(
    database: Database, redis: Redis, hub: LiveHub, notes: LiveNotes
) -> None:
    # given a stream that would read anew after another connection
    key, thing = new_id(), new_id()
    stream = await hub.watch(TOPIC, [key], itself, watched=[thing])
    # when others write into the channel, and then we do
    for message in (b"{", b"7", b'[["thing_changed"]]', b'[["thing_changed", "1", "2"]]', b"[[1, 2, 3]]"):
        await redis.publish(channel_of("reviews"), message)
    await tell(database, notes, key, key)
    # then that is heard over the same connection
    assert await taken(stream) == key


async def test_processes_connect_at_their_first_stream_and_once(redis: Redis, hub: LiveHub) -> None:
    async def listeners() -> int:
        ((_, count),) = await redis.pubsub_numsub(channel_of("reviews"))
        return int(count)

    async def nobody() -> bool:
        return await listeners() == 0

    # Those of tests before this one may be about to leave.
    await eventually("nobody to listen", nobody)
    for _ in range(3):
        await hub.watch(TOPIC, [new_id()], itself)
    assert await listeners() == 1
