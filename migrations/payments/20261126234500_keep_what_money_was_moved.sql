-- migrate:up

-- Nothing of money is ever deleted by the service, and what only records is not rewritten either, whatever the code says.
-- allow narrows-table: the code of the last release does nothing of the kind
REVOKE DELETE ON payable_group, payable_order, payable_item, payment, payment_attempt, refund, ledger_account, payout FROM payments;
-- allow narrows-table: the code of the last release does nothing of the kind
REVOKE UPDATE, DELETE ON provider_event, refund_line, payout_item FROM payments;

-- migrate:down

GRANT DELETE ON payable_group, payable_order, payable_item, payment, payment_attempt, refund, ledger_account, payout TO payments;
GRANT UPDATE, DELETE ON provider_event, refund_line, payout_item TO payments;
