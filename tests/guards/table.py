"""One guard a row: the line that prevents something, what the line would be without it, and the test that must see it."""

from __future__ import annotations

from tests.guards.chart import CHART
from tests.guards.guard import Guard
from tests.guards.rights import RIGHTS

_PAYMENTS = "subgraphs/payments"
_RULES = "tests/unit/payments/test_payment_rules.py"
_SIGNATURE = "tests/unit/payments/test_signature.py"
_STOCK = "tests/integration/inventory/test_stock.py"
_TOKENS = "tests/unit/gateway_runtime/test_tokens.py"
_FORGED = f"{_TOKENS}::test_a_forged_token_is_refused"
_WRITES = "tests/integration/shared/test_writes.py"
_SIGN_IN = "tests/integration/accounts/test_sign_in.py"
_COST = "tests/unit/gateway_runtime/test_cost.py"
_ABUSE = "tests/conformance/test_abuse.py"
_PROTOCOL = "tests/integration/gateway_runtime/test_protocol.py"
_DEFERRED = "tests/conformance/test_deferred.py"
_HOSTILE = "tests/integration/gateway_runtime/test_hostile_subgraph.py"
_LIMITS = "gateway/security/limits.py"
_STOPPING = "tests/integration/runtime/test_stopping.py"
_WORKER_STOPS = f"{_STOPPING}::test_a_worker_that_is_told_to_stop_finishes_what_it_has_in_hand_and_takes_no_more"
_SALES = "tests/integration/orders/test_sales.py"
_REPLICA = "tests/integration/shared/test_replica.py"
_LOGS = "tests/unit/shared/test_logs.py"

