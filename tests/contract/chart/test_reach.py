"""Who reaches whom, computed from the NetworkPolicies: this and nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from shared.register import load_register
from tests.fixtures.chart.reach import Edge, Place, edges
from tests.fixtures.chart.rendering import NAMESPACE, render, rendered

REGISTER = load_register()
DOMAINS = {subgraph.name: subgraph for subgraph in REGISTER.subgraphs}
HERE = {"kubernetes.io/metadata.name": NAMESPACE}

INGRESS = Place("ingress", (443,), {"app": "controller"}, {"kubernetes.io/metadata.name": "ingress-nginx"})
PROMETHEUS = Place("prometheus", (9090, 4318), {"app": "prometheus"}, {"kubernetes.io/metadata.name": "monitoring"})
DNS = Place("dns", (53,), {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
STRANGERS = (
    Place("neighbour", (80,), {"app": "neighbour"}, HERE),
    Place("stranger", (80,), {"app.kubernetes.io/name": "gateway"}, {"kubernetes.io/metadata.name": "elsewhere"}),
    Place("world", (80, 443), None, {}, cidr="198.51.100.0/24"),
)
STORES = (
    Place("postgres", (5432,), {"app.kubernetes.io/name": "postgres"}, HERE),
    Place("redis", (6379,), {"app.kubernetes.io/name": "redis"}, HERE),
    Place("rabbitmq", (5671, 15671), {"app.kubernetes.io/name": "rabbitmq"}, HERE),
)
PRODUCTION_STORES = (
    Place("postgres", (5432,), None, {}, cidr="10.10.0.0/24"),
    Place("redis", (6379,), None, {}, cidr="10.10.1.0/24"),
    Place("rabbitmq", (5671, 15671), None, {}, cidr="10.10.2.0/24"),
)
INTERNET = Place("internet", (443, 587, 25), None, {}, cidr="0.0.0.0/0")


def test_the_whole_matrix_is_what_is_written_here() -> None:
    release = rendered("default")

    found = edges(release, (INGRESS, PROMETHEUS, DNS, *STRANGERS, *STORES))

    assert found == _served() | _watched() | _stores() | {(name, "dns", 53) for name in release.pods}


def test_each_end_alone_keeps_to_it() -> None:
    """A policy that somebody loosens at one end opens nothing, and is seen."""
    release = rendered("default")
    places = (INGRESS, PROMETHEUS, DNS, *STRANGERS, *STORES)
    matrix = _served() | _watched() | _stores() | {(name, "dns", 53) for name in release.pods}

    sent = {edge for edge in edges(release, places, sides=("Egress",)) if edge[0] in release.pods}
    taken = {edge for edge in edges(release, places, sides=("Ingress",)) if edge[1] in release.pods}

    assert sent == {edge for edge in matrix if edge[0] in release.pods}
    assert taken == {edge for edge in matrix if edge[1] in release.pods}


def test_production_reaches_its_stores_its_providers_and_the_collector() -> None:
    release = rendered("production")

    found = edges(release, (INGRESS, PROMETHEUS, DNS, *STRANGERS, *PRODUCTION_STORES, INTERNET))

    traced = {(name, "prometheus", 4318) for name in release.pods if name not in {"pgbouncer", "migration", "operator"}}
    provided = {(f"payments-{kind}", "internet", 443) for kind in ("api", "worker")}
    mailed = {(f"notifications-{kind}", "internet", 587) for kind in ("api", "worker")}
    named = {(name, "dns", 53) for name in release.pods}
    assert found == _served() | _watched() | _stores() | named | traced | provided | mailed


@pytest.mark.parametrize("domain", DOMAINS)
def test_only_the_gateway_reaches_a_subgraph_but_by_a_route_that_is_signed_or_public(domain: str) -> None:
    found = edges(rendered("production"), (INGRESS, PROMETHEUS, DNS, *STRANGERS, *PRODUCTION_STORES, INTERNET))

    callers = {source for source, target, port in found if (target, port) == (f"{domain}-api", DOMAINS[domain].port)}

    assert callers == {"gateway"} | ({"ingress"} if domain in {"accounts", "payments"} else set())


def test_another_router_reaches_every_subgraph_where_values_let_it_in() -> None:
    router = Place("router", (4000,), {"app": "hive-router"}, HERE)
    let_in = render({"networkPolicy": {"routers": [{"podSelector": {"matchLabels": router.labels}}]}})

    found = edges(let_in, (router, *STRANGERS))

    assert {edge for edge in found if "router" in edge} == {
        ("router", f"{name}-api", subgraph.port) for name, subgraph in DOMAINS.items()
    }
    assert not [edge for edge in edges(rendered("default"), (router,)) if "router" in edge]


def test_a_pod_of_the_release_that_no_policy_speaks_of_is_alone() -> None:
    """The default denies: without the policy of its own, the evictor reaches nothing and nobody reaches it."""
    release = rendered("default")
    without = type(release)(
        tuple(
            manifest
            for manifest in release.manifests
            if (manifest["kind"], manifest["metadata"]["name"]) != ("NetworkPolicy", "shop-evictor")
        )
    )

    found = edges(without, (INGRESS, PROMETHEUS, DNS, *STRANGERS, *STORES))

    assert not [edge for edge in found if "evictor" in edge[:2]]


def _served() -> set[Edge]:
    """The requests of clients."""
    called = {("gateway", f"{name}-api", subgraph.port) for name, subgraph in DOMAINS.items()}
    public = {("ingress", f"{name}-api", DOMAINS[name].port) for name in ("accounts", "payments")}
    return {("ingress", "gateway", 4000)} | called | public


def _watched() -> set[Edge]:
    """Prometheus reads everybody's metrics, and nothing else of them."""
    assert REGISTER.evictor is not None
    apis = {(f"{name}-api", subgraph.api_operations_port) for name, subgraph in DOMAINS.items()}
    workers = {(f"{name}-worker", subgraph.worker_operations_port) for name, subgraph in DOMAINS.items()}
    read: Iterable[tuple[str, int]] = {("gateway", 4000), ("evictor", REGISTER.evictor.port)} | apis | workers
    return {("prometheus", name, port) for name, port in read}


def _stores() -> set[Edge]:
    pooled = {(f"{name}-{kind}", "pgbouncer", 6432) for name in DOMAINS for kind in ("api", "worker")}
    cached = {(f"{name}-{kind}", "redis", 6379) for name in DOMAINS for kind in ("api", "worker")}
    queued = {(f"{name}-worker", "rabbitmq", 5671) for name in DOMAINS}
    ours = {("gateway", "redis", 6379), ("evictor", "redis", 6379), ("evictor", "rabbitmq", 5671)}
    prepared = {("migration", "postgres", 5432), ("migration", "rabbitmq", 15671)}
    duty = {("operator", "postgres", 5432), ("operator", "rabbitmq", 5671)}
    return {("pgbouncer", "postgres", 5432)} | duty | pooled | cached | queued | ours | prepared
