"""Webhook signatures as Stripe makes them: header `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">`.

https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
import time

from subgraphs.payments.adapters.provider import UnsignedNotice

TOLERANCE_SECONDS = 300
HEADER = "Provider-Signature"


def sign(secret: bytes, body: bytes, timestamp: int) -> str:
    return f"t={timestamp},v1={_digest(secret, body, str(timestamp))}"


def verify(secret: bytes, body: bytes, header: str | None, *, now: float | None = None) -> None:
    """Raises UnsignedNotice. Compares in constant time; several `v1` are allowed while a secret is rolled.

    `now` is real time, not the domain's clock: the provider's clock does not move with ours.
    """
    parts = [part.partition("=") for part in (header or "").split(",")]
    timestamps = [value for name, _, value in parts if name.strip() == "t"]
    signatures = [value for name, _, value in parts if name.strip() == "v1"]
    if len(timestamps) != 1 or not timestamps[0].isdecimal():
        raise UnsignedNotice("no timestamp")
    expected = _digest(secret, body, timestamps[0]).encode()
    matches = [hmac.compare_digest(expected, signature.encode()) for signature in signatures]
    if not any(matches):
        raise UnsignedNotice("no matching signature")
    if abs((time.time() if now is None else now) - int(timestamps[0])) > TOLERANCE_SECONDS:
        raise UnsignedNotice("signed too long ago")


def _digest(secret: bytes, body: bytes, timestamp: str) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
