"""What the chart makes is valid, and values that make no sense are refused before anything is made of them."""

from __future__ import annotations

from typing import Any

import helm_python
import pytest
import yaml

from shared.register import PROJECT_ROOT, REGISTER_FILE
from supergraph.node_packages import NodeUnavailable
from tests.fixtures.chart.rendering import (
    CHART,
    ENVIRONMENTS,
    NAMESPACE,
    RELEASE,
    Manifest,
    lint,
    render,
    rendered,
    values_of,
)
from tests.fixtures.chart.validation import NEWEST, OLDEST, problems


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_helm_has_nothing_against_the_chart(environment: str) -> None:
    assert lint(values_of(environment)) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("kubernetes", [OLDEST, NEWEST])
def test_every_manifest_is_what_the_published_schemas_say(environment: str, kubernetes: str) -> None:
    try:
        found = problems(rendered(environment).manifests, kubernetes=kubernetes)
    except NodeUnavailable as error:
        pytest.fail(str(error))

    assert found == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_two_manifests_are_the_same_thing(environment: str) -> None:
    names = [(m["apiVersion"], m["kind"], m["metadata"]["name"]) for m in rendered(environment).manifests]

    assert len(set(names)) == len(names)


def test_the_validators_refuse_what_no_schema_knows() -> None:
    release = rendered("production")
    deployment = _changed(release.get("Deployment", "gateway"), ("spec", "template", "spec"), {"hostNetwrok": True})
    scaled = _changed(release.get("ScaledObject", "orders-worker"), ("spec", "fallback"), {"replica": 2})
    certificate = _changed(release.get("Certificate", "gateway"), ("spec", "privateKey"), {"algorithm": "DSA"})
    monitor = _changed(release.get("ServiceMonitor", "gateway"), ("metadata",), {"lables": {}})
    unknown = release.get("Issuer", "authority") | {"apiVersion": "cert-manager.io/v9"}

    found = problems([deployment, scaled, certificate, monitor, unknown])

    assert found == [
        "Deployment gateway: /spec/template/spec Additional properties are not allowed ('hostNetwrok' was unexpected)",
        "ScaledObject orders-worker: /spec/fallback/replica is not in the schema",
        "Certificate gateway: data/spec/privateKey/algorithm must be equal to one of the allowed values",
        "ServiceMonitor gateway: /metadata/lables is not in the schema",
        "Issuer authority: no schema for cert-manager.io/v9 Issuer",
    ]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"imgae": {"tag": "1"}}, "imgae"),
        ({"image": {"tag": "latest"}}, "/image/tag"),
        ({"image": {"digest": "sha256:abc"}}, "/image/digest"),
        ({"postgres": {"peers": []}}, "/postgres/peers"),
        ({"postgres": {"replica": {"host": "replica"}}}, "/postgres/replica/peers"),
        ({"tls": {"issuer": {"create": False}}}, "/tls/issuer/name"),
        ({"kinds": {"api": {"replicas": {"min": 0}}}}, "/kinds/api/replicas/min"),
        ({"subgraphs": {"orders": {"env": {"SMTP_PASSWORD": "word"}}}}, "invalid propertyName 'SMTP_PASSWORD'"),
        ({"ingress": {"routes": [{"path": "/graphql", "subgraph": "orders"}]}}, "/ingress/routes/0/path"),
        ({"tracing": {"endpoint": "https://me:word@collector:4318"}}, "/tracing/endpoint"),
        ({"subgraphs": {"wishlists": {}}}, "values speak of the subgraph wishlists, which is not in the register"),
        (
            {"ingress": {"routes": [{"path": "/hook", "subgraph": "wishlists"}]}},
            "values speak of the subgraph wishlists, which is not in the register",
        ),
        ({"image": {"requireDigest": True}}, "marketplace needs a digest"),
    ],
)
def test_values_that_make_no_sense_are_refused_by_name(values: dict[str, Any], told: str) -> None:
    with pytest.raises(helm_python.HelmError) as refusal:
        render(values)

    assert told in str(refusal.value)


def test_production_is_rendered_by_digests_alone() -> None:
    values = values_of("production")
    del values["pgbouncer"]

    with pytest.raises(helm_python.HelmError, match="edoburu/pgbouncer needs a digest"):
        render(values)


def test_the_chart_reads_the_register_and_the_settings_themselves() -> None:
    assert (CHART / "files" / "register.yaml").resolve() == REGISTER_FILE
    assert (CHART / "files" / "gateway.yaml").resolve() == PROJECT_ROOT / "supergraph" / "gateway.yaml"

    in_place = helm_python.Chart.load(CHART).render({}, name=RELEASE, namespace=NAMESPACE)

    assert sum(text.count("\nkind: Deployment\n") for text in in_place.values()) == len(
        list(rendered("default").of("Deployment"))
    )


def test_the_chart_has_the_version_of_the_project() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = (PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8")

    assert f'\nversion = "{chart["appVersion"]}"\n' in project


def _changed(manifest: Manifest, path: tuple[str, ...], further: dict[str, Any]) -> Manifest:
    """A copy with further members at a path."""
    if not path:
        return manifest | further
    return manifest | {path[0]: _changed(manifest[path[0]], path[1:], further)}
