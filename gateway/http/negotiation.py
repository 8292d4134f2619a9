"""Which of the two media types a client gets (GraphQL over HTTP, section 6.1)."""

from __future__ import annotations

JSON = "application/json"
RESPONSE_JSON = "application/graphql-response+json"

_RANGES = {
    JSON: JSON,
    RESPONSE_JSON: RESPONSE_JSON,
    "*/*": JSON,
    "application/*": JSON,
}
"""A client that takes anything is taken for one that knows `application/json` only, as the specification has it."""


def negotiate(accept: str | None) -> str | None:
    """The media type for an Accept header; None where neither is acceptable."""
    if not accept:
        return JSON
    best: tuple[float, str] | None = None
    for part in accept.split(","):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        media_type = _RANGES.get(media_range)
        quality = _quality(parameters)
        if media_type is not None and quality > 0 and (best is None or quality > best[0]):
            best = (quality, media_type)
    return None if best is None else best[1]


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
