"""The simulated provider over HTTP. The method's token says how it behaves; the domain's README lists them."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import asdict
from typing import Any

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from shared.ids import new_id
from subgraphs.payments.adapters.signature import HEADER, sign
from subgraphs.payments.adapters.simulator.book import PROCESSING, Book, Charge, Transfer

log = logging.getLogger(__name__)

WEBHOOK_TRIES = 6


class CutAnswer(Response):
    """Promises a body and closes the connection instead: the caller cannot know what happened."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 — ASGI's signature.
        headers = [(b"content-length", b"4096"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})


class Simulator:
    """`webhook_url` None: nobody is told anything."""

    def __init__(self, book: Book, *, webhook_url: str | None, webhook_secret: bytes, delay_seconds: float) -> None:
        self._book = book
        self._webhook_url = webhook_url
        self._webhook_secret = webhook_secret
        self._delay = delay_seconds
        self._behaviour = {"refunds": "ok", "payouts": "ok"}
        self._running: set[asyncio.Task[None]] = set()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/charges", self.create_charge, methods=["POST"]),
                Route("/charges", self.list_charges),
                Route("/charges/{key}", self.get_charge),
                Route("/charges/{key}/void", self.void_charge, methods=["POST"]),
                Route("/refunds", self.create_refund, methods=["POST"]),
                Route("/refunds", self.list_refunds),
                Route("/payouts", self.create_payout, methods=["POST"]),
                Route("/payouts", self.list_payouts),
                Route("/behaviour", self.behave, methods=["PUT"]),
            ]
        )

    async def create_charge(self, request: Request) -> Response:
        body = await request.json()
        charge, new = self._book.charge(body["key"], body["amount"], body["currency"], body["method"])
        if new and charge.method == "pm_cut":
            return CutAnswer()
        if new:
            self._announce(charge)
        return _answer(charge)

    async def list_charges(self, _: Request) -> Response:
        return _list(self._book.charges.values())

    async def get_charge(self, request: Request) -> Response:
        charge = self._book.charges.get(request.path_params["key"])
        return _answer(charge) if charge else JSONResponse({"error": "no such charge"}, status_code=404)

    async def void_charge(self, request: Request) -> Response:
        return _answer(self._book.void(request.path_params["key"]))

    async def create_refund(self, request: Request) -> Response:
        body = await request.json()
        refuse = self._behaviour["refunds"] == "decline"
        charge_key, amount, currency = body["charge_key"], body["amount"], body["currency"]
        return _answer(self._book.refund(body["key"], charge_key, amount, currency, refuse=refuse))

    async def list_refunds(self, _: Request) -> Response:
        return _list(self._book.refunds.values())

    async def create_payout(self, request: Request) -> Response:
        body = await request.json()
        refuse = self._behaviour["payouts"] == "decline"
        destination, amount, currency = body["destination"], body["amount"], body["currency"]
        return _answer(self._book.pay_out(body["key"], destination, amount, currency, refuse=refuse))

    async def list_payouts(self, _: Request) -> Response:
        return _list(self._book.payouts.values())

    async def behave(self, request: Request) -> Response:
        """`{"refunds": "decline"}` and `{"payouts": "decline"}` make it refuse them from now on, `"ok"` take them."""
        self._behaviour |= await request.json()
        return JSONResponse(self._behaviour)

    def _announce(self, charge: Charge) -> None:
        if charge.method == "pm_stuck":
            return
        if charge.state == PROCESSING:
            self._run(self._complete_later(charge.key))
        else:
            self._run(self._tell(charge, times=2 if charge.method == "pm_duplicate" else 1))

    async def _complete_later(self, key: str) -> None:
        await asyncio.sleep(self._delay)
        charge = self._book.complete(key)
        if charge:
            await self._tell(charge)

    async def _tell(self, charge: Charge, times: int = 1) -> None:
        """Send the webhook, the same one `times`; repeat it with growing pauses until it is taken."""
        if not self._webhook_url:
            return
        body = orjson.dumps({"id": f"evt_{new_id().hex}", "charge": _public(charge)})
        for _ in range(times):
            for attempt in range(WEBHOOK_TRIES):
                if await self._deliver(body):
                    break
                await asyncio.sleep(0.2 * 2**attempt)

    async def _deliver(self, body: bytes) -> bool:
        assert self._webhook_url is not None
        headers = {HEADER: sign(self._webhook_secret, body, int(time.time())), "content-type": "application/json"}
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
                response = await client.post(self._webhook_url, content=body, headers=headers)
        except httpx.HTTPError as error:
            log.warning("webhook not delivered", extra={"error": error})
            return False
        return response.status_code == 200

    def _run(self, work: Any) -> None:
        # The loop keeps weak references only: an unreferenced task may vanish before it has run.
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)


def _public(what: Charge | Transfer) -> dict[str, Any]:
    return asdict(what)


def _answer(what: Charge | Transfer) -> Response:
    return JSONResponse(_public(what))


def _list(things: Any) -> Response:
    return JSONResponse([_public(thing) for thing in things])
