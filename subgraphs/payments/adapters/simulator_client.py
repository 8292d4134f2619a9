"""The provider of development and tests: the simulator, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import orjson

from shared.money import Money
from subgraphs.payments.adapters.http import ProviderHttp
from subgraphs.payments.adapters.provider import (
    Charge,
    ChargeState,
    Notice,
    ProviderUnavailable,
    Transfer,
    TransferState,
)
from subgraphs.payments.adapters.signature import verify


class SimulatorProvider:
    def __init__(self, base_url: str, webhook_secret: bytes) -> None:
        self._http = ProviderHttp(base_url, through_proxy=False)
        self._secret = webhook_secret

    async def authorize_and_capture(self, key: str, amount: Money, method: str) -> Charge:
        body = {"key": key, "amount": amount.amount, "currency": amount.currency, "method": method}
        return _charge(_document(await self._http.send("POST", "/charges", json=body)))

    async def find_charge(self, key: str, reference: str | None) -> Charge | None:  # noqa: ARG002 — it knows our keys.
        response = await self._http.send("GET", f"/charges/{key}")
        return None if response.status_code == 404 else _charge(_document(response))

    async def void(self, key: str, reference: str | None) -> Charge | None:  # noqa: ARG002 — it knows our keys.
        return _charge(_document(await self._http.send("POST", f"/charges/{key}/void")))

    async def refund(
        self,
        key: str,
        amount: Money,
        *,
        charge_key: str,
        charge_reference: str | None,  # noqa: ARG002 — it knows our keys.
        reference: str | None,  # noqa: ARG002 — repeating the call asks for the state.
    ) -> Transfer:
        body = {"key": key, "charge_key": charge_key, "amount": amount.amount, "currency": amount.currency}
        return _transfer(_document(await self._http.send("POST", "/refunds", json=body)))

    async def pay_out(self, key: str, amount: Money, *, seller_id: UUID, reference: str | None) -> Transfer:  # noqa: ARG002 — repeating the call asks for the state.
        body = {"key": key, "destination": str(seller_id), "amount": amount.amount, "currency": amount.currency}
        return _transfer(_document(await self._http.send("POST", "/payouts", json=body)))

    def read_notice(self, body: bytes, signature: str | None) -> Notice:
        verify(self._secret, body, signature)
        document = orjson.loads(body)
        try:
            return Notice(str(document["id"]), _charge(document["charge"]))
        except (KeyError, TypeError) as error:
            raise ValueError("not a notice of the simulator") from error


def _document(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise ProviderUnavailable(f"{response.request.url.path}: status {response.status_code}")
    document: dict[str, Any] = response.json()
    return document


def _charge(document: dict[str, Any]) -> Charge:
    state = ChargeState(document["state"])
    return Charge(document["key"], state, document["reference"], document["reason"])


def _transfer(document: dict[str, Any]) -> Transfer:
    return Transfer(TransferState(document["state"]), document["reference"], document["reason"])
