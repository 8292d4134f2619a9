"""The alert rules, held against promtool: each fires when it should and keeps still when it need not."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.devstack.servers.prometheus import PROMTOOL, require_installed
from shared.register import PROJECT_ROOT
from tests.contract.monitoring.alert_cases import CASES, Case, Series
from tests.contract.monitoring.rules import FILES, alerts


@pytest.fixture(scope="module")
def promtool() -> Path:
    require_installed()
    return PROMTOOL


def run(promtool: Path, *arguments: str | Path) -> str:
    """What promtool said, where it found nothing wrong."""
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_nothing_wrong_with_the_rules(promtool: Path) -> None:
    assert run(promtool, "check", "rules", *FILES).count("SUCCESS") == len(FILES) == 6


def test_each_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on() -> None:
    text = (PROJECT_ROOT / "charts" / "README.md").read_text(encoding="utf-8")
    runbook = {line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("## ")}
    for name, alert in alerts().items():
        assert alert["labels"].keys() == {"severity"}, name
        assert alert["labels"]["severity"] in {"page", "ticket"}, name
        assert alert["annotations"].keys() == {"summary", "description", "runbook"}, name
        file, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert file == "charts/README.md", name
        assert anchor in runbook, name


def test_each_alert_has_a_case() -> None:
    assert CASES.keys() == alerts().keys()


@pytest.mark.parametrize("name", CASES)
def test_an_alert_fires_when_it_should_and_keeps_still_otherwise(promtool: Path, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    fired = {"alertname": name, "alertstate": "firing", "severity": case.severity, **case.labels}
    tests = {
        "rule_files": [str(file) for file in FILES],
        "evaluation_interval": case.every,
        "tests": [_group(name, case, case.fires, [fired]), _group(name, case, case.calm, [])],
    }
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(tests), encoding="utf-8")

    run(promtool, "test", "rules", file)


def _group(name: str, case: Case, series: Series, firing: list[dict[str, str]]) -> dict[str, Any]:
    samples = [{"labels": f"ALERTS{_braced(labels)}", "value": 1} for labels in firing]
    asked = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
    return {
        "interval": case.every,
        "input_series": [{"series": each, "values": values} for each, values in series.items()],
        "promql_expr_test": [{"expr": asked, "eval_time": case.at, "exp_samples": samples}],
    }


def _braced(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}"
