"""The hosted CI's workflow has not run here: it is linted, and runs what a developer runs."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.devstack.checks import steps
from shared.register import PROJECT_ROOT

FILE = PROJECT_ROOT / ".github" / "workflows" / "ci.yaml"
TEXT = FILE.read_text(encoding="utf-8")
WORKFLOW: dict[str, Any] = yaml.safe_load(TEXT)
JOBS: dict[str, dict[str, Any]] = WORKFLOW["jobs"]
COMMANDS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]
TASKS: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "Taskfile.yml").read_text(encoding="utf-8"))["tasks"]
_TRUST_CHECKOUT = 'git config --global --add safe.directory "$GITHUB_WORKSPACE"'


def test_the_workflow_passes_its_linter() -> None:
    program = Path(sysconfig.get_path("scripts")) / "actionlint"
    # Where shellcheck is installed it would be used, and elsewhere not: the outcome is to be the same.
    done = subprocess.run(
        [str(program), "-no-color", "-shellcheck=", "-pyflakes=", str(FILE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_command_is_a_task_that_there_is() -> None:
    called = [re.match(r"\./task (\S+)", command) for command in COMMANDS if command != _TRUST_CHECKOUT]

    assert [match[1] for match in called if match] == [
        *("test", "test", "migrations:job", "smoke", "image", "sbom", "smoke:containers", "test:deep"),
    ]
    assert all(called)
    assert {match[1] for match in called if match} <= TASKS.keys()


def test_every_step_of_the_tests_runs_there() -> None:
    suites = JOBS["tests"]["strategy"]["matrix"]["suite"]
    (static,) = (command for command in COMMANDS if command.startswith("./task test lint"))

    assert [*static.split()[2:], *suites] == [step.name for step in steps({})]
    assert [step.name for step in steps({"TEST_DEPTH": "deep"})][-1] == "pooled"


def test_every_action_is_pinned_by_the_commit_of_a_release_that_is_named() -> None:
    used = re.findall(r"uses: (.*)$", TEXT, re.MULTILINE)

    assert used
    assert [use for use in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)] == []
    assert len(set(used)) == len({use.partition("@")[0] for use in used})


def test_the_workflow_may_read_the_code_and_nothing_more() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in JOBS.items() if "permissions" in job] == []
    checkouts = [step for job in JOBS.values() for step in job["steps"] if "checkout@" in step.get("uses", "")]
    assert len(checkouts) == len(JOBS)
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


@pytest.mark.parametrize("name", sorted(JOBS))
def test_every_job_has_an_end(name: str) -> None:
    assert 0 < JOBS[name]["timeout-minutes"] <= 180
