"""The source streams of subscriptions: one upstream for all who ask the same, one bounded queue for each of them.

The slowest listener is waited for only so long: then it is dropped, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from gateway.executor.subgraph_caller import GONE
from gateway.executor.subgraph_client import Endpoint, TransportError, TransportFault
from gateway.executor.subgraph_errors import CIRCUIT_OPEN, INTERNAL, UNAVAILABLE
from gateway.executor.subscription_client import EVENT_STREAM, SubscriptionClient
from gateway.executor.traffic import Traffic
from gateway.telemetry.metrics import SOURCE_EVENTS, SOURCE_STREAMS

logger = logging.getLogger(__name__)

SLOW_CONSUMER = "SLOW_CONSUMER"


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """A stream is over: by a code, or without one because the subgraph completed it."""

    code: str | None = None


Item = bytes | StreamEnd
"""One result as JSON text, or that there are no more."""


class Listener:
    """What one subscriber has not taken yet: at most `size` items. Call `close` when done."""

    def __init__(self, size: int, leave: Callable[[Listener], None]) -> None:
        self._queue: asyncio.Queue[Item] = asyncio.Queue(size)
        self._leave = leave
        self._ended = False

    async def next(self) -> Item:
        """The next item; nothing follows a StreamEnd."""
        return await self._queue.get()

    def offer(self, item: Item) -> bool:
        """Queue an item; False if there is no room."""
        if self._queue.full():
            return self._ended
        if not self._ended:
            self._queue.put_nowait(item)
        return True

    async def put(self, item: Item) -> None:
        """Queue an item as soon as there is room."""
        await self._queue.put(item)

    def end(self, code: str) -> None:
        """End now: what was not taken is dropped, since it is too late for it."""
        if self._ended:
            return
        self.close()
        self._queue.put_nowait(StreamEnd(code))

    def close(self) -> None:
        """Listen no more."""
        self._ended = True
        while not self._queue.empty():
            self._queue.get_nowait()
        self._leave(self)


class _Source:
    """One upstream and those who listen to it. It ends with the last of them."""

    def __init__(
        self, results: AsyncIterator[bytes], subgraph: str, patience: float, forget: Callable[[], None]
    ) -> None:
        self._results = results
        self._subgraph = subgraph
        self._patience = patience
        self._forget = forget
        self._listeners: dict[Listener, None] = {}
        self._reading = asyncio.create_task(self._read())

    def listen(self, size: int) -> Listener:
        listener = Listener(size, self._leave)
        self._listeners[listener] = None
        return listener

    def end(self, code: str) -> None:
        for listener in tuple(self._listeners):
            listener.end(code)

    def _leave(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)
        if not self._listeners:
            self._forget()
            self._reading.cancel()

    async def _read(self) -> None:
        events = SOURCE_EVENTS.labels(self._subgraph)
        end = StreamEnd()
        try:
            async with aclosing(self._results) as results:  # type: ignore[type-var]
                async for result in results:
                    events.inc()
                    await self._hand_out(result)
        except TransportError as error:
            end = StreamEnd(CIRCUIT_OPEN if error.fault is TransportFault.CIRCUIT_OPEN else UNAVAILABLE)
            detail = {"subgraph": self._subgraph, "fault": error.fault.value, "detail": error.detail}
            logger.warning("a source stream was lost", extra=detail)
        except Exception:
            end = StreamEnd(INTERNAL)
            logger.exception("reading a source stream failed", extra={"subgraph": self._subgraph})
        finally:
            # Whoever asks from now on needs a new upstream.
            self._forget()
        await self._hand_out(end)

    async def _hand_out(self, item: Item) -> None:
        late = [listener for listener in tuple(self._listeners) if not listener.offer(item)]
        if not late:
            return
        deadline = asyncio.get_running_loop().time() + self._patience
        for listener in late:
            try:
                async with asyncio.timeout_at(deadline):
                    await listener.put(item)
            except TimeoutError:
                listener.end(SLOW_CONSUMER)


class SourceStreams:
    """The source streams of one supergraph. `queue` is how many items wait for a listener, `patience` in seconds."""

    def __init__(
        self,
        client: SubscriptionClient,
        urls: Mapping[str, str],
        traffic: Traffic,
        *,
        queue: int,
        patience: float,
        share: bool,
    ) -> None:
        headers = {"content-type": "application/json", "accept": EVENT_STREAM}
        self._endpoints = {name: Endpoint.of(url, headers=headers) for name, url in urls.items()}
        self._client = client
        self._traffic = traffic
        self._queue = queue
        self._patience = patience
        self._share = share
        self._sources: dict[object, _Source] = {}
        self._over: str | None = None

    def listen(self, subgraph: str, body: bytes, identity: bytes, headers: bytes) -> Listener:
        """Listen to the results of a subscription. Failures come as the StreamEnd.

        `identity` are the headers that can change what a subgraph sends, as far as they can: listeners with the same one, and
        the same `body`, share an upstream, which was opened with the first one's `headers`.
        """
        if self._over is not None:
            over = Listener(1, lambda _: None)
            over.end(self._over)
            return over
        key: object = (subgraph, body, identity) if self._share else object()
        source = self._sources.get(key)
        if source is None:
            results = self._results(subgraph, body, headers)
            source = _Source(results, subgraph, self._patience, lambda: self._forget(key, source))
            self._sources[key] = source
        return source.listen(self._queue)

    def end(self, code: str) -> None:
        """End all streams, and each that is asked for from now on."""
        self._over = code
        for source in tuple(self._sources.values()):
            source.end(code)

    def _forget(self, key: object, source: _Source | None) -> None:
        if self._sources.get(key) is source:
            del self._sources[key]

    async def _results(self, subgraph: str, body: bytes, headers: bytes) -> AsyncIterator[bytes]:
        breaker = self._traffic.of(subgraph).breaker
        permit = breaker.admit()
        if permit is None:
            raise TransportError(TransportFault.CIRCUIT_OPEN, "left alone after failures in a row")
        try:
            stream = await self._client.open(self._endpoints[subgraph], body, headers)
        except TransportError as error:
            (breaker.failed if error.fault in GONE else breaker.succeeded)(permit)
            raise
        except BaseException:
            breaker.abandoned(permit)
            raise
        breaker.succeeded(permit)
        try:
            with SOURCE_STREAMS.labels(subgraph).track_inprogress():
                async for result in stream.results():
                    yield result
        finally:
            stream.close()
