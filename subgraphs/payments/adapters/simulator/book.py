"""What the simulated provider remembers: charges, refunds and payouts by the key of whoever asked for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shared.ids import new_id

PROCESSING, CAPTURED, DECLINED, VOIDED = "PROCESSING", "CAPTURED", "DECLINED", "VOIDED"
SUCCEEDED, FAILED = "SUCCEEDED", "FAILED"


@dataclass
class Charge:
    key: str
    amount: int
    currency: str
    method: str
    state: str
    reason: str | None = None
    reference: str = field(default_factory=lambda: f"ch_{new_id().hex}")


@dataclass
class Transfer:
    """A refund or a payout. `of` is the refunded charge's key, or the payout's destination."""

    key: str
    of: str
    amount: int
    currency: str
    state: str
    reason: str | None = None
    reference: str = field(default_factory=lambda: f"tr_{new_id().hex}")


class Book:
    """Each key happens once. With a file every change is appended to it, and read again at the next start."""

    def __init__(self, file: Path | None = None) -> None:
        self.charges: dict[str, Charge] = {}
        self.refunds: dict[str, Transfer] = {}
        self.payouts: dict[str, Transfer] = {}
        self._file = file
        if file and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                self._replay(json.loads(line))

    def charge(self, key: str, amount: int, currency: str, method: str) -> tuple[Charge, bool]:
        """The charge of that key and whether it is new."""
        known = self.charges.get(key)
        if known is not None:
            return known, False
        charge = Charge(key, amount, currency, method, CAPTURED)
        match method:
            case "pm_declined":
                charge.state, charge.reason = DECLINED, "card_declined"
            case "pm_delayed" | "pm_stuck":
                charge.state = PROCESSING
        self._keep("charges", charge)
        return charge, True

    def complete(self, key: str) -> Charge | None:
        """End the processing of a delayed charge; None where there is nothing to end."""
        charge = self.charges[key]
        if charge.state != PROCESSING:
            return None
        charge.state = CAPTURED
        self._keep("charges", charge)
        return charge

    def void(self, key: str) -> Charge:
        """A charge that was never asked for is voided too: should the request still arrive, it takes no money."""
        charge = self.charges.get(key) or Charge(key, 0, "", "", PROCESSING)
        if charge.state == PROCESSING:
            charge.state = VOIDED
            self._keep("charges", charge)
        return charge

    def refund(self, key: str, charge_key: str, amount: int, currency: str, *, refuse: bool) -> Transfer:
        if key in self.refunds:
            return self.refunds[key]
        transfer = Transfer(key, charge_key, amount, currency, SUCCEEDED)
        reason = "refund_refused" if refuse else self._why_not(charge_key, amount, currency)
        if reason:
            transfer.state, transfer.reason = FAILED, reason
        self._keep("refunds", transfer)
        return transfer

    def pay_out(self, key: str, destination: str, amount: int, currency: str, *, refuse: bool) -> Transfer:
        if key in self.payouts:
            return self.payouts[key]
        transfer = Transfer(key, destination, amount, currency, SUCCEEDED)
        if refuse:
            transfer.state, transfer.reason = FAILED, "account_closed"
        self._keep("payouts", transfer)
        return transfer

    def _why_not(self, charge_key: str, amount: int, currency: str) -> str | None:
        charge = self.charges.get(charge_key)
        if charge is None or charge.state != CAPTURED or charge.currency != currency:
            return "charge_not_captured"
        returned = sum(r.amount for r in self.refunds.values() if r.of == charge_key and r.state == SUCCEEDED)
        return "amount_too_large" if returned + amount > charge.amount else None

    def _keep(self, kind: str, what: Charge | Transfer) -> None:
        getattr(self, kind)[what.key] = what
        if self._file:
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"kind": kind, "value": asdict(what)}) + "\n")

    def _replay(self, record: Mapping[str, Any]) -> None:
        made = Charge if record["kind"] == "charges" else Transfer
        what = made(**record["value"])
        getattr(self, record["kind"])[what.key] = what
