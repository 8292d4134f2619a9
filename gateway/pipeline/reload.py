"""Keeps the supergraph that is served in step with its file, without a request noticing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import GatewayError
from gateway.pipeline.graph import ServedGraph
from gateway.pipeline.pipeline import Pipeline
from gateway.supergraph.source import SupergraphFile
from gateway.telemetry.metrics import SUPERGRAPH_LOADED, SUPERGRAPH_LOADS, SUPERGRAPH_REFUSED, WARMED

logger = logging.getLogger(__name__)

_SWAPPED, _REFUSED = SUPERGRAPH_LOADS.labels("swapped"), SUPERGRAPH_LOADS.labels("refused")


class WatchConfig(BaseModel):
    """Whether a changed supergraph file is taken up while serving. A change is seen within two `interval`s, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    interval: float = Field(default=1.0, gt=0)


class SupergraphWatch:
    """Polls a file and hands what is new in it to the pipeline. `build` may raise GatewayError, OSError or ValueError."""

    def __init__(
        self, file: SupergraphFile, served: str, build: Callable[[str], ServedGraph], pipeline: Pipeline
    ) -> None:
        self._file = file
        self._served = served
        self._build = build
        self._pipeline = pipeline
        SUPERGRAPH_LOADED.set_to_current_time()
        SUPERGRAPH_REFUSED.set(0)

    async def run(self, interval: float) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.poll()

    async def poll(self) -> None:
        """Take up a new supergraph. One that cannot be served is logged and counted, and the old one goes on."""
        try:
            text = self._file.poll()
            if text is None:
                return
            if text != self._served:
                await self._swap(text)
            SUPERGRAPH_REFUSED.set(0)
        except (GatewayError, OSError, ValueError, TypeError) as error:
            _REFUSED.inc()
            SUPERGRAPH_REFUSED.set(1)
            logger.error("the new supergraph cannot be served; the old one goes on", extra={"detail": str(error)})  # noqa: TRY400
        except Exception:
            # A bug in reading one file must not end the watch: the next file may be good.
            _REFUSED.inc()
            SUPERGRAPH_REFUSED.set(1)
            logger.exception("taking up the new supergraph failed; the old one goes on")

    async def _swap(self, text: str) -> None:
        warmed = await self._pipeline.replace(lambda: self._build(text))
        self._served = text
        _SWAPPED.inc()
        WARMED.inc(warmed)
        SUPERGRAPH_LOADED.set_to_current_time()
        logger.info("a new supergraph is served", extra={"warmed": warmed})
