"""The explorer as a developer uses it: a real Chromium before the whole stack."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from shared.register import REGISTER_FILE
from shared.testing.eventually import eventually
from shared.testing.running_stack import RunningStack
from supergraph.demo.acts import add_to_cart
from supergraph.demo.client import Client
from supergraph.seed import BUYER, PASSWORD
from tests.fixtures.browser import ARTEFACTS, HOLD_PARTS, Visit, chromium, open_page

SHOWN = "document.querySelector('.graphiql-response .CodeMirror').CodeMirror.getValue()"
WINDOW = "{ products(first: 1, sort: TITLE) { edges { node { seller { name } variants { id } } } } }"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as browser:
        yield browser


@pytest.fixture
async def visit(running_stack: RunningStack, browser: Browser) -> AsyncIterator[Visit]:
    """A first visit. What the page has asked of anybody is looked at once it is over."""
    async with open_page(browser) as visit:
        # Time goes on as ever, until a test has it leap.
        await visit.page.clock.install()
        await visit.page.goto(home(running_stack))
        yield visit
        host = home(running_stack).removeprefix("http://").rstrip("/")
        assert {netloc for _, netloc in visit.asked} == {host}
        assert visit.complaints == []


def home(running_stack: RunningStack) -> str:
    return running_stack.gateway_url.removesuffix("graphql")


async def show(page: Page, panel: str) -> None:
    await page.get_by_role("button", name=f"Show {panel}", exact=True).click()


async def open_example(page: Page, name: str) -> None:
    """Opens an example, and waits until GraphiQL has understood it: that takes a moment after the last key."""
    await page.locator(".examples button", has=page.get_by_text(name, exact=True)).click()
    await expect(page.locator(".graphiql-tab-active, [aria-selected=true]").last).to_contain_text(
        name.title().replace(" ", ""), ignore_case=True
    )


async def run(page: Page) -> None:
    await page.get_by_role("button", name="Execute query").click()


async def sign_in(page: Page, name: str) -> None:
    await page.get_by_role("button", name=name, exact=True).click()
    await expect(page.locator(".sign-in .status")).to_contain_text(f"Signed in as {name}")


async def test_a_developer_reads_the_schema_runs_an_example_and_sees_its_plan(visit: Visit) -> None:
    page = visit.page
    # given the page of a first visit, which has examples to offer and one of them in a tab
    await expect(page.get_by_role("heading", name="Examples")).to_be_visible()
    await expect(page.locator(".graphiql-query-editor")).to_contain_text("query BrowseProducts")
    # and documentation of the schema
    await show(page, "Documentation Explorer")
    await expect(page.locator(".graphiql-doc-explorer")).to_contain_text("subscription: Subscription")

    # when the example is run
    await show(page, "Query plan")
    await run(page)

    # then its answer is there, and the plan of that run: one fetch, and three that wait for it
    await expect(page.locator(".graphiql-response")).to_contain_text('"priceRange"')
    fetches = page.locator(".plan g.fetch")
    await expect(fetches).to_have_count(4)
    assert {
        name.partition(":")[0] for name in [await f.get_attribute("aria-label") or "" for f in await fetches.all()]
    } == {
        "catalog",
        "sellers",
        "inventory",
        "reviews",
    }
    assert await page.locator(".plan path.arrow").count() == 3
    assert await page.locator(".plan rect.bar").count() == 4
    # and a fetch tells what it has asked
    await page.get_by_role("button", name="sellers:").click()
    await expect(page.locator(".plan pre")).to_contain_text("_entities(representations: $representations)")
    ARTEFACTS.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=ARTEFACTS / "explorer.png")
    # and the dialogs, which bring a style of their own, are within the page's policy
    await page.get_by_role("button", name="Open settings dialog").click()
    await expect(page.get_by_role("dialog")).to_contain_text("Theme")
    await page.keyboard.press("Escape")
    # and the plan does not clutter the answer
    await expect(page.locator(".graphiql-response")).not_to_contain_text("queryPlan")


async def test_deferred_parts_are_completed_validated_shown_as_they_come_and_drawn(
    running_stack: RunningStack, visit: Visit
) -> None:
    page = visit.page
    response, fetches = page.locator(".graphiql-response"), page.locator(".plan g.fetch")
    # given an example that defers what three subgraphs know, and parts that come when the test says so
    await page.evaluate(HOLD_PARTS)
    await open_example(page, "Browse in parts")
    await show(page, "Query plan")
    # when it is run, then the first part is shown alone
    await run(page)
    await expect(response).to_contain_text('"title"')
    await expect(page.locator(".plan")).to_contain_text("deferred details at products.edges.node, fetch 1, 2, 3")
    drawn = [await fetch.get_attribute("aria-label") for fetch in await fetches.all()]
    assert [label for label in drawn if label and label.endswith(": to come, deferred 1")] == drawn[1:]
    assert len(drawn) == 4
    await expect(response).not_to_contain_text("level")
    await page.screenshot(path=ARTEFACTS / "explorer-deferred.png")
    # and with the rest it is the answer to the operation without @defer
    await page.evaluate("release()")
    await expect(response).to_contain_text("level")
    await expect(page.get_by_role("button", name="Execute query")).to_be_visible()
    example = (REGISTER_FILE.with_name("explorer") / "01_browse_in_parts.graphql").read_text(encoding="utf-8")
    async with httpx.AsyncClient(base_url=home(running_stack), trust_env=False, timeout=60) as http:
        plain = {"query": example.replace('@defer(label: "details")', "")}
        whole = (await http.post("graphql", json=plain)).json()
    assert json.loads(await page.evaluate(SHOWN)) == whole
    assert len(whole["data"]["products"]["edges"][0]["node"]) == 4
    for fetch in await fetches.all():
        await expect(fetch).not_to_have_attribute("data-outcome", "unneeded")
    # and the editor knows the directive, finds no fault with it, and offers it
    assert await page.locator(".CodeMirror-lint-mark-error").count() == 0
    await page.locator(".graphiql-query-editor .CodeMirror").click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type("{ products(first: 1) { ... @de")
    await expect(page.locator(".CodeMirror-hint").first).to_have_text("defer")


async def test_a_sign_in_goes_along_with_every_tab_and_with_subscriptions(
    running_stack: RunningStack, visit: Visit
) -> None:
    page = visit.page
    # given a buyer who is signed in
    await show(page, "Sign in")
    await sign_in(page, "buyer")
    await expect(page.locator(".badge")).to_have_text("buyer")
    # then a query knows who asks
    await show(page, "Examples")
    await open_example(page, "Me")
    await run(page)
    await expect(page.locator(".graphiql-response")).to_contain_text(BUYER[0])
    # and the browser keeps what was asked, but not by whom
    kept = await page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})")
    assert ("query Me" in kept, "eyJ" in kept, "Bearer" in kept) == (True, False, False)

    # when orders are watched, and one moves
    await open_example(page, "Watch my orders")
    await run(page)
    response = page.locator(".graphiql-response")
    async with httpx.AsyncClient(base_url=home(running_stack), trust_env=False, timeout=60) as http:
        buyer = Client(http, BUYER[1])
        await buyer.sign_in(BUYER[0], PASSWORD)
        product = (await buyer.ask(WINDOW))["products"]["edges"][0]["node"]

        async def an_order_is_seen_to_move() -> bool:
            await order_and_cancel(buyer, product["variants"][0]["id"])
            return '"orderUpdated"' in await response.inner_text()

        await eventually("an order that moves", an_order_is_seen_to_move)

    # then the page is told, with what another subgraph knows of it
    await expect(response).to_contain_text(product["seller"]["name"])
    assert {scheme for scheme, _ in visit.asked} == {"http", "ws"}
    await show(page, "Query plan")
    await expect(page.get_by_role("button", name="sellers:")).to_be_visible()
    await page.screenshot(path=ARTEFACTS / "explorer-subscription.png")
    # and nothing more once it is stopped
    await page.get_by_role("button", name="Stop query").click()
    await expect(page.get_by_role("button", name="Execute query")).to_be_visible()


async def order_and_cancel(buyer: Client, variant: str) -> None:
    """Stock is as it was, a moment later."""
    cart = (await add_to_cart(buyer, variant, 1))["cart"]
    placed = await buyer.do("checkout", "orderGroup { id }", cartVersion=cart["version"])
    await buyer.do("cancelOrderGroup", "orderGroup { id }", orderGroupId=placed["orderGroup"]["id"])


async def test_a_sign_in_that_has_ended_is_told_and_can_be_renewed(visit: Visit) -> None:
    page = visit.page
    # given a token that is past its end
    await show(page, "Sign in")
    await sign_in(page, "buyer")
    await page.clock.fast_forward("15:00")
    # then the page says so, and sends nothing in the name of a visitor
    await expect(page.locator(".badge")).to_have_text("buyer: ended")
    await run(page)
    await expect(page.locator(".graphiql-response")).to_contain_text("SIGN_IN_ENDED")
    # and one click later all is well
    await page.get_by_role("button", name="buyer", exact=True).click()
    await expect(page.locator(".badge")).to_have_text("buyer")
    await page.get_by_role("button", name="Sign out").click()
    await run(page)
    await expect(page.locator(".graphiql-response")).to_contain_text('"priceRange"')
