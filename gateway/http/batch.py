"""Several operations in one request, as an array: off by default, and bounded as one operation is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.errors import RequestRefused
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse


def check_batch(parameters: Sequence[Any], most: int) -> None:
    """Raises RequestRefused where batches are off (`most` is 0), too long, empty, or hold something else than requests."""
    if not most:
        raise RequestRefused("BATCHING_UNSUPPORTED", "Send one operation a request.")
    if len(parameters) > most:
        raise RequestRefused("BATCH_LIMIT_EXCEEDED", f"At most {most} operations may be sent at once.")
    if not parameters or not all(isinstance(item, dict) for item in parameters):
        raise RequestRefused("BAD_REQUEST", "A batch is an array of request objects.")


async def answer_batch(pipeline: Pipeline, requests: Sequence[GraphQLRequest]) -> list[GraphQLResponse]:
    """All responses in order. They run side by side; each is answered for itself."""
    return await asyncio.gather(*(pipeline.answer(request) for request in requests))
