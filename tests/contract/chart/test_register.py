"""The chart runs what the register lists, as the code of each process understands it."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from gateway.settings import read_settings
from shared.devstack.passwords import migration_role
from shared.devstack.provision import STEPS, postgres_variable, rabbitmq_variable
from shared.register import REGISTER_FILE, load_register
from shared.settings import ProcessSettings
from tests.fixtures.chart.rendering import ENVIRONMENTS, RELEASE, Release, own_name, render, rendered, values_of

REGISTER = load_register()


@pytest.fixture(params=ENVIRONMENTS, scope="module")
def release(request: pytest.FixtureRequest) -> Release:
    return rendered(request.param)


def test_each_process_of_the_register_has_one_workload(release: Release) -> None:
    commands = Counter(" ".join(template["spec"]["containers"][0]["command"]) for template in release.pods.values())

    runtime = [f"python -m shared.runtime {k} {s.name}" for s in REGISTER.subgraphs for k in ("api", "worker")]
    gateway = (
        "python -m gateway --supergraph supergraph/supergraph.graphql --config /etc/marketplace/gateway/gateway.yaml"
    )
    other = [
        "python -m supergraph.evictor",
        "python -c import time; time.sleep(3600)",
        "python -m shared.devstack.provision",
        "sh -c pooler=$$; while sleep 60 && kill -HUP $pooler; do :; done & exec pgbouncer /etc/pgbouncer/pgbouncer.ini",
    ]
    assert commands == Counter([*runtime, gateway, *other])


def test_a_domain_that_is_added_to_the_register_is_there_with_all_that_others_have() -> None:
    register = yaml.safe_load(REGISTER_FILE.read_text(encoding="utf-8"))
    register["subgraphs"].append(
        {"name": "wish_lists", "port": 4110, "publishes": ["wish"], "queues": {"wish_lists.projector": ["product.*"]}}
    )

    before, after = rendered("production"), render(values_of("production"), register=register)

    added = Counter(m["kind"] for m in after.manifests) - Counter(m["kind"] for m in before.manifests)
    assert added == {
        "Deployment": 2,
        "Service": 2,
        "ServiceAccount": 2,
        "PodDisruptionBudget": 2,
        "NetworkPolicy": 2,
        "Certificate": 2,
        "ServiceMonitor": 2,
        "HorizontalPodAutoscaler": 1,
        "ScaledObject": 1,
        "ExternalSecret": 1,
    }
    assert after.gateway["subgraph_urls"]["wish_lists"] == "https://shop-wish-lists-api:4110/graphql"
    assert '"wish_lists" "{{ .wish_lists }}"' in str(after.get("ExternalSecret", "pgbouncer"))
    assert "RABBITMQ_PASSWORD_WISH_LISTS" in str(after.get("Job", "migration"))


def test_each_process_starts_with_the_settings_that_it_is_given(release: Release) -> None:
    """Each is read by its own model, which in production refuses what is not encrypted."""
    for name, template in release.pods.items():
        environment = release.environment(name)
        match template["spec"]["containers"][0]["command"]:
            case ["python", "-m", "shared.runtime", _, domain]:
                model: type[BaseSettings] = importlib.import_module(f"subgraphs.{domain}.app").SETTINGS
            case ["python", "-m", "supergraph.evictor"]:
                model = ProcessSettings
            case _:
                continue
        known = {field.upper() for field in model.model_fields} | {"PYTHONUNBUFFERED"}
        assert environment.keys() <= known, name
        settings = _read(model, environment)
        assert settings["environment"] == "production"
        assert settings["host"] == "0.0.0.0"
        assert settings["tls_key_file"] == Path("/etc/marketplace/tls/tls.key")


def test_without_tls_a_process_is_told_that_the_network_encrypts() -> None:
    release = render({"tls": {"enabled": False}})

    model: type[BaseSettings] = importlib.import_module("subgraphs.orders.app").SETTINGS
    given = release.environment("orders-api")
    assert given["PLAINTEXT_ALLOWED"] == "true"
    assert _read(model, given)["tls_key_file"] is None
    with pytest.raises(ValidationError, match="needs verified TLS in REDIS_URL, RABBITMQ_URL, POSTGRES_URL"):
        _read(model, given | {"PLAINTEXT_ALLOWED": "false"})


def test_reports_go_to_the_replica_by_the_pooler_where_there_is_one() -> None:
    given = rendered("production").environment("payments-api")
    direct = render(values_of("production") | {"pgbouncer": {"enabled": False}})

    tls = "sslmode=verify-full&sslrootcert=/etc/marketplace"
    assert given["POSTGRES_REPLICA_URL"] == (
        f"postgresql://payments:word@shop-pgbouncer:6432/marketplace_replica?{tls}/tls/ca.crt"
    )
    assert "POSTGRES_REPLICA_URL" not in rendered("default").environment("payments-api")
    assert direct.environment("payments-api")["POSTGRES_REPLICA_URL"] == (
        "postgresql://payments:word@postgres-replica.production.internal:5432/marketplace"
        f"?{tls}/authorities/postgres.crt"
    )
    assert (
        "marketplace_replica = host=postgres-replica.production.internal port=5432 dbname=marketplace"
        in (rendered("production").get("ConfigMap", "pgbouncer")["data"]["pgbouncer.ini"])
    )


def test_the_gateway_takes_its_settings(release: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = release.environment("gateway")
    monkeypatch.setenv("REDIS_URL", environment["REDIS_URL"])
    file = tmp_path / "gateway.yaml"
    file.write_text(yaml.safe_dump(release.gateway), encoding="utf-8")

    settings = read_settings(file)

    assert settings.subgraph_urls == {
        s.name: f"https://{RELEASE}-{s.name}-api:{s.port}/graphql" for s in REGISTER.subgraphs
    }
    assert settings.authentication is not None
    assert settings.authentication.jwks_url == f"https://{RELEASE}-accounts-api:4101/.well-known/jwks.json"
    assert settings.transport.tls_authorities == Path("/etc/marketplace/tls/ca.crt")
    assert (settings.http.host, settings.http.port, settings.http.trusted_proxies) == ("0.0.0.0", 4000, 1)
    assert settings.explorer.enabled is False
    assert settings.explorer.sign_in is None
    assert "127.0.0.1" not in file.read_text(encoding="utf-8")


def test_production_shows_nobody_its_plans_its_costs_and_its_schema() -> None:
    settings = rendered("production").gateway

    assert settings["pipeline"]["expose_query_plan"] is False
    assert settings["limits"]["cost"] == {"mode": "enforced", "max": 10000, "list_size": 100, "expose": False}
    assert settings["introspection"]["enabled"] is False


def test_whatever_a_pod_takes_from_a_secret_or_a_certificate_is_made_by_one(release: Release) -> None:
    made = {own_name(secret): _keys(secret) for secret in release.of("ExternalSecret")}
    certified = {certificate["spec"]["secretName"] for certificate in release.of("Certificate")}
    for name, template in release.pods.items():
        pod = template["spec"]
        for variable in pod["containers"][0].get("env", ()):
            if "valueFrom" in variable:
                reference = variable["valueFrom"]["secretKeyRef"]
                assert reference["key"] in made[reference["name"].removeprefix(f"{RELEASE}-")], (name, reference)
        for volume in pod["volumes"]:
            if volume["name"] == "tls":
                assert volume["secret"]["secretName"] in certified, name
            elif "secret" in volume:
                keys = {item["key"] for item in volume["secret"]["items"]}
                assert keys <= made[volume["secret"]["secretName"].removeprefix(f"{RELEASE}-")], name


def test_a_process_is_shown_no_key_that_is_not_its_own(release: Release) -> None:
    shown = {
        name: {
            item["key"] for volume in template["spec"]["volumes"] for item in volume.get("secret", {}).get("items", ())
        }
        for name, template in release.pods.items()
    }

    assert shown["gateway"] == {"gateway.pem"}
    assert shown["accounts-api"] == {"accounts.pem", "gateway.jwks.json", "sealing.pub"}
    assert shown["orders-worker"] == {"gateway.jwks.json", "sealing.pub"}
    assert {name for name, files in shown.items() if "sealing.key" in files} == {
        "notifications-api",
        "notifications-worker",
    }


def test_the_gateway_alone_has_a_certificate_to_call_with(release: Release) -> None:
    callers = {own_name(c) for c in release.of("Certificate") if "client auth" in c["spec"].get("usages", ())}
    asking = {
        name for name, template in release.pods.items() if "TLS_CLIENT_AUTHORITIES_FILE" in release.environment(name)
    }

    unasked = render({"tls": {"clientCertificates": False}}).pods["orders-api"]
    assert "TLS_CLIENT_AUTHORITIES_FILE" not in str(unasked)
    assert callers == {"gateway"}
    assert asking == {f"{s.name}-api" for s in REGISTER.subgraphs} - {"accounts-api", "payments-api"}


def test_the_migration_is_given_what_it_asks_for_before_anything_else_is_there(release: Release) -> None:
    hooks = {
        (m["kind"], own_name(m)): int(m["metadata"]["annotations"]["helm.sh/hook-weight"])
        for m in release.manifests
        if "helm.sh/hook" in m["metadata"].get("annotations", {})
    }
    roles = [role for s in REGISTER.subgraphs for role in (s.name, migration_role(s.name))]
    asked = {postgres_variable(role) for role in roles} | {
        rabbitmq_variable(user.name) for user in REGISTER.broker_users
    }
    admin = {"POSTGRES_ADMIN_URL", "RABBITMQ_ADMIN_URL", "RABBITMQ_MANAGEMENT_URL"}

    job = release.get("Job", "migration")
    assert hooks.keys() == {(k, "migration") for k in ("ServiceAccount", "ExternalSecret", "NetworkPolicy", "Job")}
    assert all(weight < hooks["Job", "migration"] for (kind, _), weight in hooks.items() if kind != "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert job["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    assert {v["name"] for v in job["spec"]["template"]["spec"]["containers"][0]["env"]} == (
        asked | admin | {"PYTHONUNBUFFERED", "ENVIRONMENT", "PLAINTEXT_ALLOWED"}
    )
    assert list(STEPS) == ["roles", "migrations", "topology"]
    # Everything else of the release comes after the hooks: the job may need nothing of it.
    named = {volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]}
    assert named == {"scratch", "authorities"}


def _keys(secret: dict[str, Any]) -> set[str]:
    """What an ExternalSecret makes: the members of its template or, without one, what it takes over as it is."""
    template = secret["spec"]["target"].get("template")
    return set(template["data"]) if template else {entry["secretKey"] for entry in secret["spec"]["data"]}


def _read(model: type[BaseSettings], environment: dict[str, str]) -> dict[str, Any]:
    """The settings read from these variables and no others."""
    fields = {name.lower(): value for name, value in environment.items()}
    return model.model_validate(
        {name: value for name, value in fields.items() if name in model.model_fields}
    ).model_dump()
