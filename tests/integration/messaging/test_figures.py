"""What Prometheus is told of events on their way: how long they wait, how late they are, how many attempts they take."""

from __future__ import annotations

from prometheus_client import REGISTRY

from shared.messaging.contract import REPLAY_HEADER
from shared.messaging.outbox_figures import measure_outbox
from shared.messaging.relay import Relay
from shared.register import EXCHANGE
from tests.integration.messaging.flow import QUEUE, Flow, approved, eventually, running
from tests.integration.messaging.test_failures import DEAD, Handler


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def outbox() -> tuple[float, float]:
    return value("outbox_unsent_events", domain="sellers"), value("outbox_lag_seconds", domain="sellers")


async def test_the_outbox_tells_what_waits_and_for_how_long_while_nothing_is_relayed(flow: Flow) -> None:
    # given events that nobody relays, one of them for an hour
    await measure_outbox(flow.producer, "sellers")
    assert outbox() == (0, 0)
    await flow.commit(approved(), approved())
    await flow.admin.execute(
        "UPDATE sellers.outbox SET occurred_at = occurred_at - interval '1 hour'"
        " WHERE position = (SELECT min(position) FROM sellers.outbox)"
    )
    # when the outbox is measured
    await measure_outbox(flow.producer, "sellers")
    # then both count and the oldest tells the lag
    waiting, lag = outbox()
    assert waiting == 2
    assert 3600 <= lag < 3660
    # and one that a clock ahead of Postgres's has written is not younger than new
    await flow.admin.execute("UPDATE sellers.outbox SET occurred_at = now() + interval '1 hour'")
    await measure_outbox(flow.producer, "sellers")
    assert outbox() == (2, 0)


async def test_what_the_broker_confirmed_is_counted_by_event(flow: Flow) -> None:
    # Of a counter that began with its first event, Prometheus would see no increase.
    Relay(flow.producer, flow.broker.url("sellers"), "sellers", events=("seller.rejected",))
    for name in ("events_confirmed_total", "events_unroutable_total"):
        assert REGISTRY.get_sample_value(name, {"domain": "sellers", "event": "seller.rejected"}) == 0
    before = value("events_confirmed_total", domain="sellers", event="seller.approved")
    await flow.commit(approved(), approved(), approved())

    await flow.relay_all()

    assert value("events_confirmed_total", domain="sellers", event="seller.approved") == before + 3


async def test_deliveries_tell_how_late_they_took_effect_and_after_how_many_attempts(flow: Flow) -> None:
    # given one event that is taken at once, one that is never, and the figures before
    good, poison = approved(), approved()
    handler = Handler(poison.aggregate_id)
    bounds = ("1.0", "4.0", "5.0")
    before = [value("event_attempts_bucket", consumer=QUEUE, le=bound) for bound in bounds]
    lags = value("event_lag_seconds_count", consumer=QUEUE)
    await flow.commit(good, poison)
    # when both are delivered
    async with running(flow.relay(), flow.subscriber({"seller.approved": handler})):
        await flow.settled(effects=1)

        async def is_dead() -> bool:
            return await flow.depth(DEAD) == 1

        await eventually(is_dead)
    # then one took one attempt, the other five, and only what took effect was late
    after = [value("event_attempts_bucket", consumer=QUEUE, le=bound) for bound in bounds]
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 2]
    assert value("event_lag_seconds_count", consumer=QUEUE) == lags + 1
    # and a replay, which comes late by its nature, tells nothing of the lag
    handler.poison.clear()
    letter = await (await flow.channel.get_queue(DEAD)).get()
    again = {name: told for name, told in letter.headers.items() if "death" not in name} | {REPLAY_HEADER: "again"}
    letter.headers.clear()
    letter.headers.update(again)
    exchange = await flow.channel.get_exchange(EXCHANGE, ensure=False)
    await exchange.publish(letter, "seller.approved")
    await letter.ack()
    async with running(flow.subscriber({"seller.approved": handler})):
        await flow.settled(effects=2)
    assert value("event_lag_seconds_count", consumer=QUEUE) == lags + 1
