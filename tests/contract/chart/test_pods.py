"""Every pod of every environment keeps the restricted Pod Security Standard, and is run as something that may go away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.http.config import HttpConfig
from shared.runtime.server import DRAIN_SECONDS
from tests.fixtures.chart.rendering import ENVIRONMENTS, Manifest, Release, own_name, rendered

_SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|_URL$")


@pytest.fixture(params=ENVIRONMENTS, scope="module")
def release(request: pytest.FixtureRequest) -> Release:
    return rendered(request.param)


def test_no_pod_may_be_more_than_its_process_needs(release: Release) -> None:
    for name, template in release.pods.items():
        pod = template["spec"]
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["serviceAccountName"] == f"shop-{name}", name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not pod.keys() & {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "privileged": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
                "seccompProfile": {"type": "RuntimeDefault"},
            }, name
    assert all(account["automountServiceAccountToken"] is False for account in release.of("ServiceAccount"))
    assert not list(release.of("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "Secret"))


def test_only_what_is_no_secret_may_be_written_to(release: Release) -> None:
    for name, template in release.pods.items():
        kinds = {volume["name"]: set(volume) - {"name"} for volume in template["spec"]["volumes"]}
        for mount in template["spec"]["containers"][0]["volumeMounts"]:
            assert mount.get("readOnly") is True or kinds[mount["name"]] == {"emptyDir"}, (name, mount)
        assert set().union(*kinds.values()) <= {"emptyDir", "secret", "configMap", "projected"}, name


def test_every_container_says_what_it_takes_and_which_image_it_is(release: Release) -> None:
    for name, container in _containers(release):
        resources = container["resources"]
        assert resources["requests"].keys() == {"cpu", "memory"}, name
        assert "memory" in resources["limits"], name
        image = container["image"]
        assert re.search(r"@sha256:[0-9a-f]{64}$|:(?!latest$)[A-Za-z0-9_.-]+$", image), image


def test_production_takes_images_by_digest() -> None:
    images = {container["image"] for _, container in _containers(rendered("production"))}

    assert images == {f"marketplace@sha256:{'0' * 64}", f"edoburu/pgbouncer@sha256:{'1' * 64}"}


def test_no_secret_stands_in_a_manifest(release: Release) -> None:
    for name, container in _containers(release):
        for variable in container.get("env", ()):
            secret = _SECRET.search(variable["name"]) and not variable["name"].endswith("_FILE")
            assert bool(secret) == ("valueFrom" in variable), (name, variable)
            if secret:
                assert variable["valueFrom"].keys() == {"secretKeyRef"}, (name, variable)
    for config in release.of("ConfigMap"):
        for text in config["data"].values():
            assert not re.search(r"://[^/\s]*:[^/\s{]+@|BEGIN [A-Z ]*PRIVATE KEY", text), own_name(config)


def test_every_deployment_is_probed_in_three_ways(release: Release) -> None:
    for deployment in release.of("Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        named = {port["name"] for port in container["ports"]}
        probes = [container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
        asked = [probe.get("httpGet", probe.get("tcpSocket")) for probe in probes]
        assert {ask["port"] for ask in asked} <= named, own_name(deployment)
        if own_name(deployment) != "pgbouncer":
            assert [ask["path"] for ask in asked] == ["/health/live", "/health/live", "/health/ready"]
            assert {ask["scheme"] for ask in asked} == {"HTTPS"}


def test_every_deployment_scales_spreads_and_survives_a_drained_node(release: Release) -> None:
    deployments = {own_name(deployment): deployment["spec"] for deployment in release.of("Deployment")}
    budgets = {own_name(budget): budget["spec"] for budget in release.of("PodDisruptionBudget")}
    scaled = [scaler["spec"]["scaleTargetRef"] for scaler in release.of("HorizontalPodAutoscaler", "ScaledObject")]

    assert sorted(target["name"] for target in scaled) == sorted(f"shop-{name}" for name in deployments)
    assert budgets.keys() == deployments.keys()
    for name, spec in deployments.items():
        assert "replicas" not in spec, name
        assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0, name
        assert budgets[name]["maxUnavailable"] == 1, name
        assert budgets[name]["selector"] == spec["selector"], name
        constraints = spec["template"]["spec"]["topologySpreadConstraints"]
        keys = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        assert {constraint["topologyKey"] for constraint in constraints} == keys, name
        assert all(constraint["labelSelector"] == spec["selector"] for constraint in constraints), name


def test_workers_scale_by_the_depth_of_their_queues_where_keda_is() -> None:
    spec = rendered("production").get("ScaledObject", "inventory-worker")["spec"]

    assert [trigger["metadata"].get("query") for trigger in spec["triggers"]] == [
        None,
        'sum(rabbitmq_detailed_queue_messages{queue="inventory.projector"})',
        'sum(rabbitmq_detailed_queue_messages{queue="inventory.reserver"})',
    ]
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (2, 20)


def test_a_pod_has_the_time_to_drain(release: Release) -> None:
    """The hook before SIGTERM, the delay after it and what a process then takes at most end before the pod is killed."""
    gateway = _gateway_http(release)
    for deployment in release.of("Deployment"):
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        hook = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        given = {variable["name"]: variable.get("value") for variable in container.get("env", ())}
        match deployment["metadata"]["labels"]["app.kubernetes.io/component"]:
            case "gateway":
                assert (hook, gateway.shutdown_delay) == (5, 5)
                longest = gateway.shutdown_delay + gateway.drain_timeout
            case "api":
                assert (hook, given["SHUTDOWN_DELAY"]) == (5, "5")
                # Its two ports end one after the other.
                longest = 5 + 2 * DRAIN_SECONDS
            case "worker" | "evictor":
                # The message in hand, the rest of its work, the operations port.
                longest = 3 * DRAIN_SECONDS
            case _:
                assert hook == 10
                longest = 60
        assert hook + longest < pod["terminationGracePeriodSeconds"], own_name(deployment)


def _gateway_http(release: Release) -> HttpConfig:
    return HttpConfig(**{key: value for key, value in release.gateway["http"].items() if not key.startswith("tls")})


def _containers(release: Release) -> Iterator[tuple[str, Manifest]]:
    for name, template in release.pods.items():
        containers: list[dict[str, Any]] = template["spec"]["containers"]
        yield from ((name, container) for container in containers)
