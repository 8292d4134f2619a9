"""The one place where an exception becomes what a caller may read."""

from __future__ import annotations

from starlette.responses import JSONResponse


def error_response(status: int, code: str, message: str) -> JSONResponse:
    """A GraphQL-shaped error body, also for refusals before any GraphQL: `{"errors": [{message, extensions: {code}}]}`."""
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code}}]}, status_code=status)
