"""What is noted of a run, and that nothing is where nobody wants to see it."""

from __future__ import annotations

from collections.abc import Callable

from gateway.executor.compiled import compile_plan
from gateway.executor.entity_loader import EntityBatch
from gateway.executor.execution import Execution
from gateway.executor.trace import FetchRun, RunTrace
from gateway.pipeline.explain import plan_extension
from gateway.planner.plan import EntityTarget, QueryPlan
from tests.unit.gateway_runtime.test_executor import Transport, entities, executor, root, user

PLAN = QueryPlan(
    "query",
    (
        root(0, "a", "{me{__typename id} none{__typename id}}"),
        entities(1, "b", {0}, "name", "me"),
        entities(2, "c", {0}, "name", "none"),
        root(3, "d", "{x}"),
    ),
)
ANSWERS = {
    "a": {"data": {"me": user("1"), "none": None}},
    "b": {"data": {"_entities": [{"name": "Ada"}]}},
    "c": {},
    "d": b"no JSON",
}


def clock(*times: float) -> Callable[[], float]:
    return iter(times).__next__


async def test_each_request_of_a_run_is_noted_and_what_was_not_needed_is_not() -> None:
    trace = RunTrace()
    await executor(Transport(ANSWERS)).execute(Execution(b"", None, trace), compile_plan(PLAN), {}, lambda _: b"")

    noted = {fetch: [(run.outcome, run.entities, run.cached) for run in runs] for fetch, runs in trace.runs.items()}
    assert noted == {0: [("ok", 0, 0)], 1: [("ok", 1, 0)], 3: [("failed", 0, 0)]}
    (first,), (second,) = trace.runs[0], trace.runs[1]
    assert 0 <= first.start <= first.start + first.duration <= second.start <= trace.elapsed


async def test_a_run_that_nobody_watches_notes_nothing() -> None:
    execution = Execution()
    await executor(Transport(ANSWERS)).execute(execution, compile_plan(PLAN), {}, lambda _: b"")
    assert execution.trace is None


def test_times_count_from_the_start_of_the_run() -> None:
    trace = RunTrace(clock(100.0, 100.75))
    batch = EntityBatch(EntityTarget(paths=((),), representations=()), [b"{}", b"{}"], [[], []], [()])
    trace.asked(4, 100.25, "ok", (batch,), None)
    assert trace.runs == {4: [FetchRun(start=0.25, duration=0.5, outcome="ok", entities=2, cached=0)]}


def test_a_plan_tells_times_in_milliseconds_and_which_fetches_were_not_needed() -> None:
    trace = RunTrace(clock(0.0, 0.0034567, 0.004))
    trace.asked(0, 0.001, "ok", (), None)
    told = plan_extension(PLAN, trace)
    assert told["elapsed"] == 4.0
    assert [fetch["runs"] for fetch in told["fetches"]] == [
        [{"start": 1.0, "duration": 2.46, "outcome": "ok", "entities": 0, "cached": 0}],
        [],
        [],
        [],
    ]
