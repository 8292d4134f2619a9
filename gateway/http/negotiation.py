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
        wanted = quality(parameters)
        if media_type is not None and wanted > 0 and (best is None or wanted > best[0]):
            best = (wanted, media_type)
    return None if best is None else best[1]


def quality(parameters: list[str]) -> float:
    """The weight `q` among the parameters of one item of an Accept header; 1 without, 0 where it cannot be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
