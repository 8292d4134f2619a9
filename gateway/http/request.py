"""From an HTTP request to a GraphQL request (GraphQL over HTTP, section 5). Everything odd is refused with a code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, IPv6Network
from typing import Any
from urllib.parse import parse_qs

import orjson
from starlette.types import Scope

from gateway.errors import RequestRefused
from gateway.persisted.request import find_reference
from gateway.pipeline.request import GraphQLRequest
from gateway.security.limits import RequestBudget

_MOST_PARAMETERS = 20
_PLAIN = {"query", "variables", "operationName"}
"""The parameters of a request whose operation cannot be named by an id."""


def header_map(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """The headers, whose names are in lower case; repeated ones are joined by commas (RFC 9110 section 5.3)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def client_address(peer: tuple[str, int] | None, headers: Mapping[str, str], trusted_proxies: int) -> str:
    """Whom a request comes from: the entry that the outermost trusted proxy wrote, or the connection's other end.

    Of an IPv6 address the network, since whoever has one has all of a /64.
    """
    address = peer[0] if peer else ""
    if trusted_proxies:
        forwarded = [entry.strip() for entry in headers.get("x-forwarded-for", "").split(",") if entry.strip()]
        address = forwarded[-trusted_proxies] if len(forwarded) >= trusted_proxies else address
    return _network(address) if ":" in address else address


def _network(address: str) -> str:
    try:
        known = IPv6Address(address.strip("[]"))
    except ValueError:
        return address
    return str(known.ipv4_mapped or IPv6Network((known, 64), strict=False))


def check_content_type(headers: Mapping[str, str]) -> None:
    """A POST carries plain JSON in UTF-8. Raises RequestRefused 415."""
    media_type, *parameters = (part.strip().lower() for part in headers.get("content-type", "").split(";"))
    charsets = [value.strip(' "') for name, _, value in (p.partition("=") for p in parameters) if name == "charset"]
    if media_type != "application/json" or any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise RequestRefused("UNSUPPORTED_MEDIA_TYPE", "Send application/json in UTF-8.", status=415)


def is_compressed(headers: Mapping[str, str], *, allowed: bool) -> bool:
    """Whether the body is in gzip. Raises RequestRefused 415 for any other coding, and for this one unless `allowed`."""
    coding = headers.get("content-encoding", "identity").lower()
    if coding == "identity":
        return False
    if not allowed or coding not in {"gzip", "x-gzip"}:
        raise RequestRefused("UNSUPPORTED_MEDIA_TYPE", "The body's content-encoding is not accepted.", status=415)
    return True


def post_parameters(body: bytes) -> dict[str, Any] | list[Any]:
    """The parameters of a POST body, or the items of a batch. Raises RequestRefused."""
    try:
        parameters = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestRefused("INVALID_JSON", "The body is not valid JSON.") from error
    if not isinstance(parameters, dict | list):
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
    parameters: Mapping[str, Any],
    headers: Mapping[str, str],
    client: str,
    *,
    read_only: bool,
    budget: RequestBudget | None = None,
    path_id: str | None = None,
) -> GraphQLRequest:
    """The request in the given parameters. Raises RequestRefused where one is missing or of the wrong kind.

    `path_id` names the operation where the request's path does.
    """
    query, name, variables = parameters.get("query"), parameters.get("operationName"), parameters.get("variables")
    if query.__class__ is not str or path_id is not None or not parameters.keys() <= _PLAIN:
        query = _parameter(parameters, "query", str)
        _parameter(parameters, "extensions", dict)
        reference = find_reference(parameters, path_id)
        if query is None and reference is None:
            raise RequestRefused("BAD_REQUEST", "The parameter query is missing.")
    else:
        reference = None
    # By place: what is passed to a class by name is put into a mapping first.
    return GraphQLRequest(
        query or "",
        None if name is None else _parameter(parameters, "operationName", str) or None,
        {} if variables is None else _parameter(parameters, "variables", dict),
        headers,
        client,
        read_only,
        budget,
        reference,
    )


def _parameter(parameters: Mapping[str, Any], name: str, kind: type) -> Any:
    value = parameters.get(name)
    if value is not None and not isinstance(value, kind):
        wanted = "a string" if kind is str else "an object"
        raise RequestRefused("BAD_REQUEST", f"The parameter {name} must be {wanted}.")
    return value
