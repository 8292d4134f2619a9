"""Headers on their way through: from the client to each subgraph, and cookies back."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import federation, sdl, serve
from tests.conformance.subgraph import Subgraph

DATED = "session=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly"


def subgraphs() -> dict[str, Subgraph]:
    one = Subgraph(sdl("shared_roots", "one"), {"Query.version": {"major": 1, "one": "1"}, "Query.here": "here"})
    two = Subgraph(sdl("shared_roots", "two"), {"Query.version": {"major": 1, "two": "2"}, "Query.here": "here"})
    one.answers_with = [("set-cookie", DATED), ("Set-Cookie", "a=1"), ("x-cache", "hit"), ("x-internal", "secret")]
    two.answers_with = [("set-cookie", "b=2"), ("x-cache", "miss")]
    return {"one": one, "two": two}


RULES: dict[str, Any] = {
    "all": {
        "request": [{"propagate": {"matching": "x-shop-.*"}}, {"insert": {"name": "x-via", "value": "gateway"}}],
        "response": [{"propagate": {"named": "set-cookie"}}, {"propagate": {"named": "x-cache"}}],
    },
    "subgraphs": {"two": {"request": [{"remove": {"named": "x-shop-b"}}, {"propagate": {"named": "cookie"}}]}},
}


async def test_each_subgraph_gets_what_its_rules_say() -> None:
    async with federation("shared_roots", subgraphs(), {"headers": RULES}) as graph:
        headers = {"x-shop-a": "1", "x-shop-b": "2", "cookie": "c=3", "x-other": "4", "accept-language": "de"}
        await graph.ask("{ version { one two } }", headers=headers)
        (one,), (two,) = (graph.subgraphs[name].headers for name in ("one", "two"))
        watched = ("x-shop-a", "x-shop-b", "x-via", "cookie", "x-other", "accept-language")
        assert [one.get(name) for name in watched] == ["1", "2", "gateway", None, None, "de"]
        assert [two.get(name) for name in watched] == ["1", None, "gateway", "c=3", None, "de"]


async def test_every_cookie_of_every_subgraph_arrives_whole_and_in_the_order_of_the_plan() -> None:
    async with federation("shared_roots", subgraphs(), {"headers": RULES}) as graph:
        answer = await graph.client.post("/graphql", json={"query": "{ version { one two } }"})
        assert answer.json() == {"data": {"version": {"one": "1", "two": "2"}}}
        assert answer.headers.get_list("set-cookie") == [DATED, "a=1", "b=2"]
        assert answer.headers.get_list("x-cache", split_commas=False) == ["hit, miss"]
        assert "x-internal" not in answer.headers


async def test_without_rules_nothing_comes_back() -> None:
    async with federation("shared_roots", subgraphs()) as graph:
        answer = await graph.client.post("/graphql", json={"query": "{ version { one two } }"})
        assert not {"set-cookie", "x-cache", "x-internal"} & set(answer.headers)


async def test_answers_whose_cookies_reach_clients_are_not_shared() -> None:
    release = asyncio.Event()
    served = subgraphs()

    async def version(_root: object, _info: object) -> dict[str, Any]:
        if len(served["one"].requests) == 2:
            release.set()
        await release.wait()
        return {"major": 1, "one": "1"}

    served["one"].fields = {"Query.version": version}
    async with federation("shared_roots", served, {"headers": RULES}) as graph:
        asked = [graph.client.post("/graphql", json={"query": "{ version { one } }"}) for _ in range(2)]
        answers = await asyncio.gather(*asked)
        assert [answer.headers.get_list("set-cookie") for answer in answers] == [[DATED, "a=1"]] * 2
        assert graph.counts == {"one": 2}


async def test_a_rule_may_send_the_clients_token_on_where_the_gateway_signs_nothing() -> None:
    rules = {"all": {"request": [{"propagate": {"named": "authorization"}}]}}
    async with serve(key_server) as keys:
        settings: dict[str, Any] = {"headers": rules, "authentication": authentication(keys)}
        token = f"Bearer {access_token()}"
        async with federation("shared_roots", subgraphs(), settings) as graph:
            await graph.ask("{ version { one } }", headers={"authorization": token})
            assert graph.subgraphs["one"].headers[0]["authorization"] == token
