"""From an HTTP request to a GraphQL request (GraphQL over HTTP, section 5). Everything odd is refused with a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import Receive, Scope

from gateway.errors import RequestRefused
from gateway.pipeline.request import GraphQLRequest

_MOST_PARAMETERS = 20


def header_map(scope: Scope) -> dict[str, str]:
    """The headers in lower case; repeated ones are joined by commas (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def client_address(scope: Scope, headers: Mapping[str, str], trusted_proxies: int) -> str:
    """Whom a request comes from: the entry that the outermost trusted proxy wrote, or the connection's other end."""
    peer = scope.get("client")
    address: str = peer[0] if peer else ""
    if not trusted_proxies:
        return address
    forwarded = [entry.strip() for entry in headers.get("x-forwarded-for", "").split(",") if entry.strip()]
    return forwarded[-trusted_proxies] if len(forwarded) >= trusted_proxies else address


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body. Raises RequestRefused 413 as soon as it is known to be too large."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RequestRefused("CLIENT_CLOSED_REQUEST", "The client went away.", status=400)
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def check_content_type(headers: Mapping[str, str]) -> None:
    """A POST carries plain JSON in UTF-8. Raises RequestRefused 415."""
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [value.strip(' "') for name, _, value in (p.partition("=") for p in parameters) if name == "charset"]
    if media_type != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise RequestRefused("UNSUPPORTED_MEDIA_TYPE", "Send application/json in UTF-8.", status=415)
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise RequestRefused("UNSUPPORTED_MEDIA_TYPE", "Compressed requests are not accepted.", status=415)


def post_parameters(body: bytes) -> dict[str, Any]:
    """The parameters of a POST body. Raises RequestRefused."""
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRefused("INVALID_JSON", "The body is not valid JSON.") from error
    if isinstance(parameters, list):
        raise RequestRefused("BATCHING_UNSUPPORTED", "Send one operation a request.")
    if not isinstance(parameters, dict):
        raise RequestRefused("BAD_REQUEST", "The body must be a JSON object.")
    return parameters


def get_parameters(scope: Scope) -> dict[str, Any]:
    """The parameters of a GET request's query string. Raises RequestRefused."""
    try:
        pairs = parse_qs(
            scope["query_string"].decode("ascii"),
            strict_parsing=False,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError as error:
        raise RequestRefused("BAD_REQUEST", "The query string cannot be read.") from error
    parameters: dict[str, Any] = {name: values[-1] for name, values in pairs.items()}
    for name in ("variables", "extensions"):
        if name in parameters:
            try:
                parameters[name] = orjson.loads(parameters[name])
            except orjson.JSONDecodeError as error:
                raise RequestRefused("INVALID_JSON", f"The parameter {name} is not valid JSON.") from error
    return parameters


def graphql_request(
    parameters: Mapping[str, Any], headers: Mapping[str, str], client: str, *, read_only: bool
) -> GraphQLRequest:
    """The request in the given parameters. Raises RequestRefused where one is missing or of the wrong kind."""
    query = _parameter(parameters, "query", str)
    if query is None:
        raise RequestRefused("BAD_REQUEST", "The parameter query is missing.")
    _parameter(parameters, "extensions", dict)
    return GraphQLRequest(
        query=query,
        operation_name=_parameter(parameters, "operationName", str) or None,
        variables=_parameter(parameters, "variables", dict) or {},
        headers=headers,
        client=client,
        read_only=read_only,
    )


def _parameter(parameters: Mapping[str, Any], name: str, kind: type) -> Any:
    value = parameters.get(name)
    if value is not None and not isinstance(value, kind):
        wanted = "a string" if kind is str else "an object"
        raise RequestRefused("BAD_REQUEST", f"The parameter {name} must be {wanted}.")
    return value


def _too_large(limit: int) -> RequestRefused:
    return RequestRefused("PAYLOAD_TOO_LARGE", f"The body is larger than {limit} bytes.", status=413)
