"""Guards of the edge: who may do what, and how much of it."""

from __future__ import annotations

from tests.guards.guard import Guard

_PAYMENTS = "subgraphs/payments"
_TOKENS = "tests/unit/gateway_runtime/test_tokens.py"
_FORGED = f"{_TOKENS}::test_a_forged_token_is_refused"
_SIGN_IN = "tests/integration/accounts/test_sign_in.py"
_COST = "tests/unit/gateway_runtime/test_cost.py"
_ABUSE = "tests/conformance/test_abuse.py"
_PROTOCOL = "tests/integration/gateway_runtime/test_protocol.py"
_DEFERRED = "tests/conformance/test_deferred.py"
_HOSTILE = "tests/integration/gateway_runtime/test_hostile_subgraph.py"
_LIMITS = "gateway/security/limits.py"
_SALES = "tests/integration/orders/test_sales.py"

EDGE = (
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
)