GUARDS = (
    *RIGHTS,
    *CHART,
    # money
    Guard(
        "money",
        f"{_PAYMENTS}/domain/ledger.py",
        "        if sum(self.movements.values()):",
        "        if False:",
        f"{_RULES}::test_a_booking_that_does_not_balance_cannot_be_made",
    ),
    Guard(
        "money",
        f"{_PAYMENTS}/domain/payment.py",
        "        if self.status is PaymentStatus.CAPTURED:",
        "        if False:",
        f"{_RULES}::test_a_captured_payment_neither_fails_nor_is_voided",
    ),
    Guard(
        "money",
        f"{_PAYMENTS}/domain/payment.py",
        "                raise PaymentInProgress",
        "                pass",
        f"{_RULES}::test_only_a_failed_payment_begins_another_attempt",
    ),
    Guard(
        "money",
        f"{_PAYMENTS}/domain/refund.py",
        "    if not 0 < wanted <= remaining:",
        "    if False:",
        "tests/unit/payments/test_refund_rules.py::test_more_than_is_left_is_refused_and_nothing_is_taken",
    ),
    Guard(
        "money",
        "shared/money.py",
        "    for i in by_remainder[:rest]:",
        "    for i in by_remainder[:0]:",
        "tests/unit/shared/test_money.py::test_allocated_shares_sum_to_the_amount_and_differ_by_less_than_a_cent_from_exact",
    ),
    Guard(
        "money",
        "shared/money.py",
        "        if self.currency != other.currency:",
        "        if False:",
        "tests/unit/shared/test_money.py::test_currencies_do_not_mix",
    ),
    Guard(
        "money",
        f"{_PAYMENTS}/adapters/signature.py",
        "    if not any(matches):",
        "    if False:",
        f"{_SIGNATURE}::test_another_body_and_another_secret_are_refused",
    ),
    Guard(
        "money",
        f"{_PAYMENTS}/adapters/signature.py",
        "int(timestamps[0])) > TOLERANCE_SECONDS:",
        "int(timestamps[0])) > 10**12:",
        f"{_SIGNATURE}::test_an_old_signature_and_one_from_the_future_are_refused",
    ),
    # stock
    Guard(
        "stock",
        "subgraphs/inventory/domain.py",
        "            part = min(free, quantity)",
        "            part = quantity",
        "tests/unit/inventory/test_stock_rules.py",
    ),
    Guard(
        "stock",
        "subgraphs/inventory/service/reservations.py",
        "        if shortages:",
        "        if False:",
        f"{_STOCK}::test_a_checkout_that_is_short_of_one_line_holds_none",
    ),
    Guard(
        "stock",
        "subgraphs/inventory/service/reservations.py",
        "        if not fresh and not paid_early:",
        "        if False:",
        f"{_STOCK}::test_random_stories_side_by_side_keep_every_figure",
    ),
    Guard(
        "stock",
        "subgraphs/inventory/repository.py",
        "    found = await session.scalars(statement.with_for_update().execution_options(populate_existing=True))",
        "    found = await session.scalars(statement.execution_options(populate_existing=True))",
        f"{_STOCK}::test_forty_checkouts_that_lock_in_opposite_orders_sell_exactly_what_there_is",
    ),
    Guard(
        "stock",
        "subgraphs/orders/domain/order.py",
        "        if to not in LEGAL[before]:",
        "        if False:",
        "tests/unit/orders/test_order.py::test_an_order_takes_legal_steps_only",
    ),
    Guard(
        "money",
        "subgraphs/orders/repository/sales.py",
        "      AND o.paid_at IS NOT NULL AND o.status <> 'CANCELLED'",
        "      AND o.status <> 'CANCELLED'",
        f"{_SALES}::test_a_report_adds_up_what_was_paid_and_not_cancelled_to_the_cent",
    ),
    # authorisation
    Guard(
        "authorisation",
        "subgraphs/orders/graphql/types/orders.py",
        "        if not actor.is_staff and actor.require_seller() != seller_id:",
        "        if False:",
        f"{_SALES}::test_a_report_is_its_sellers_and_staffs",
    ),
    Guard(
        "authorisation",
        "shared/auth/internal_token.py",
        '"strict_aud": True}',
        '"verify_aud": False}',
        "tests/unit/shared/test_internal_token.py::test_anything_else_is_refused",
    ),
    Guard(
        "authorisation",
        f"{_PAYMENTS}/service/refunds.py",
        "        if not actor.is_staff and order.seller_id != actor.require_seller():",
        "        if False:",
        "tests/integration/payments/test_refunds.py::test_a_seller_who_bought_cannot_refund_their_own_purchase",
    ),
    Guard(
        "authorisation",
        "gateway/security/authentication.py",
        '.removeprefix("application/") != self._config.typ:',
        '.removeprefix("application/") == "never":',
        _FORGED,
    ),
    Guard(
        "authorisation",
        "gateway/security/authentication.py",
        "                audience=self._config.audience,",
        '                audience=[self._config.audience, "shop-admin", "subgraph:orders"],',
        _FORGED,
    ),
    Guard(
        "authorisation",
        "gateway/security/authentication.py",
        "        if key is None and asked_at > self._read_at:",
        "        if False:",
        f"{_TOKENS}::test_a_key_that_came_right_after_a_read_is_no_reason_to_refuse_its_tokens",
    ),
    Guard(
        "authorisation",
        "gateway/security/authorization.py",
        "            name for name in selection.types if not self._grant(self._rules.of_field(name, selection.name))",
        "            name for name in selection.types if False",
        "tests/conformance/test_authorization.py::test_no_spelling_gets_around_a_rule",
    ),
    Guard(
        "authorisation",
        "gateway/security/introspection.py",
        "    if not any(isinstance(name, str) and name in config.roles for name in names):",
        "    if False:",
        "tests/integration/gateway_runtime/test_introspection.py",
    ),
    Guard(
        "authorisation",
        "gateway/cli.py",
        "        proxy_headers=False,",
        "        proxy_headers=True,",
        "tests/integration/gateway_runtime/test_listening.py::test_nobody_on_this_machine_can_claim_another_address",
    ),
    Guard(
        "authorisation",
        "gateway/pipeline/deferred.py",
        "            plan = self._planner.plan(authorized.planned, override_labels=key.labels, budget=budget)",
        "            plan = self._planner.plan(operation, override_labels=key.labels, budget=budget)",
        "tests/conformance/test_deferred_rules.py::test_a_deferred_root_field_that_is_refused_reaches_no_subgraph",
    ),
    # limits
    Guard(
        "limits",
        _LIMITS,
        '        _refuse("TOKEN_LIMIT_EXCEEDED", "tokens", tokens, limits.tokens)',
        "        pass",
        _ABUSE,
    ),
    Guard("limits", _LIMITS, '    _refuse("DEPTH_LIMIT_EXCEEDED", "levels", depth, limits.depth)', "    pass", _ABUSE),
    Guard(
        "limits",
        _LIMITS,
        '    _refuse("OVERLAP_LIMIT_EXCEEDED", "repeated fields", overlaps, limits.overlaps)',
        "    pass",
        _ABUSE,
    ),
    Guard(
        "limits",
        "gateway/security/cost.py",
        "        if estimated > self.config.max:",
        "        if False:",
        f"{_COST}::test_what_costs_too_much_is_refused_with_both_numbers_and_the_limit_itself_is_not",
    ),
    Guard(
        "limits",
        "gateway/security/cost.py",
        "            if longest > self.config.list_size:",
        "            if False:",
        f"{_COST}::test_a_list_that_is_too_long_is_refused_however_cheap_it_is",
    ),
    Guard("limits", "gateway/pipeline/prepare.py", "            cost.check()", "            pass", _ABUSE),
    Guard(
        "limits",
        "gateway/security/cost_estimate.py",
        "        if known is None:",
        "        if True:",
        f"{_COST}::test_a_fragment_is_worked_out_once_for_each_type_that_it_is_applied_on",
    ),
    Guard(
        "limits",
        "gateway/security/amounts.py",
        "        if known is None:",
        "        if True:",
        f"{_COST}::test_what_fragments_share_is_read_once_a_request_also_where_variables_decide_it",
    ),
    Guard(
        "limits",
        "gateway/security/limits.py",
        "    if max((expansion.nesting(operation) for operation in operations), default=0) > _MAX_NESTING:",
        "    if False:",
        _ABUSE,
    ),
    Guard(
        "authorisation",
        "subgraphs/accounts/service/throttle.py",
        "            if of_account >= MAX_FAILURES or of_client >= self._per_client:",
        "            if of_account >= MAX_FAILURES:",
        f"{_SIGN_IN}::test_the_sixth_failure_from_one_address_is_refused_whichever_accounts_it_tried",
    ),
    Guard(
        "authorisation",
        "subgraphs/accounts/service/throttle.py",
        "            for key in (guess.account, guess.client):",
        "            for key in (guess.account,):",
        f"{_SIGN_IN}::test_twenty_guesses_at_once_from_one_address_are_throttled_after_five",
    ),
    Guard(
        "authorisation",
        "subgraphs/accounts/adapters/passwords.py",
        "        matches = await loop.run_in_executor(self._threads, self._matches, password_hash or self._nobody, given)",
        "        matches = password_hash is not None and self._matches(password_hash, given)",
        f"{_SIGN_IN}::test_a_known_and_an_unknown_account_take_the_same_work_and_end_in_the_same_answer",
    ),
    Guard(
        "authorisation",
        "gateway/security/internal_token.py",
        '        copied = token.claims.keys() - {"exp"} if token.own else self._config.copied_claims',
        '        copied = token.claims.keys() - {"exp"}',
        f"{_TOKENS}::test_an_access_token_cannot_say_which_client_asks",
    ),
    Guard(
        "authorisation",
        "subgraphs/inventory/graphql/types.py",
        "        info.context.actor.require_scope(STOCK_READ)",
        "        pass",
        "tests/integration/authorization/test_matrix.py",
    ),
    Guard(
        "authorisation",
        "gateway/security/api_clients.py",
        "                found = (await self._known.get_since(self._first_asked(digest, moment))).by_hash.get(digest)",
        "                found = (await self._known.get()).by_hash.get(digest)",
        "tests/integration/gateway_runtime/test_partners.py",
    ),
    Guard(
        "limits",
        "gateway/security/refreshed.py",
        "        if self._spare < 1:",
        "        if False:",
        "tests/unit/gateway_runtime/test_refreshed.py",
    ),
    Guard(
        "limits",
        "gateway/security/argument_costs.py",
        "    return min(SATURATED, max(0, value)) if isinstance(value, int) and not isinstance(value, bool) else NOT_GIVEN",
        "    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else NOT_GIVEN",
        _ABUSE,
    ),
    Guard(
        "authorisation",
        "gateway/supergraph/links.py",
        "        self.directives |= linked",
        "        pass",
        "tests/unit/gateway/supergraph/test_links.py",
    ),
    Guard(
        "authorisation",
        "gateway/pipeline/pipeline.py",
        '            return refused(RequestRefused("INTERNAL_SERVER_ERROR", "Something went wrong.", status=500))',
        "            raise",
        "tests/integration/gateway_runtime/test_bugs.py",
    ),
    Guard(
        "limits",
        "gateway/http/compression.py",
        "        content = inflater.decompress(body, limit + 1)",
        "        content = inflater.decompress(body)",
        "tests/unit/gateway_runtime/test_bodies.py::test_a_bomb_is_never_unpacked",
    ),
    Guard(
        "limits",
        "gateway/pipeline/pipeline.py",
        "            request.budget.charge(prepared.size, cost)",
        "            pass",
        f"{_PROTOCOL}::test_the_limits_hold_for_a_whole_batch",
    ),
    Guard(
        "limits",
        "gateway/security/rate_limit.py",
        "        if level < 1:",
        "        if False:",
        "tests/unit/gateway_runtime/test_rate_limit.py",
    ),
    Guard(
        "limits",
        "gateway/executor/subgraph_client.py",
        "        if self._received > self._max_bytes:",
        "        if False:",
        f"{_HOSTILE}::test_an_answer_of_50_megabytes_is_cut_off_and_costs_no_memory",
    ),
    Guard(
        "limits",
        "gateway/executor/subgraph_errors.py",
        "        for error in islice(errors, MOST_ERRORS):",
        "        for error in errors:",
        f"{_HOSTILE}::test_any_answer_is_a_bounded_error",
    ),
    Guard(
        "limits",
        "gateway/executor/subgraph_errors.py",
        "        coded = isinstance(code, str) and code not in _MASKED_CODES and isinstance(message, str)",
        "        coded = True",
        f"{_HOSTILE}::test_any_answer_is_a_bounded_error",
    ),
    Guard(
        "limits",
        "gateway/executor/incremental.py",
        "        return data, [*known, *found], delivery if len(delivery.pending) <= self._most else None",
        "        return data, [*known, *found], delivery",
        f"{_DEFERRED}::test_where_too_much_would_be_pending_nothing_is_deferred",
    ),
    Guard(
        "limits",
        "gateway/executor/incremental.py",
        "        too_many = len(self.outstanding()) + sum(map(len, places.values())) > self._most",
        "        too_many = False",
        f"{_DEFERRED}::test_fragments_that_would_be_too_many_come_with_the_part_that_they_stand_in",
    ),
    Guard(
        "limits",
        "gateway/executor/incremental.py",
        "            self._task.cancel()",
        "            return",
        f"{_DEFERRED}::test_a_client_that_goes_away_ends_the_fetches_of_its_parts",
    ),
    # idempotency
    Guard(
        "idempotency",
        "shared/db/idempotency.py",
        "    if stored != request.fingerprint:",
        "    if False:",
        f"{_WRITES}::test_other_input_with_a_used_key_is_an_error_and_no_effect",
    ),
    Guard(
        "idempotency",
        "shared/db/idempotency.py",
        "    if claimed.first() is not None:",
        "    if True:",
        f"{_WRITES}::test_the_same_key_fifty_times_at_once_is_one_effect",
    ),
    # inbox
    Guard(
        "inbox",
        "shared/messaging/inbox.py",
        "            if outcome is not Outcome.TAKEN:",
        "            if False:",
        "tests/integration/messaging/test_delivery.py"
        "::test_the_same_message_delivered_five_times_to_two_consumers_takes_effect_once",
    ),
    Guard(
        "inbox",
        "shared/messaging/inbox.py",
        "MAX_ATTEMPTS = 5",
        "MAX_ATTEMPTS = 6",
        "tests/integration/messaging/test_failures.py"
        "::test_poison_is_tried_exactly_five_times_then_lies_in_the_dead_letters",
    ),
    # deploys
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
    # replica
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
    # pooling
    Guard(
        "pooling",
        "shared/db/engine.py",
        '        chosen["statement_cache_size"] = 0',
        "        pass",
        "tests/integration/devstack/test_transaction_pooling.py::test_no_prepared_statement_stays_on_a_server_connection",
    ),
    # image
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
    # privacy
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
