"""The explorer's page and files, without a browser."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.app import build_gateway
from gateway.http.explorer.assets import read_assets
from gateway.http.explorer.examples import Example, read_examples
from gateway.settings import Settings, SettingsError, read_settings
from tests.conformance.federation import FIXTURES

SUPERGRAPH = (FIXTURES / "simple_key" / "supergraph.graphql").read_text()


@asynccontextmanager
async def gateway(**sections: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = build_gateway(SUPERGRAPH, Settings.model_validate(sections)).app
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test") as client:
        yield client


def settings_in(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="settings">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    settings: dict[str, Any] = json.loads(found[1])
    return settings


async def test_no_path_leads_to_an_explorer_that_is_not_switched_on() -> None:
    async with gateway() as client:
        assert [(await client.get(path)).status_code for path in ("/", "/explorer/", "/explorer/x/web/store.js")] == [
            404,
            404,
            404,
        ]


async def test_the_page_lies_at_the_root_alone_and_is_only_read() -> None:
    async with gateway(explorer={"enabled": True}) as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["cache-control"] == "no-store"
        posted = await client.post("/", json={"query": "{ __typename }"})
        assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
        assert (await client.get("/index.html")).status_code == 404
        api = await client.post("/graphql", json={"query": "{ __typename }"})
        assert api.json() == {"data": {"__typename": "Query"}}


async def test_the_page_allows_nothing_but_its_own_host_and_no_script_within() -> None:
    async with gateway(explorer={"enabled": True}) as client:
        page, again = await client.get("/"), await client.get("/")

    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    nonce = policy.pop("style-src").removeprefix("'self' ")
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert re.fullmatch(r"'nonce-[\w-]{22}'", nonce)
    assert nonce not in again.headers["content-security-policy"]
    kinds = re.findall(r"<script ([^>]*)>", page.text)
    assert [("application/json" in kind, "src=" in kind) for kind in kinds] == [(True, False), (False, True)]


async def test_files_are_kept_for_ever_under_a_path_of_their_content() -> None:
    async with gateway(explorer={"enabled": True}) as client:
        paths = re.findall(r'(?:src|href)="([^"]+)"', (await client.get("/")).text)
        files = [await client.get(path) for path in paths]
        base = paths[0].rpartition("/web/")[0]
        older = await client.get(f"/explorer/{'0' * 16}/web/explorer.js")
        plain = await client.get(f"{base}/vendor/vendor.js", headers={"accept-encoding": "identity"})

    assert re.fullmatch(r"/explorer/[0-9a-f]{16}", base)
    assert {file.status_code for file in files} == {200}
    assert {file.headers["cache-control"] for file in files} == {"public, max-age=31536000, immutable"}
    assert {file.headers["content-encoding"] for file in files} == {"gzip"}
    assert {file.headers["vary"] for file in files} == {"accept-encoding"}
    assert "content-encoding" not in plain.headers
    assert [plain.content] == [file.content for file in files if file.url.path.endswith("vendor.js")]
    assert older.status_code == 404


def test_a_changed_file_moves_all_of_them(tmp_path: Path) -> None:
    for name in ("vendor", "web"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.js").write_text("1")
    before = read_assets(tmp_path)
    (tmp_path / "web" / "a.js").write_text("2")
    after = read_assets(tmp_path)
    assert before.by_path.keys() == {f"{before.base}vendor/a.js", f"{before.base}web/a.js"}
    assert before.base != after.base


async def test_what_settings_and_examples_say_cannot_end_the_scripts_data(tmp_path: Path) -> None:
    evil = "</script><script>alert(1)</script>"
    (tmp_path / "1.graphql").write_text(f"# {evil}\nquery Ask {{ __typename }}\n")
    async with gateway(explorer={"enabled": True, "title": evil, "examples": str(tmp_path)}) as client:
        page = (await client.get("/")).text

    assert "<script>" not in page
    assert (settings_in(page)["title"], settings_in(page)["examples"][0]["description"]) == (evil, evil)


async def test_the_page_learns_what_the_gateway_allows() -> None:
    login = {"name": "buyer", "variables": {"email": "b@x.example"}}
    sign_in = {"document": "mutation { login { token } }", "token": "login.token", "logins": [login]}
    sections: dict[str, Any] = {
        "explorer": {"enabled": True, "sign_in": sign_in, "fresh_variables": ["key"]},
        "pipeline": {"expose_query_plan": True},
        "subscriptions": {"enabled": False},
        "http": {"path": "/api"},
    }
    async with gateway(**sections) as client:
        told = settings_in((await client.get("/")).text)
    assert told == {
        "title": "Explorer",
        "endpoint": "/api",
        "plan": True,
        "subscriptions": False,
        "freshVariables": ["key"],
        "examples": [],
        "signIn": sign_in | {"token": ["login", "token"]},
    }


def test_an_example_tells_its_name_its_kind_and_what_it_is_for(tmp_path: Path) -> None:
    text = "# Adds one thing,\n# and tells what all cost.\nmutation AddToMyCart($key: ID!, $n: Int = 1) { add }\n"
    (tmp_path / "2_add.graphql").write_text(text)
    (tmp_path / "1_me.graphql").write_text("query Me { me }")
    assert read_examples(tmp_path) == (
        Example("Me", "query", "", (), "query Me { me }"),
        Example("Add to my cart", "mutation", "Adds one thing, and tells what all cost.", ("key", "n"), text),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("query Me { me", "Syntax Error"),
        ("{ me }", "one operation with a name"),
        ("query A { me } query B { me }", "one operation with a name"),
    ],
)
def test_an_example_that_cannot_be_used_is_named_at_the_start(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "odd.graphql").write_text(text)
    explorer = {"enabled": True, "examples": str(tmp_path)}
    with pytest.raises(ValueError, match=rf"odd\.graphql.*{problem}"):
        build_gateway(SUPERGRAPH, Settings.model_validate({"explorer": explorer}))


def test_a_folder_without_examples_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no \.graphql file"):
        read_examples(tmp_path)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("explorer: {enable: true}", r"explorer\.enable"),
        ("explorer: {sign_in: {document: x, token: y, logins: [{name: a, password: b}]}}", r"logins\.0\.password"),
        ("explorer: {enabled: true}\nhttp: {path: /}", "another http.path than /"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=problem):
        read_settings(file)
