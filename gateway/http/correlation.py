"""The id of a request's whole story, and the trace context that it came with."""

from __future__ import annotations

import re
from itertools import count
from secrets import randbits
from uuid import uuid4

from gateway.pipeline.identify import CORRELATION

_BEGINNING = str(uuid4())[:24]
_LAST = (1 << 48) - 1
_numbers = count(randbits(48))

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def is_correlated(headers: dict[str, str], *, trusts_trace: bool) -> bool:
    """Whether the client named the story. What is no good id, or no trace context to go on with, is taken out."""
    if not trusts_trace or _TRACEPARENT.fullmatch(headers.get("traceparent", "")) is None:
        headers.pop("traceparent", None)
        headers.pop("tracestate", None)
    if _CORRELATION_ID.fullmatch(headers.get(CORRELATION, "")) is None:
        headers.pop(CORRELATION, None)
        return False
    return True


def new_correlation_id() -> str:
    """A UUID of version 4: this process's own beginning, then a number. It is no secret, and `uuid4` takes ten times as long."""
    return f"{_BEGINNING}{next(_numbers) & _LAST:012x}"
