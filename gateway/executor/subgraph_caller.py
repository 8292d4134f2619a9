"""Calls one subgraph: identical queries in flight share a request, what failed may be tried again, what is gone is left alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from gateway.executor.subgraph_client import Endpoint, HttpAnswer, SubgraphClient, TransportError, TransportFault
from gateway.executor.traffic import CLOSED, SubgraphState

UNAVAILABLE_STATUSES = frozenset({502, 503, 504})

GONE = frozenset({TransportFault.CONNECT, TransportFault.TIMEOUT, TransportFault.CLOSED})
"""Faults that say the subgraph may be gone. An answer that is too large or no HTTP says that somebody is there."""

_RETRIED = frozenset({TransportFault.CONNECT, TransportFault.CLOSED})
"""A timeout has used up the client's patience; asking again would only add to the load it came from."""

_Waiters = list[asyncio.Future[HttpAnswer | TransportError | None]]


class SubgraphCaller:
    """`share` may forbid what the settings allow. `draw` gives a number in [0, 1), which spreads retries over time."""

    def __init__(
        self,
        client: SubgraphClient,
        endpoint: Endpoint,
        state: SubgraphState,
        *,
        share: bool = True,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._state = state
        self._breaker = state.breaker
        self._budget = state.budget
        self._retry = state.config.retry
        self._share = share and state.config.share_in_flight
        self._draw = draw
        self._flights: dict[tuple[bytes, bytes], _Waiters] = {}

    # Passing by name costs, and there are many requests: here and below on the way of each it is done by place.
    def call(self, body: bytes, headers: bytes, tracing: bytes, idempotent: bool) -> Awaitable[HttpAnswer]:
        """The answer to one request. Raises TransportError.

        `headers` are the lines that may change the answer: only requests with the same ones are shared. `tracing` are those
        that merely say whose request it is; of a shared one the first asker's are sent.
        """
        if not idempotent:
            return self._mutate(body, headers + tracing)
        if not self._share:
            return self._try(body, headers + tracing, True)
        return self._join((headers, body), tracing)

    async def _join(self, key: tuple[bytes, bytes], tracing: bytes) -> HttpAnswer:
        while (waiters := self._flights.get(key)) is not None:
            waiter: asyncio.Future[HttpAnswer | TransportError | None] = asyncio.get_running_loop().create_future()
            waiters.append(waiter)
            landed = await waiter
            if isinstance(landed, TransportError):
                raise TransportError(landed.fault, landed.detail)
            if landed is not None:
                self._state.meter.shared()
                return landed
        return await self._lead(key, tracing)

    async def _mutate(self, body: bytes, headers: bytes) -> HttpAnswer:
        try:
            return await self._try(body, headers, False)
        finally:
            # Who asks after a change must see it: no query from now on joins one that began before.
            self._flights = {}

    async def _lead(self, key: tuple[bytes, bytes], tracing: bytes) -> HttpAnswer:
        """Make the request that others may come to share. If it is given up, one of them makes it anew."""
        headers, body = key
        waiters = self._flights[key] = []
        landed: HttpAnswer | TransportError | None = None
        try:
            landed = answer = await self._try(body, headers + tracing, True)
        except TransportError as error:
            landed = error
            raise
        finally:
            if self._flights.get(key) is waiters:
                del self._flights[key]
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(landed)
        return answer

    async def _try(self, body: bytes, headers: bytes, idempotent: bool) -> HttpAnswer:
        if not self._budget.is_full:
            self._budget.deposit()
        tries_left = self._retry.attempts if idempotent else 0
        pause = self._retry.pause
        breaker = self._breaker
        while True:
            permit = breaker.turn if breaker.state == CLOSED else breaker.admit()
            if permit is None:
                raise TransportError(TransportFault.CIRCUIT_OPEN, "left alone after failures in a row")
            try:
                answer = await self._client.send(self._endpoint, body, headers=headers, idempotent=idempotent)
            except TransportError as error:
                if error.fault in GONE:
                    breaker.failed(permit)
                else:
                    breaker.succeeded(permit)
                if error.fault not in _RETRIED or not tries_left or not self._budget.withdraw():
                    raise
            except BaseException:
                breaker.abandoned(permit)
                raise
            else:
                if breaker.is_troubled:
                    breaker.succeeded(permit)
                if answer.status < 500 or not _is_refusal(answer) or not tries_left or not self._budget.withdraw():
                    return answer
            tries_left -= 1
            self._state.meter.retried()
            # Spread out, so that many who failed together do not come back together.
            await asyncio.sleep(pause * (0.5 + self._draw()))
            pause *= 2


def _is_refusal(answer: HttpAnswer) -> bool:
    """Whether something in front of the subgraph answered for it."""
    if answer.status not in UNAVAILABLE_STATUSES:
        return False
    return not answer.headers.get("content-type", "").startswith("application/graphql-response+json")
