"""Guards of how it is run: stops, replicas, pools, the image, and what is never told."""

from __future__ import annotations

from tests.guards.guard import Guard

_STOPPING = "tests/integration/runtime/test_stopping.py"
_WORKER_STOPS = f"{_STOPPING}::test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand_and_takes_no_more"
_REPLICA = "tests/integration/shared/test_replica.py"
_LOGS = "tests/unit/shared/test_logs.py"

OPERATIONS = (
    Guard(
        "deploys",
        "shared/messaging/subscriber.py",
        "            await self._stop_taking()",
        "            pass",
        _WORKER_STOPS,
    ),
    Guard("deploys", "shared/runtime/worker.py", "        relay.stop()", "        relaying.cancel()", _WORKER_STOPS),
    Guard(
        "deploys",
        "shared/runtime/server.py",
        "        server.say_goodbye()",
        "        pass",
        f"{_STOPPING}::test_processes_are_replaced_under_load_and_nobody_notices",
    ),
    Guard(
        "deploys",
        "shared/http/operations.py",
        "        if stopped is not None and stopped.is_set():",
        "        if False:",
        f"{_STOPPING}::test_an_api_that_is_told_to_stop_answers_what_it_was_asked",
    ),
    Guard(
        "deploys",
        "shared/messaging/subscriber.py",
        "        if not (self.ready and await self._broker.ping(_PING_SECONDS)):",
        "        if not self.ready:",
        f"{_STOPPING}::test_a_process_without_what_it_stands_on_is_alive_and_not_ready",
    ),
    Guard(
        "replica",
        "shared/db/replica.py",
        "        if not row.follows or lag > self._staleness:",
        "        if not row.follows:",
        f"{_REPLICA}::test_a_replica_that_falls_behind_gives_way_and_comes_back",
    ),
    Guard(
        "replica",
        "shared/db/replica.py",
        "        if mark is not None and row.reached:",
        "        if False:",
        f"{_REPLICA}::test_a_primary_where_nothing_happens_is_no_lag",
    ),
    Guard(
        "replica",
        "shared/db/replica.py",
        "            self._rests_until = time.monotonic() + _REST_SECONDS",
        "            pass",
        f"{_REPLICA}::test_a_replica_that_says_nothing_holds_up_one_report_a_while",
    ),
    Guard(
        "replica",
        "shared/graphql/context.py",
        "        if self.database.has_replica and not await self.writes.wrote_lately(self.actor):",
        "        if self.database.has_replica:",
        f"{_REPLICA}::test_staff_read_their_own_write_on_the_primary_and_their_colleagues_on_the_replica",
    ),
    Guard(
        "pooling",
        "shared/db/engine.py",
        '        chosen["statement_cache_size"] = 0',
        "        pass",
        "tests/integration/devstack/test_transaction_pooling.py::test_no_prepared_statement_stays_on_a_server_connection",
    ),
    Guard(
        "image",
        "shared/devstack/sbom.py",
        "    if listed == locked:",
        "    if True:",
        "tests/contract/test_bill_of_materials.py::test_a_bill_that_differs_from_the_lock_is_refused_by_name",
    ),
    Guard(
        "image",
        "shared/devstack/image.py",
        "    if not _DIGEST.fullmatch(digest):",
        "    if False:",
        "tests/unit/devstack/test_image_build.py::test_what_is_no_digest_builds_nothing",
    ),
    Guard(
        "privacy",
        "shared/telemetry/logs.py",
        '            line["exception"] = told(record.exc_info[1])',
        '            line["exception"] = {**told(record.exc_info[1]), "text": str(record.exc_info[1])}',
        f"{_LOGS}::test_an_exception_is_told_by_type_code_and_place_and_never_by_its_text",
    ),
    Guard(
        "privacy",
        "shared/telemetry/redaction.py",
        "    if depth > _MOST_DEPTH or _SECRET_NAME.search(name):",
        "    if depth > _MOST_DEPTH:",
        f"{_LOGS}::test_what_is_named_as_a_secret_is_taken_out_whatever_it_looks_like",
    ),
    Guard(
        "privacy",
        "shared/telemetry/redaction.py",
        "    return _SECRET_TEXT.sub(_mark, text)[:_MOST_TEXT]",
        "    return text[:_MOST_TEXT]",
        f"{_LOGS}::test_what_looks_like_a_secret_or_a_person_is_taken_out_of_any_text",
    ),
    Guard(
        "privacy",
        "shared/telemetry/redaction.py",
        '    return _QUOTED.sub(REDACTED, scrubbed(text.partition("\\n")[0]))',
        "    return scrubbed(text)",
        f"{_LOGS}::test_a_librarys_message_is_its_first_line_without_what_it_quotes",
    ),
    Guard(
        "privacy",
        "shared/telemetry/spans.py",
        "record_exception=False",
        "record_exception=True",
        "tests/unit/shared/test_recorded_spans.py::test_an_exception_leaves_its_type_on_a_span_and_not_its_text",
    ),
    Guard(
        "privacy",
        "gateway/http/correlation.py",
        "    if not trusts_trace or _TRACEPARENT",
        "    if _TRACEPARENT",
        "tests/unit/gateway_runtime/test_spans.py::"
        "test_a_clients_trace_context_is_gone_on_with_only_where_clients_are_trusted",
    ),
    Guard(
        "privacy",
        "shared/http/internal_auth.py",
        '        if scope["path"] in self._exempt:',
        "        if False:",
        "tests/unit/shared/test_internal_auth.py::"
        "test_where_anybody_may_call_nobody_names_the_story_or_has_it_recorded",
    ),
)
