"""What is asked while services are restarted: every request is counted, none is sent twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from supergraph.demo.client import Client

_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Request:
    """`failure` is empty where the answer was a good one."""

    begun: float
    ended: float
    failure: str


@dataclass
class Load:
    """`confirmed` counts the orders that were paid and confirmed."""

    requests: list[Request] = field(default_factory=list)
    confirmed: int = 0
    _stopping: bool = False

    @property
    def failures(self) -> list[Request]:
        return [request for request in self.requests if request.failure]

    def stop(self) -> None:
        """Whoever has begun something finishes it."""
        self._stopping = True

    async def repeat(self, act: Callable[[], Awaitable[None]]) -> None:
        """Again and again; what failed is in `requests`, and whoever met it starts over."""
        while not self._stopping:
            try:
                await act()
            except Exception as error:
                if not self.requests or not self.requests[-1].failure:
                    now = time.monotonic()
                    self.requests.append(Request(now, now, f"{type(error).__name__}: {str(error)[:300]}"))
                await asyncio.sleep(1)
            await asyncio.sleep(_PAUSE)


class CountedClient(Client):
    def __init__(self, http: httpx.AsyncClient, name: str, load: Load) -> None:
        super().__init__(http, name)
        self._load = load

    async def ask(self, operation: str, variables: Mapping[str, Any] | None = None) -> Any:
        begun, failure = time.monotonic(), "cancelled"
        try:
            data = await super().ask(operation, variables)
            failure = ""
        except Exception as error:
            failure = f"{type(error).__name__}: {str(error)[:300]}"
            raise
        finally:
            self._load.requests.append(Request(begun, time.monotonic(), failure))
        return data
