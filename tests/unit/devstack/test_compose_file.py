"""compose.yaml is checked by reading it: there may be no Docker engine here. tests/contract holds it against its schema."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.settings import read_settings
from shared.devstack import container_files
from shared.devstack.compose_file import COMPOSE_FILE, compose_file
from shared.devstack.container_files import GATEWAY_CONFIG
from shared.devstack.servers.pgbouncer import LOGIN_RETRY_SECONDS, QUERY_WAIT_SECONDS
from shared.register import PROJECT_ROOT, Register, Subgraph, load_register

REGISTER = load_register()
TEXT = COMPOSE_FILE.read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VARIABLES = dict(re.findall(r"export (\w+)=(\S+)", TEXT))
SERVERS = {"postgres", "pgbouncer", "redis", "rabbitmq", "mailpit", "otel-collector", "prometheus", "grafana"}
JOBS = {"files", "provision", "seed"}
PROCESSES = sorted(SERVICES.keys() - SERVERS - JOBS)
OURS = sorted(SERVICES.keys() - SERVERS)


def test_the_committed_file_is_what_the_register_and_the_template_make() -> None:
    assert compose_file(REGISTER) == TEXT, "Write it anew: ./task compose:file"


def test_it_holds_the_servers_the_jobs_and_every_process_of_the_register() -> None:
    apis_and_workers = {f"{subgraph.name}-{kind}" for subgraph in REGISTER.subgraphs for kind in ("api", "worker")}

    assert SERVICES.keys() >= SERVERS | JOBS
    # Mailpit does the work of the mail sink.
    assert set(PROCESSES) == apis_and_workers | {"payments-simulator", "evictor", "gateway"}


def test_a_new_domain_gets_its_containers_logins_and_place_behind_the_gateway() -> None:
    wider = Register(subgraphs=(*REGISTER.subgraphs, Subgraph(name="wishlists", port=4110)), evictor=REGISTER.evictor)

    services = yaml.safe_load(compose_file(wider))["services"]

    assert services.keys() - SERVICES.keys() == {"wishlists-api", "wishlists-worker"}
    assert services["gateway"]["depends_on"]["wishlists-api"] == {"condition": "service_healthy"}
    assert services["provision"]["environment"]["RABBITMQ_PASSWORD_WISHLISTS"] == "wishlists-development"
    scraped = yaml.safe_load(yaml.safe_load(compose_file(wider))["configs"]["prometheus"]["content"])
    assert {"wishlists-api", "wishlists-worker"} <= {job["job_name"] for job in scraped["scrape_configs"]}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_service_has_a_pinned_image_and_listens_to_this_machine_alone(name: str) -> None:
    service = SERVICES[name]

    assert re.search(r":v?\d", service["image"]) or service["image"] == "marketplace:dev"
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - JOBS))
def test_each_service_that_stays_has_a_health_check(name: str) -> None:
    assert {"test", "interval", "timeout", "retries"} <= SERVICES[name]["healthcheck"].keys()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_each_dependency_is_on_health_or_on_a_job_that_has_succeeded(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_completed_successfully" if needed in JOBS else "service_healthy"}


def test_every_process_waits_for_what_it_cannot_begin_without() -> None:
    stores = {"files", "provision", "pgbouncer", "redis", "rabbitmq"}
    for name in set(PROCESSES) - {"payments-simulator"}:
        assert stores <= SERVICES[name]["depends_on"].keys(), name
    assert {f"{subgraph.name}-api" for subgraph in REGISTER.subgraphs} <= SERVICES["gateway"]["depends_on"].keys()
    assert SERVICES["provision"]["depends_on"].keys() == {"files", "postgres", "rabbitmq"}
    # `up --wait` takes a job for done only where something waits for its success; one that nobody waits for is no part of `up`.
    assert SERVICES["seed"]["profiles"] == ["demo"]


@pytest.mark.parametrize("name", OURS)
def test_every_process_of_ours_is_the_one_image_with_nothing_to_write_to_and_no_right(name: str) -> None:
    service = SERVICES[name]

    assert service["image"] == "marketplace:dev"
    assert (service["read_only"], service["cap_drop"], service["tmpfs"]) == (True, ["ALL"], ["/tmp"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "configs" not in service, "Compose lays no `content` into a read-only container."


def test_one_service_builds_the_image() -> None:
    assert [name for name, service in SERVICES.items() if "build" in service] == ["files"]


@pytest.mark.parametrize("name", [name for name in PROCESSES if name.endswith(("-api", "-worker"))])
def test_a_service_takes_the_environment_of_its_container(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    environment: dict[str, str] = SERVICES[name]["environment"]
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    domain = name.rpartition("-")[0]

    settings = importlib.import_module(f"subgraphs.{domain}.app").SETTINGS()

    assert (settings.host, settings.postgres_pooler) == ("0.0.0.0", True)
    assert f"{domain}:{domain}-development@pgbouncer:5432/marketplace" in settings.postgres_url
    assert not [value for value in environment.values() if "127.0.0.1" in value or "localhost" in value]


def test_no_container_knows_a_login_of_another() -> None:
    words = {f"{subgraph.name}-development" for subgraph in REGISTER.subgraphs} | {"evictor-development"}
    known = {
        name: {word for word in words if any(word in value for value in SERVICES[name]["environment"].values())}
        for name in PROCESSES
    }

    expected = {
        name: {f"{name.rpartition('-')[0]}-development"} for name in PROCESSES if name.endswith(("-api", "-worker"))
    }
    assert known == expected | {"evictor": {"evictor-development"}, "gateway": set(), "payments-simulator": set()}


def test_notifications_sends_its_mail_to_mailpit() -> None:
    environment = SERVICES["notifications-worker"]["environment"]

    assert (environment["SMTP_HOST"], environment["SMTP_PORT"], environment["SMTP_TLS"]) == ("mailpit", "1025", "none")


def test_the_files_of_the_containers_are_the_keys_and_settings_that_the_gateway_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["container_files", str(tmp_path)])
    monkeypatch.setenv("REDIS_URL", SERVICES["gateway"]["environment"]["REDIS_URL"])
    container_files.main()
    first = (tmp_path / "gateway.pem").read_bytes()
    container_files.main()

    settings = read_settings(tmp_path / GATEWAY_CONFIG)

    assert (tmp_path / "gateway.pem").read_bytes() == first
    assert settings.subgraph_urls == {
        subgraph.name: f"http://{subgraph.name}-api:{subgraph.port}/graphql" for subgraph in REGISTER.subgraphs
    }
    assert settings.authentication is not None
    assert settings.authentication.jwks_url == "http://accounts-api:4101/.well-known/jwks.json"
    named = {
        Path(value).name
        for name in OURS
        for variable, value in SERVICES[name].get("environment", {}).items()
        if variable.endswith("_FILE")
    }
    assert named <= {file.name for file in tmp_path.iterdir()}


def test_prometheus_asks_every_process_for_its_figures() -> None:
    scraped = yaml.safe_load(COMPOSE["configs"]["prometheus"]["content"])
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped["scrape_configs"]}

    assert set(PROCESSES) - {"payments-simulator"} <= targets.keys()
    assert targets["orders-worker"] == ["orders-worker:4305"]
    assert targets["rabbitmq"] == ["rabbitmq:15692"]
    assert {target.partition(":")[0] for listed in targets.values() for target in listed} <= SERVICES.keys()
    assert scraped["rule_files"] == ["/etc/prometheus/rules/*.yaml"]


def test_the_pooler_pools_by_transaction_and_keeps_nobody_waiting_longer_than_the_others_do() -> None:
    environment = SERVICES["pgbouncer"]["environment"]
    of_the_chart = PROJECT_ROOT / "charts" / "marketplace" / "templates" / "pgbouncer-settings.yaml"
    deployed = dict(re.findall(r"^(\w+) = (\w+)$", of_the_chart.read_text(encoding="utf-8"), re.MULTILINE))

    assert environment["POOL_MODE"] == deployed["pool_mode"] == "transaction"
    assert environment["QUERY_WAIT_TIMEOUT"] == deployed["query_wait_timeout"] == str(QUERY_WAIT_SECONDS)
    assert environment["SERVER_LOGIN_RETRY"] == deployed["server_login_retry"] == str(LOGIN_RETRY_SECONDS)


def test_the_stated_addresses_are_those_of_the_servers() -> None:
    published = {port.split(":")[1] for service in SERVICES.values() for port in service.get("ports", ())}
    stated = {re.search(r":(\d+)(/|$)", address).group(1) for address in VARIABLES.values()}  # type: ignore[union-attr]

    assert sorted(VARIABLES) == [
        "POSTGRES_POOLER_URL",
        "POSTGRES_URL",
        "RABBITMQ_MANAGEMENT_URL",
        "RABBITMQ_URL",
        "REDIS_URL",
    ]
    assert stated <= published
