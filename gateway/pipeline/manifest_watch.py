"""Keeps the manifests in force in step with their directory, without a request noticing."""

from __future__ import annotations

import asyncio
import logging

from gateway.persisted.store import ManifestDirectory, Manifests
from gateway.pipeline.pipeline import Pipeline
from gateway.telemetry.metrics import MANIFEST_LOADS

logger = logging.getLogger(__name__)

_TAKEN, _REFUSED = MANIFEST_LOADS.labels("taken"), MANIFEST_LOADS.labels("refused")


class ManifestWatch:
    """Polls the directory and hands what is new in it to the pipeline."""

    def __init__(self, directory: ManifestDirectory, pipeline: Pipeline) -> None:
        self._directory = directory
        self._pipeline = pipeline
        self._away = False

    async def run(self, interval: float) -> None:
        """Poll until cancelled."""
        while True:
            await asyncio.sleep(interval)
            await self.poll()

    async def poll(self) -> None:
        """Take up changed manifests. One that cannot be used is logged and counted, and what it was before goes on."""
        try:
            # A directory on a slow mount must not hold requests up.
            manifests = await asyncio.to_thread(self._directory.poll)
            self._away = False
            if manifests is None:
                return
            await self._pipeline.replace_manifests(manifests)
        except OSError as error:
            if not self._away:  # Told once, not by each look.
                self._away = True
                _REFUSED.inc()
                logger.error("the manifests cannot be read; those in force go on", extra={"detail": str(error)})  # noqa: TRY400
            return
        except Exception:
            # Whatever one look meets, the next one may find the directory in order.
            _REFUSED.inc()
            logger.exception("taking up the manifests failed; those in force go on")
            return
        tell_problems(manifests)
        if not manifests.problems:
            _TAKEN.inc()
        logger.info("changed manifests are in force", extra={"clients": len(manifests.of)})


def tell_problems(manifests: Manifests) -> None:
    """Log and count each file that cannot be used."""
    for client, problem in manifests.problems.items():
        _REFUSED.inc()
        logger.error(
            "a manifest cannot be used; the one before it goes on", extra={"client": client, "detail": problem}
        )
