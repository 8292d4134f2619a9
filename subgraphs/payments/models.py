"""The tables of payments and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Integer, MetaData, Table, Text
from sqlalchemy.orm import registry

from shared.db.types import MOMENT, UUID_TYPE, text_enum, trace_context
from subgraphs.payments.domain.ledger import AccountKind, EntryKind, JournalEntry
from subgraphs.payments.domain.payable import GroupState, PayableGroup, PayableItem, PayableOrder
from subgraphs.payments.domain.payment import AttemptStatus, Payment, PaymentAttempt, PaymentStatus
from subgraphs.payments.domain.payout import Payout, PayoutItem, PayoutStatus
from subgraphs.payments.domain.refund import Refund, RefundLine, RefundReason, RefundStatus

metadata = MetaData()

payable_group = Table(
    "payable_group",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("buyer_id", UUID_TYPE),
    Column("currency", Text),
    Column("total", BigInteger),
    Column("expires_at", MOMENT),
    Column("announced", Boolean),
    Column("state", text_enum(GroupState)),
    Column("version", BigInteger),
    trace_context(),
)

payable_order = Table(
    "payable_order",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("group_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("total", BigInteger),
    Column("delivered_at", MOMENT),
    Column("cancelled_at", MOMENT),
    Column("released_at", MOMENT),
)

payable_item = Table(
    "payable_item",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("order_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("position", Integer),
    Column("amount", BigInteger),
    Column("commission_bps", Integer),
    Column("commission", BigInteger),
    Column("refunded", BigInteger),
    Column("commission_refunded", BigInteger),
)

payable_seller = Table(
    "payable_seller",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("version", BigInteger),
    Column("approved_at", MOMENT),
)

payment = Table(
    "payment",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("group_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("status", text_enum(PaymentStatus)),
    Column("attempt", Integer),
    Column("failure_reason", Text),
    Column("captured_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

payment_attempt = Table(
    "payment_attempt",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("payment_id", UUID_TYPE),
    Column("number", Integer),
    Column("provider_key", Text),
    Column("method", Text),
    Column("status", text_enum(AttemptStatus)),
    Column("provider_reference", Text),
    Column("reason", Text),
    Column("tries", Integer),
    Column("due_at", MOMENT),
    Column("created_at", MOMENT),
)

provider_event = Table(
    "provider_event",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider_key", Text),
    Column("state", Text),
    Column("reference", Text),
    Column("reason", Text),
    Column("received_at", MOMENT),
)

refund = Table(
    "refund",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("payment_id", UUID_TYPE),
    Column("group_id", UUID_TYPE),
    Column("order_id", UUID_TYPE),
    Column("buyer_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("actor_id", UUID_TYPE),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("reason", text_enum(RefundReason)),
    Column("cause", Text),
    Column("status", text_enum(RefundStatus)),
    Column("provider_reference", Text),
    Column("failure_reason", Text),
    Column("tries", Integer),
    Column("due_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

refund_line = Table(
    "refund_line",
    metadata,
    Column("refund_id", UUID_TYPE, primary_key=True),
    Column("item_id", UUID_TYPE, primary_key=True),
    Column("order_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("amount", BigInteger),
    Column("commission", BigInteger),
)

ledger_account = Table(
    "ledger_account",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("kind", text_enum(AccountKind)),
    Column("seller_id", UUID_TYPE),
    Column("currency", Text),
)

journal_entry = Table(
    "journal_entry",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("kind", text_enum(EntryKind)),
    Column("reference", UUID_TYPE),
    Column("currency", Text),
    Column("occurred_at", MOMENT),
)

posting = Table(
    "posting",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("entry_id", UUID_TYPE),
    Column("account_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("amount", BigInteger),
)

payout = Table(
    "payout",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("run_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("period", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("status", text_enum(PayoutStatus)),
    Column("provider_reference", Text),
    Column("failure_reason", Text),
    Column("tries", Integer),
    Column("due_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

payout_item = Table(
    "payout_item",
    metadata,
    Column("posting_id", UUID_TYPE, primary_key=True),
    Column("payout_id", UUID_TYPE),
    Column("seller_id", UUID_TYPE),
    Column("kind", text_enum(EntryKind)),
    Column("reference", UUID_TYPE),
    Column("amount", BigInteger),
    Column("occurred_at", MOMENT),
)

_mapper = registry(metadata=metadata)
_mapper.map_imperatively(PayableGroup, payable_group)
_mapper.map_imperatively(PayableOrder, payable_order)
_mapper.map_imperatively(PayableItem, payable_item)
_mapper.map_imperatively(Payment, payment)
_mapper.map_imperatively(PaymentAttempt, payment_attempt)
_mapper.map_imperatively(Refund, refund)
_mapper.map_imperatively(RefundLine, refund_line)
_mapper.map_imperatively(JournalEntry, journal_entry)
_mapper.map_imperatively(Payout, payout)
_mapper.map_imperatively(PayoutItem, payout_item)
