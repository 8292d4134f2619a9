"""Header rules, one by one and in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.executor.header_rules import HeaderRulesConfig, RequestHeaders, ResponseHeaders
from gateway.settings import SettingsError, read_settings

CLIENT = {
    "host": "gateway.test",
    "accept-encoding": "gzip",
    "accept-language": "de",
    "authorization": "Bearer x",
    "content-length": "9",
    "x-shop-a": "1",
    "x-shop-b": "2",
    "x-user": "ada",
}


def sent(*rules: dict[str, Any], own: tuple[dict[str, Any], ...] = (), **more: Any) -> dict[str, str]:
    config = {"all": {"request": rules}, "subgraphs": {"a": {"request": own}}}
    headers = RequestHeaders(HeaderRulesConfig.model_validate(config), **more)
    return headers.of(headers.group("a"), CLIENT)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], {}),
        ([{"propagate": {"named": "X-User"}}], {"x-user": "ada"}),
        ([{"propagate": {"named": "x-user", "rename": "X-Who"}}], {"x-who": "ada"}),
        ([{"propagate": {"named": "x-none"}}], {}),
        ([{"propagate": {"named": "x-none", "default": "0"}}], {"x-none": "0"}),
        ([{"propagate": {"matching": "X-Shop-.*"}}], {"x-shop-a": "1", "x-shop-b": "2"}),
        ([{"propagate": {"matching": "shop"}}], {}),
        ([{"insert": {"name": "X-Via", "value": "gateway"}}], {"x-via": "gateway"}),
        ([{"propagate": {"matching": "x-.*"}}, {"remove": {"matching": "x-shop-.*"}}], {"x-user": "ada"}),
        ([{"remove": {"named": "x-user"}}, {"propagate": {"named": "x-user"}}], {"x-user": "ada"}),
        ([{"propagate": {"named": "x-user"}}, {"insert": {"name": "x-user", "value": "eve"}}], {"x-user": "eve"}),
    ],
)
def test_rules_are_applied_from_first_to_last(rules: list[dict[str, Any]], expected: dict[str, str]) -> None:
    assert sent(*rules) == expected


def test_what_belongs_to_the_connection_or_the_gateway_never_passes() -> None:
    everything = sent({"propagate": {"matching": ".*"}})
    assert set(everything) == {"accept-language", "authorization", "x-shop-a", "x-shop-b", "x-user"}


def test_rules_of_one_subgraph_come_after_those_of_all() -> None:
    rules = {"propagate": {"named": "x-user"}}
    assert sent(rules, own=({"remove": {"named": "x-user"}},), passed=("Accept-Language",)) == {"accept-language": "de"}
    headers = RequestHeaders(HeaderRulesConfig.model_validate({"subgraphs": {"a": {"request": [rules]}}}))
    assert (headers.group("a"), headers.group("b")) == ("a", "")
    assert headers.of("", CLIENT) == {}


def test_what_is_withheld_cannot_be_sent_under_any_rule() -> None:
    rules = ({"propagate": {"matching": ".*"}}, {"propagate": {"named": "x-user", "rename": "authorization"}})
    assert "authorization" not in sent(*rules, withheld=("authorization",))


def received(rules: list[dict[str, Any]], *answers: tuple[str, list[tuple[str, str]]]) -> list[tuple[str, str]]:
    return ResponseHeaders(HeaderRulesConfig.model_validate({"all": {"response": rules}})).of(answers)


COOKIES = {"propagate": {"named": "set-cookie"}}


def test_cookies_of_several_subgraphs_are_kept_whole_each_once() -> None:
    dated = "s=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/"
    first = ("a", [("set-cookie", dated), ("set-cookie", "t=2"), ("x-other", "no")])
    second = ("b", [("set-cookie", "u=3"), ("set-cookie", "t=2")])
    assert received([COOKIES], first, second) == [("set-cookie", dated), ("set-cookie", "t=2"), ("set-cookie", "u=3")]


@pytest.mark.parametrize(("merge", "value"), [("append", "1, 2"), ("first", "1"), ("last", "2")])
def test_other_headers_are_merged_as_the_rule_says(merge: str, value: str) -> None:
    rules = [{"propagate": {"named": "x-a", "merge": merge}}]
    answers = (("a", [("x-a", "1")]), ("b", [("x-a", "2")]))
    assert received(rules, *answers) == [("x-a", value)]


def test_responses_are_renamed_defaulted_removed_and_added_to() -> None:
    rules: list[dict[str, Any]] = [
        {"propagate": {"matching": ".*"}},
        {"remove": {"named": "x-secret"}},
        {"propagate": {"named": "x-none", "default": "0", "rename": "x-some"}},
        {"insert": {"name": "x-via", "value": "g"}},
    ]
    lines = [("x-a", "1"), ("x-secret", "s"), ("content-type", "text/html"), ("access-control-allow-origin", "*")]
    assert received(rules, ("a", lines)) == [("x-a", "1"), ("x-some", "0"), ("x-via", "g")]


def test_only_a_subgraph_whose_cookies_pass_says_so() -> None:
    config = {"all": {"response": [{"propagate": {"named": "x-a"}}]}, "subgraphs": {"a": {"response": [COOKIES]}}}
    headers = ResponseHeaders(HeaderRulesConfig.model_validate(config))
    assert [headers.passes_cookies(name) for name in ("a", "b")] == [True, False]
    assert headers.concerns("b")
    assert not ResponseHeaders().concerns("a")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("request: [{propagate: {named: host}}]", "host is the gateway's own to set"),
        ("request: [{insert: {name: Content-Length, value: '1'}}]", "content-length is the gateway's own to set"),
        ("request: [{propagate: {named: x-a, rename: connection}}]", "connection is the gateway's own to set"),
        (
            "response: [{propagate: {named: access-control-allow-origin}}]",
            "access-control-allow-origin is the gateway's",
        ),
        ("request: [{propagate: {named: x-a}, remove: {named: x-a}}]", "exactly one of propagate, insert, remove"),
        ("request: [{}]", "exactly one of propagate, insert, remove"),
        ("request: [{propagate: {named: x-a, matching: x}}]", "either named or matching"),
        ("request: [{propagate: {matching: '('}}]", "headers.all.request.0.propagate.matching"),
        ("request: [{propagate: {named: 'x a'}}]", "no header name"),
        ('request: [{insert: {name: x-a, value: "1\\r\\nx-b: 2"}}]', "one line"),
        ("request: [{propagate: {named: x-a, merge: last}}]", r"headers.all.request.0.propagate.merge"),
        ("requests: []", r"headers.all.requests"),
    ],
)
def test_a_rule_that_cannot_hold_is_refused_at_the_start(tmp_path: Path, rule: str, message: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(f"headers: {{all: {{{rule}}}}}")
    with pytest.raises(SettingsError, match=message):
        read_settings(file)
