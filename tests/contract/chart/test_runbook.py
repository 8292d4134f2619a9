"""The runbook speaks of what there is: its values render, its modules and its things in the cluster exist."""

from __future__ import annotations

import importlib.util
import json
import re

import helm_python
import pytest
import yaml

from shared.register import PROJECT_ROOT
from tests.fixtures.chart.rendering import CHART, RELEASE, render, rendered, values_of

RUNBOOK = (PROJECT_ROOT / "charts" / "README.md").read_text(encoding="utf-8")
_SET = re.compile(r"--set(?P<json>-json)?\s+(?P<expression>[a-z][\w.]*=(?:'[^']*'|[^\s`]+))")
_THING = re.compile(rf"(?:deploy|cronjob|certificate|hpa)[/\s]{RELEASE}-([a-z-]+)")
_KINDS = ("Deployment", "CronJob", "Certificate")


@pytest.mark.parametrize("found", [match.group("json", "expression") for match in _SET.finditer(RUNBOOK)])
def test_a_value_that_the_runbook_sets_is_one_of_the_charts(found: tuple[str | None, str]) -> None:
    expression = found[1].replace("'", "").replace("sha256:NEW", _digest("a")).replace("sha256:OLD", _digest("b"))
    parse = helm_python.parse_set_json if found[0] else helm_python.parse_set_string
    values = _laid_over(values_of("production"), parse(expression.replace("sha256:…", _digest("c"))))

    assert render(values).manifests != rendered("production").manifests


def test_every_command_and_every_thing_of_the_runbook_exists() -> None:
    modules = set(re.findall(r"python -m ([a-z_.]+)", RUNBOOK))
    tasks = set(re.findall(r"`(?:\./task )?(chart|dlq|replay|checkouts)`", RUNBOOK))
    known = yaml.safe_load((PROJECT_ROOT / "Taskfile.yml").read_text(encoding="utf-8"))["tasks"]
    things = {manifest["metadata"]["name"] for manifest in rendered("default").of(*_KINDS)}

    assert modules == {
        "shared.messaging.dlq",
        "shared.messaging.replay",
        "shared.devstack.keys",
        "supergraph.checkouts",
    }
    assert [module for module in modules if importlib.util.find_spec(module) is None] == []
    assert tasks == {"chart", "dlq", "replay", "checkouts"}
    assert tasks <= known.keys()
    assert {f"{RELEASE}-{name}" for name in _THING.findall(RUNBOOK)} <= things


def test_every_alert_is_wrapped_and_leads_to_a_paragraph_of_the_runbook() -> None:
    anchors = {heading.strip().lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)}
    groups = [group for rule in rendered("production").of("PrometheusRule") for group in rule["spec"]["groups"]]
    alerts = {rule["alert"]: rule["annotations"] for group in groups for rule in group["rules"] if "alert" in rule}
    written = [
        rule["alert"]
        for file in (CHART / "rules").glob("*.yaml")
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]

    assert sorted(alerts) == sorted(written)
    for name, noted in alerts.items():
        page, _, anchor = noted["runbook"].partition("#")
        assert (page, anchor in anchors) == ("charts/README.md", True), name


def test_every_dashboard_is_handed_to_grafana_as_it_is() -> None:
    shown = {
        name: json.loads(text)
        for config in rendered("production").of("ConfigMap")
        if config["metadata"]["labels"].get("grafana_dashboard") == "1"
        for name, text in config["data"].items()
    }

    assert shown == {file.name: json.loads(file.read_text("utf-8")) for file in (CHART / "dashboards").glob("*.json")}


def test_a_gateway_that_stays_behind_has_the_image_before() -> None:
    values = _laid_over(values_of("production"), {"gateway": {"image": {"digest": _digest("b")}}})

    pods = render(values).pods

    images = {name: pods[name]["spec"]["containers"][0]["image"] for name in ("gateway", "orders-api", "migration")}
    assert images == {
        "gateway": f"marketplace@{_digest('b')}",
        "orders-api": f"marketplace@{_digest('0')}",
        "migration": f"marketplace@{_digest('0')}",
    }


def _digest(letter: str) -> str:
    return f"sha256:{letter * 64}"


def _laid_over(values: dict[str, object], further: dict[str, object]) -> dict[str, object]:
    merged = dict(values)
    for key, value in further.items():
        below = merged.get(key)
        merged[key] = _laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
