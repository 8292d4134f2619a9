"""Prometheus over the running stack: what it scrapes is in the catalogue, and every panel and alert finds its figures."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.devstack.backing import remembered_backing
from shared.devstack.monitoring import configuration, prometheus_of
from shared.devstack.passwords import load_passwords
from shared.devstack.services import Service, services
from shared.testing.running_stack import RunningStack
from supergraph.demo.acts import add_to_cart, order_reaches, pay
from tests.contract.monitoring.bounds import MOST_SERIES, bound_of, is_within
from tests.contract.monitoring.catalogue import EVERY, GATEWAY, SERVICES, declared
from tests.contract.monitoring.dashboards import Query, queries
from tests.contract.monitoring.rules import alerts, rules
from tests.e2e.test_live import WARES, sign_in

MAY_BE_EMPTY = {
    ("graph", "Refusals by code"),
    ("graph", "Listed operations by client"),
    ("graph", "Cache trouble"),
    ("graph", "Idempotent writes answered again"),
    ("graph", "Reports by where they were read"),
    ("graph", "Days until certificates end"),
    ("money", "Writes that were asked for twice"),
}
"""Panels of what goes wrong or was not asked for, or of what this stack does not have: a replica, TLS."""

AFTER_A_SALE = {
    ("graph", "Requests a second"),
    ("graph", "Rate by operation"),
    ("graph", "Time of all requests"),
    ("graph", "Rate by subgraph"),
    ("graph", "p95 by subgraph"),
    ("graph", "Rate by root field"),
    ("saga", "What became of them"),
    ("saga", "Steps of stock and payment"),
    ("saga", "From event to effect, p95"),
    ("money", "Payments"),
    ("broker", "Confirmed by event"),
    ("broker", "Deliveries by outcome"),
}
"""Panels that show something above zero once somebody has bought something."""

# A rate needs two scrapes within it.
WINDOW = "1m"


def _listed(stack: RunningStack) -> list[Service]:
    layout = stack.layout
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    return services(layout, remembered_backing(layout, passwords).addresses, passwords)


@pytest.fixture(scope="module")
async def prometheus(running_stack: RunningStack) -> AsyncIterator[httpx.AsyncClient]:
    """A Prometheus that was there before, while and after something was sold."""
    layout = running_stack.layout
    passwords = load_passwords(layout.secrets / "passwords.json", layout.register)
    server = prometheus_of(layout)
    scraped = configuration(_listed(running_stack), remembered_backing(layout, passwords), every="1s")
    await asyncio.to_thread(server.start, scraped)
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60) as client:
            await _scraped(client, len(scraped["scrape_configs"]))
            await _sell(running_stack)
            await _scraped(client, len(scraped["scrape_configs"]))
            await _until(client, "ledger_imbalance_cents")
            yield client
    finally:
        await asyncio.to_thread(server.stop)


async def _scraped(client: httpx.AsyncClient, jobs: int) -> None:
    """Every job has been scraped twice from now on."""
    before = {series["metric"]["job"]: float(series["value"][1]) for series in await _ask(client, "timestamp(up == 1)")}
    await _until(client, f"count(timestamp(up == 1) > {max(before.values(), default=0) + 2}) == {jobs}")


async def _until(client: httpx.AsyncClient, expression: str, seconds: float = 60) -> None:
    """Until Prometheus has an answer to it."""
    async with asyncio.timeout(seconds):
        while not await _ask(client, expression):  # noqa: ASYNC110 — Prometheus tells nobody what it has scraped.
            await asyncio.sleep(0.1)


async def _ask(client: httpx.AsyncClient, expression: str) -> list[Any]:
    answer = (await client.get("/api/v1/query", params={"query": expression})).json()
    assert answer["status"] == "success", (expression, answer)
    result: list[Any] = answer["data"]["result"]
    return result


async def _sell(stack: RunningStack) -> None:
    base = stack.gateway_url.removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=60) as http:
        buyer, _ = await sign_in(stack, http, "buyer")
        seller, _ = await sign_in(stack, http, "seller")
        variant = (await seller.ask(WARES))["stockItems"]["edges"][0]["node"]["variant"]["id"]
        cart = (await add_to_cart(buyer, variant, 1))["cart"]
        placed = await buyer.do("checkout", "orderGroup { id }", cartVersion=cart["version"])
        await pay(buyer, placed["orderGroup"]["id"])
        await order_reaches(buyer, placed["orderGroup"]["id"], "CONFIRMED")


async def test_what_a_process_exports_is_in_the_catalogue_and_its_labels_are_within_their_bounds(
    running_stack: RunningStack,
) -> None:
    listed = {service.name: service for service in _listed(running_stack)}
    ports = {name: service.operations_port for name, service in listed.items() if service.operations_port}
    ports["gateway"] = listed["gateway"].port
    strangers: dict[str, set[str]] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        for name, port in ports.items():
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
            strangers[name] = _strangers(text, declared(EVERY, GATEWAY if name == "gateway" else SERVICES).keys())
            assert f'build_info{{service="{name}",version="development"}} 1.0' in text
            assert "process_resident_memory_bytes" in text
            assert text.count("\n") < MOST_SERIES, name
    assert len(ports) == 2 * len(running_stack.layout.register.subgraphs) + 2
    assert {name: found for name, found in strangers.items() if found} == {}


def _strangers(text: str, known: Any) -> set[str]:
    found = set()
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        if name.startswith(("process_", "python_")):
            continue
        if name not in known and not name.endswith("_created"):
            found.add(name)
        for sample in family.samples:
            for label, value in sample.labels.items():
                bound = bound_of(name.removesuffix("_created"), label)
                if label != "le" and (bound is None or not is_within(bound, value)) and not name.endswith("_created"):
                    found.add(f"{name}{{{label}={value}}}")
    return found


async def test_every_panel_finds_its_figures(prometheus: httpx.AsyncClient) -> None:
    empty: set[tuple[str, str]] = set()
    still = set(AFTER_A_SALE)
    for query in queries():
        series = await _ask(prometheus, query.over(WINDOW))
        panel = (query.dashboard, query.panel)
        if not series:
            empty.add(panel)
        if any(_value(each) > 0 for each in series):
            still.discard(panel)
    assert empty - MAY_BE_EMPTY == set()
    assert still == set()


def _value(series: Any) -> float:
    value = float(series["value"][1])
    return 0.0 if math.isnan(value) else value


async def test_every_rule_is_loaded_and_evaluates_and_nothing_fires_that_calls_somebody(
    prometheus: httpx.AsyncClient,
) -> None:
    async def loaded() -> dict[str, str]:
        groups = (await prometheus.get("/api/v1/rules")).json()["data"]["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    names = {rule.get("record") or rule["alert"] for rule in rules()}
    for _ in range(300):
        if set((await loaded()).values()) == {"ok"}:
            break
        await asyncio.sleep(0.1)
    assert await loaded() == dict.fromkeys(names, "ok")
    firing = await _ask(prometheus, 'ALERTS{alertstate="firing",severity="page"}')
    assert {series["metric"]["alertname"] for series in firing} <= _OF_A_SLOW_MACHINE
    for name, alert in alerts().items():
        # What it compares is there: an alert on figures that nobody tells would keep still for ever.
        assert await _ask(prometheus, _compared(alert["expr"])) or name in _QUIET, name


_OF_A_SLOW_MACHINE = {"AvailabilityBudgetBurnsFast", "LatencyBudgetBurnsFast"}
_QUIET = {"CertificateExpiresSoon", "CertificateExpires", "DatabaseConnectionSpike"}
"""They look at TLS that this stack does not have, or an hour back."""


def _compared(expression: str) -> str:
    """What an alert compares first: its left side."""
    first = expression.splitlines()[0].partition(" and ")[0].removeprefix("(gateway:")
    side = first.partition(" > ")[0].partition(" == ")[0].partition(" < ")[0]
    return f"gateway:{side}" if expression.startswith("(gateway:") else side


def test_the_panels_that_are_named_here_are_there() -> None:
    panels = {(query.dashboard, query.panel) for query in queries()}

    assert (MAY_BE_EMPTY | AFTER_A_SALE) - panels == set()
    assert isinstance(queries()[0], Query)
