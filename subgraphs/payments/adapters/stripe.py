"""Stripe over its public HTTP interface: PaymentIntents, refunds and transfers, each with an Idempotency-Key.

https://docs.stripe.com/api/payment_intents, /refunds, /transfers and https://docs.stripe.com/webhooks
"""

from __future__ import annotations

from collections.abc import Mapping
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

API_URL = "https://api.stripe.com"
_CHARGE_STATES = {
    "succeeded": ChargeState.CAPTURED,
    "processing": ChargeState.PROCESSING,
    "canceled": ChargeState.VOIDED,
    "requires_payment_method": ChargeState.DECLINED,
    "requires_action": ChargeState.PROCESSING,
    "requires_capture": ChargeState.PROCESSING,
    "requires_confirmation": ChargeState.PROCESSING,
}
_FOLLOWED = {
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
}
"""Not `created`: there a new intent looks like a declined one."""
_REFUND_STATES = {
    "succeeded": TransferState.SUCCEEDED,
    "pending": TransferState.PROCESSING,
    "requires_action": TransferState.PROCESSING,
    "failed": TransferState.FAILED,
    "canceled": TransferState.FAILED,
}


class StripeProvider:
    """`api_key` is the platform's secret key, `accounts` the connected account (`acct_…`) of each seller.

    `base_url` is another address in tests.
    """

    def __init__(
        self, api_key: str, webhook_secret: bytes, *, accounts: Mapping[str, str], base_url: str = API_URL
    ) -> None:
        self._accounts = accounts
        headers = {"Authorization": f"Bearer {api_key}"}
        self._http = ProviderHttp(base_url, headers=headers, through_proxy=base_url == API_URL)
        self._secret = webhook_secret

    async def authorize_and_capture(self, key: str, amount: Money, method: str) -> Charge:
        form = {
            "amount": amount.amount,
            "currency": amount.currency.lower(),
            "payment_method": method,
            "confirm": "true",
            "capture_method": "automatic",
            "automatic_payment_methods[enabled]": "true",
            "automatic_payment_methods[allow_redirects]": "never",
            "metadata[key]": key,
        }
        response = await self._post("/v1/payment_intents", key, form)
        if response.status_code == 402:
            return _declined(key, response.json()["error"])
        return _charge(_object(response), key)

    async def find_charge(self, key: str, reference: str | None) -> Charge | None:
        intent = await self._find_intent(key, reference)
        return _charge(intent, key) if intent else None

    async def void(self, key: str, reference: str | None) -> Charge | None:
        intent = await self._find_intent(key, reference)
        if intent is None:
            return None
        if intent["status"] in {"succeeded", "canceled"}:
            return _charge(intent, key)
        response = await self._post(f"/v1/payment_intents/{intent['id']}/cancel", f"{key}:void", {})
        if response.status_code == 400:
            # It changed its state meanwhile, and the next look says to which.
            raise ProviderUnavailable(f"{intent['id']} could not be cancelled")
        return _charge(_object(response), key)

    async def refund(
        self,
        key: str,
        amount: Money,
        *,
        charge_key: str,  # noqa: ARG002 — Stripe refunds by its own reference.
        charge_reference: str | None,
        reference: str | None,
    ) -> Transfer:
        if reference:
            response = await self._http.send("GET", f"/v1/refunds/{reference}")
        else:
            form = {"payment_intent": charge_reference, "amount": amount.amount, "metadata[key]": key}
            response = await self._post("/v1/refunds", key, form)
        if response.status_code in {400, 402}:
            return _refused(response)
        refund = _object(response)
        return Transfer(_REFUND_STATES[refund["status"]], refund["id"], refund.get("failure_reason"))

    async def pay_out(self, key: str, amount: Money, *, seller_id: UUID, reference: str | None) -> Transfer:  # noqa: ARG002 — a transfer is final at once.
        account = self._accounts.get(str(seller_id))
        if account is None:
            return Transfer(TransferState.FAILED, None, "no_connected_account")
        form = {"amount": amount.amount, "currency": amount.currency.lower(), "destination": account}
        response = await self._post("/v1/transfers", key, form)
        if response.status_code in {400, 402}:
            return _refused(response)
        return Transfer(TransferState.SUCCEEDED, _object(response)["id"])

    def read_notice(self, body: bytes, signature: str | None) -> Notice:
        verify(self._secret, body, signature)
        event = orjson.loads(body)
        try:
            intent = event["data"]["object"]
            key = intent.get("metadata", {}).get("key")
            followed = event["type"] in _FOLLOWED and key
            return Notice(event["id"], _charge(intent, key) if followed else None)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not an event of Stripe") from error

    async def _post(self, path: str, key: str, form: dict[str, Any]) -> httpx.Response:
        return await self._http.send("POST", path, data=form, headers={"Idempotency-Key": key})

    async def _find_intent(self, key: str, reference: str | None) -> dict[str, Any] | None:
        if reference:
            return _object(await self._http.send("GET", f"/v1/payment_intents/{reference}"))
        query = {"query": f"metadata['key']:'{key}'", "limit": 1}
        found: list[dict[str, Any]] = _object(await self._http.send("GET", "/v1/payment_intents/search", params=query))[
            "data"
        ]
        return found[0] if found else None


def _object(response: httpx.Response) -> dict[str, Any]:
    """A request that Stripe calls wrong is our bug or our key's: it raises, and is tried again after the repair."""
    if response.is_error:
        raise ProviderUnavailable(f"{response.request.url.path}: status {response.status_code}")
    document: dict[str, Any] = response.json()
    return document


def _charge(intent: dict[str, Any], key: str) -> Charge:
    error = intent.get("last_payment_error") or {}
    reason = error.get("decline_code") or error.get("code")
    state = _CHARGE_STATES[intent["status"]]
    if state is ChargeState.DECLINED and not error:
        # It has not been tried yet: another attempt beside it could become a second charge.
        state = ChargeState.PROCESSING
    return Charge(key, state, intent["id"], reason)


def _declined(key: str, error: dict[str, Any]) -> Charge:
    reference = (error.get("payment_intent") or {}).get("id")
    return Charge(key, ChargeState.DECLINED, reference, error.get("decline_code") or error.get("code"))


def _refused(response: httpx.Response) -> Transfer:
    error = response.json()["error"]
    return Transfer(TransferState.FAILED, None, error.get("code") or error.get("type"))
