"""Guards of the marketplace's own rules: money, stock, what is done once, what is taken once."""

from __future__ import annotations

from tests.guards.guard import Guard

_PAYMENTS = "subgraphs/payments"
_RULES = "tests/unit/payments/test_payment_rules.py"
_SIGNATURE = "tests/unit/payments/test_signature.py"
_STOCK = "tests/integration/inventory/test_stock.py"
_WRITES = "tests/integration/shared/test_writes.py"
_SALES = "tests/integration/orders/test_sales.py"

MARKETPLACE = (
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
    Guard(
        "money",
        "subgraphs/orders/repository/sales.py",
        "      AND o.paid_at IS NOT NULL AND o.status <> 'CANCELLED'",
        "      AND o.status <> 'CANCELLED'",
        f"{_SALES}::test_a_report_adds_up_what_was_paid_and_not_cancelled_to_the_cent",
    ),
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
)
