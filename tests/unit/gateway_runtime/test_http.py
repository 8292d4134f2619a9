"""The parts of the HTTP room that decide, each on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from gateway.app import build_gateway
from gateway.errors import RequestRefused
from gateway.http.batch import check_batch
from gateway.http.config import CorsConfig, HttpConfig
from gateway.http.cors import cors_headers, preflight_headers
from gateway.http.negotiation import JSON, RESPONSE_JSON, negotiate
from gateway.http.request import (
    check_content_type,
    client_address,
    get_parameters,
    graphql_request,
    is_compressed,
    post_parameters,
)
from gateway.pipeline.request import GraphQLRequest
from gateway.security.csrf import check_origin
from gateway.settings import Settings, SettingsError, read_settings
from tests.conformance.federation import FIXTURES


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/graphql-response+json; charset=utf-8, application/json;q=0.9", RESPONSE_JSON),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.5, application/graphql-response+json", RESPONSE_JSON),
        ("text/html, */*;q=0.1", JSON),
        ("text/html", None),
        ("application/json;q=0", None),
        ("application/json;q=much", None),
    ],
)
def test_the_media_type_is_the_clients_best(accept: str | None, expected: str | None) -> None:
    assert negotiate(accept) == expected


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ('Application/JSON; charset="UTF-8"', True),
        ("application/json; charset=utf-16", False),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("", False),
    ],
)
def test_a_post_carries_json_in_utf_8(content_type: str, accepted: bool) -> None:
    if accepted:
        check_content_type({"content-type": content_type})
        return
    with pytest.raises(RequestRefused) as refused:
        check_content_type({"content-type": content_type})
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("coding", "allowed"), [("gzip", False), ("br", True), ("gzip, gzip", True), ("deflate", True)]
)
def test_a_coding_that_is_not_read_is_refused(coding: str, allowed: bool) -> None:
    with pytest.raises(RequestRefused) as refused:
        is_compressed({"content-encoding": coding}, allowed=allowed)
    assert refused.value.status == 415


def request_in(body: bytes) -> GraphQLRequest:
    parameters = post_parameters(body)
    assert isinstance(parameters, dict)
    return graphql_request(parameters, {}, "", read_only=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_JSON"),
        (b"{", "INVALID_JSON"),
        (b"[" * 100_000, "INVALID_JSON"),
        (b'"\xff"', "INVALID_JSON"),
        (b"7", "BAD_REQUEST"),
        (b"{}", "BAD_REQUEST"),
        (b'{"query":1}', "BAD_REQUEST"),
        (b'{"query":"{a}","variables":[]}', "BAD_REQUEST"),
        (b'{"query":"{a}","operationName":1}', "BAD_REQUEST"),
        (b'{"query":"{a}","extensions":"x"}', "BAD_REQUEST"),
    ],
)
def test_odd_bodies_are_refused_with_a_code(body: bytes, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        request_in(body)
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize(
    ("items", "most", "code"),
    [
        ([{}], 0, "BATCHING_UNSUPPORTED"),
        ([], 0, "BATCHING_UNSUPPORTED"),
        ([], 2, "BAD_REQUEST"),
        ([{}, 7], 2, "BAD_REQUEST"),
        ([[{}]], 2, "BAD_REQUEST"),
        ([{}, {}, {}], 2, "BATCH_LIMIT_EXCEEDED"),
        ([{}, {}], 2, None),
    ],
)
def test_a_batch_is_as_long_as_is_allowed(items: list[Any], most: int, code: str | None) -> None:
    if code is None:
        check_batch(items, most)
        return
    with pytest.raises(RequestRefused) as refused:
        check_batch(items, most)
    assert refused.value.code == code


def test_nulls_stand_for_parameters_that_are_not_given() -> None:
    request = graphql_request({"query": "{a}", "variables": None, "operationName": None}, {}, "c", read_only=True)
    assert (request.query, request.variables, request.operation_name, request.read_only) == ("{a}", {}, None, True)


def test_a_get_reads_its_parameters_from_the_query_string() -> None:
    scope: Any = {"query_string": b"query=%7Ba%7D&variables=%7B%22x%22%3A1%7D&operationName=Q"}
    assert get_parameters(scope) == {"query": "{a}", "variables": {"x": 1}, "operationName": "Q"}
    with pytest.raises(RequestRefused):
        get_parameters({"query_string": b"query=a&variables=%7B"})


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("6.6.6.6, 1.2.3.4", 0, "10.0.0.1"),
        ("6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", 2, "6.6.6.6"),
        ("6.6.6.6", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        # An IPv6 host changes the last half of its address as it likes.
        ("2001:db8:1:2:3:4:5:6", 1, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", 1, "2001:db8:1:2::/64"),
        ("[2001:db8:1:3::9]", 1, "2001:db8:1:3::/64"),
        ("::ffff:1.2.3.4", 1, "1.2.3.4"),
        ("1.2.3.4:5678", 1, "1.2.3.4:5678"),
    ],
)
def test_only_trusted_proxies_are_believed(forwarded: str, proxies: int, expected: str) -> None:
    assert client_address(("10.0.0.1", 5), {"x-forwarded-for": forwarded}, proxies) == expected


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://shop.test"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "https://evil.test"}, False),
        ({"sec-fetch-site": "same-site", "origin": "https://blog.shop.test"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://web.test"}, True),
        ({"origin": "https://evil.test", "host": "shop.test"}, False),
        ({"origin": "https://shop.test", "host": "shop.test"}, True),
        ({"origin": "null", "host": "shop.test"}, False),
    ],
)
def test_foreign_pages_are_kept_out(headers: dict[str, str], allowed: bool) -> None:
    origins = frozenset({"https://web.test"})
    if allowed:
        check_origin(headers, origins)
        return
    with pytest.raises(RequestRefused) as refused:
        check_origin(headers, origins)
    assert refused.value.status == 403


def test_cors_names_a_listed_origin_and_no_other() -> None:
    config = CorsConfig(allow_origins=frozenset({"https://web.test"}), allow_credentials=True)
    preflight = {"origin": "https://web.test", "access-control-request-method": "POST"}
    assert preflight_headers(config, preflight) == {
        "allow": "GET, POST, OPTIONS",
        "vary": "Accept, Accept-Encoding, Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        "access-control-allow-origin": "https://web.test",
        "access-control-allow-methods": "GET, POST, PUT, DELETE",
        "access-control-allow-headers": (
            "authorization, content-type, x-correlation-id, x-query-plan, x-query-cost, x-graphql-event-stream-token"
        ),
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-correlation-id, retry-after",
        "access-control-max-age": "600",
    }
    assert cors_headers(config, {"origin": "https://evil.test"}) == {"vary": "Accept, Accept-Encoding, Origin"}
    foreign = preflight_headers(config, preflight | {"origin": "https://evil.test"})
    assert [name for name in foreign if name.startswith("access-control")] == []
    with pytest.raises(ValidationError):
        CorsConfig(allow_origins=frozenset({"*"}), allow_credentials=True)


def test_half_a_pair_of_tls_files_is_refused() -> None:
    for section in ({"tls_key": "key.pem"}, {"tls_certificate": "crt.pem"}, {"tls_client_authorities": "ca.pem"}):
        with pytest.raises(ValidationError, match="tls_"):
            HttpConfig.model_validate(section)


def test_an_unknown_setting_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("http: {port: 5000}\nlimits: {depht: 3}\n")
    with pytest.raises(SettingsError, match=r"limits\.depht"):
        read_settings(file)


def test_a_setting_may_stand_for_a_variable_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("http: {host: '${HERE}'}\nsubgraph_urls: {a: 'http://${HERE}:${PORT_A}/x$y'}\n")
    monkeypatch.setenv("HERE", "10.0.0.1")
    with pytest.raises(SettingsError, match="PORT_A"):
        read_settings(file)
    monkeypatch.setenv("PORT_A", "81")
    settings = read_settings(file)
    assert (settings.http.host, settings.subgraph_urls) == ("10.0.0.1", {"a": "http://10.0.0.1:81/x$y"})


def test_the_command_line_goes_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text("http: {port: 5000, host: 0.0.0.0}\n")
    settings = read_settings(file, {"port": 6000})
    assert (settings.http.port, settings.http.host) == (6000, "0.0.0.0")
    assert read_settings(None).http.port == 4000


async def test_nobody_is_told_ready_before_the_start_and_after_the_stop() -> None:
    supergraph = (FIXTURES / "simple_key" / "supergraph.graphql").read_text()
    gateway = build_gateway(supergraph, Settings())
    transport = httpx.ASGITransport(gateway.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:

        async def statuses() -> list[int]:
            return [(await client.get(f"/health/{name}")).status_code for name in ("live", "ready")]

        assert await statuses() == [200, 503]
        gateway.readiness.open()
        assert await statuses() == [200, 200]
        gateway.readiness.close()
        assert await statuses() == [200, 503]
