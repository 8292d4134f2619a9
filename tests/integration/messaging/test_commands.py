"""What an operator can do: dead letters, replay, retention."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.clock import system_clock
from shared.messaging import dlq
from shared.messaging.dead_letters import drain, list_depths, replay, show
from shared.messaging.replay import Span
from shared.messaging.replay import replay as replay_log
from shared.messaging.retention import purge
from tests.integration.messaging.flow import QUEUE, REGISTER, Flow, approved, running
from tests.integration.messaging.test_failures import DEAD, Handler, dead


async def die(flow: Flow, count: int) -> Handler:
    """Let that many events end in the dead letters; answers the handler that refused them."""
    events = [approved() for _ in range(count)]
    handler = Handler(*[event.aggregate_id for event in events])
    await flow.commit(*events)
    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await dead(flow, count)
    assert handler.runs == count * 5
    return handler


async def test_dead_letters_are_listed_and_shown_and_stay(flow: Flow) -> None:
    await die(flow, 2)

    (depth,) = await list_depths(flow.channel, REGISTER)
    assert (depth.queue, depth.owner, depth.waiting, depth.dead) == (QUEUE, "reviews", 0, 2)
    for _ in range(2):
        letters = await show(flow.channel, REGISTER, QUEUE)
        assert [letter.routing_key for letter in letters] == ["seller.approved"] * 2
        assert [letter.body["event_name"] for letter in letters] == ["seller.approved"] * 2
    assert await flow.depth(DEAD) == 2


async def test_a_replay_empties_the_dead_letters_and_gives_five_fresh_attempts(flow: Flow) -> None:
    handler = await die(flow, 3)

    assert await replay(flow.channel, REGISTER, QUEUE) == 3
    async with running(flow.subscriber({"seller.approved": handler})):
        await dead(flow, 3)
    assert handler.runs == 3 * 5 * 2

    handler.poison.clear()
    assert await replay(flow.channel, REGISTER, QUEUE) == 3
    async with running(flow.subscriber({"seller.approved": handler})):
        await flow.settled(effects=3)
    assert await flow.depth(DEAD) == 0
    assert await flow.count("reviews.effect") == 3
    assert await flow.count("reviews.delivery_attempt") == 0


async def test_draining_hands_out_each_dead_letter_and_leaves_none(flow: Flow) -> None:
    await die(flow, 2)

    drained = [letter async for letter in drain(flow.channel, REGISTER, QUEUE)]

    assert len({letter.event_id for letter in drained}) == 2
    assert await flow.depth(DEAD) == 0


async def test_an_unknown_queue_is_named_with_those_that_exist(flow: Flow) -> None:
    with pytest.raises(KeyError, match=r"known: reviews\.projector"):
        await replay(flow.channel, REGISTER, "no.such")


def test_the_command_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("RABBITMQ_ADMIN_URL", raising=False)
    assert dlq.main(["list"]) == 1
    assert "RABBITMQ_ADMIN_URL is not set" in capsys.readouterr().err


async def test_the_log_rebuilds_a_projection_to_the_same_rows(flow: Flow) -> None:
    await flow.commit(*[approved() for _ in range(30)])
    async with running(flow.relay(), flow.subscriber()):
        await flow.settled(effects=30)
    rows = "SELECT event_id, aggregate_id, aggregate_version FROM reviews.effect ORDER BY event_id"
    before = await flow.admin.fetch(rows)
    span = Span(system_clock() - timedelta(minutes=5), system_clock() + timedelta(minutes=5))
    url = flow.database.admin_url

    # What the inbox knows changes nothing.
    assert await replay_log(url, flow.channel, REGISTER, QUEUE, span) == 30
    async with running(flow.subscriber()):
        await flow.settled(effects=30)
    assert await flow.count("reviews.effect") == 30

    await flow.admin.execute("TRUNCATE reviews.effect")
    assert await replay_log(url, flow.channel, REGISTER, QUEUE, span, again=True) == 30
    async with running(flow.subscriber()):
        await flow.settled(effects=30)
    assert await flow.admin.fetch(rows) == before

    earlier = Span(span.start - timedelta(days=1), span.start)
    assert await replay_log(url, flow.channel, REGISTER, QUEUE, earlier) == 0


async def test_purging_removes_what_is_old_and_never_an_unsent_event(flow: Flow) -> None:
    await flow.commit(approved())
    await flow.admin.execute("UPDATE sellers.outbox SET occurred_at = now() - interval '2 years'")
    for age in ("1 hour", "91 days", "121 days"):
        await flow.admin.execute(
            f"""
            INSERT INTO sellers.event_log (id, position, event_name, event_version, occurred_at, idempotency_key,
                aggregate_id, aggregate_version, payload, headers, sent_at)
            VALUES (gen_random_uuid(), 1, 'seller.approved', '1.0', now(), 'k', gen_random_uuid(), 1, '{{}}', '{{}}',
                    now() - interval '{age}');
            INSERT INTO sellers.inbox VALUES ('c', gen_random_uuid(), 'n', now() - interval '{age}');
            INSERT INTO sellers.delivery_attempt VALUES ('c', gen_random_uuid(), 5, 'e', now() - interval '{age}');
            INSERT INTO sellers.idempotency_record VALUES ('a', 'o', '{age}', 'f', NULL, now() - interval '{age}');
            """
        )

    removed = await purge(flow.producer, system_clock)

    assert removed == {"event_log": 2, "inbox": 1, "delivery_attempt": 1, "idempotency_record": 2}
    assert await flow.count("sellers.outbox") == 1
    assert await flow.count("sellers.event_log") == 1
    assert await flow.count("sellers.inbox") == 2
    await flow.admin.execute("TRUNCATE sellers.inbox, sellers.delivery_attempt, sellers.idempotency_record")
