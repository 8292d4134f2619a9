"""A stack has one set of servers at a time: moving to others is told apart from going on with the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.devstack.backing import backing_of, find_remembered, remembered_backing
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.passwords import new_passwords
from shared.devstack.report import LOGINS_FILE
from shared.devstack.stack import run, settle_on
from shared.register import load_register

REGISTER = load_register()
PASSWORDS = new_passwords(REGISTER)
ELSEWHERE = {"POSTGRES_URL": "postgresql://postgres:word@db.example:5432/postgres"}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """Of a stack that has been up on its private servers, and seeded."""
    here = Layout(tmp_path, REGISTER)
    settle_on(here, backing_of(here, PASSWORDS, {}))
    (here.secrets / LOGINS_FILE).write_text("[]", encoding="utf-8")
    return here


def test_other_servers_under_running_services_are_refused_and_nothing_is_forgotten(layout: Layout) -> None:
    # given a service that runs: this very process stands in for it
    layout.process("orders-api").adopt(os.getpid())
    before = find_remembered(layout)

    with pytest.raises(StackProblem) as raised:
        settle_on(layout, backing_of(layout, PASSWORDS, ELSEWHERE))

    assert "./task down, then ./task up" in raised.value.remedy
    assert find_remembered(layout) == before
    assert (layout.secrets / LOGINS_FILE).exists()


def test_the_same_servers_under_running_services_are_settled_on_again(layout: Layout) -> None:
    layout.process("orders-api").adopt(os.getpid())

    settle_on(layout, backing_of(layout, PASSWORDS, {}))

    assert (layout.secrets / LOGINS_FILE).exists()


def test_another_postgres_is_seeded_anew_once_the_services_are_down(layout: Layout) -> None:
    settle_on(layout, backing_of(layout, PASSWORDS, ELSEWHERE))

    remembered = find_remembered(layout)
    assert remembered is not None
    assert remembered.postgres == ELSEWHERE["POSTGRES_URL"]
    assert not (layout.secrets / LOGINS_FILE).exists()


def test_a_command_against_a_stack_that_is_down_is_not_begun(layout: Layout) -> None:
    witness = layout.directory / "begun"

    with pytest.raises(StackProblem, match="The stack is down"):
        run(layout, ["touch", str(witness)])
    assert not witness.exists()

    layout.process("orders-api").adopt(os.getpid())
    assert run(layout, ["touch", str(witness)]) == 0
    assert witness.exists()


def test_a_private_pooler_is_found_again_and_named_poolers_are_not_ours(layout: Layout) -> None:
    pooled = backing_of(layout, PASSWORDS, {}, with_pooler=True)
    settle_on(layout, pooled)
    assert pooled.pooler in remembered_backing(layout, PASSWORDS).servers
    assert pooled.addresses.postgres_pooler == "postgresql://127.0.0.1:4509"

    named = backing_of(layout, PASSWORDS, {"POSTGRES_POOLER_URL": "postgresql://postgres:word@pool.example:6432/x"})
    settle_on(layout, named)
    assert remembered_backing(layout, PASSWORDS).pooler is None


def test_services_that_run_behind_a_pooler_are_not_moved_past_it(layout: Layout) -> None:
    settle_on(layout, backing_of(layout, PASSWORDS, {}, with_pooler=True))
    layout.process("orders-api").adopt(os.getpid())

    with pytest.raises(StackProblem, match="--pgbouncer"):
        settle_on(layout, backing_of(layout, PASSWORDS, {}))


def test_a_named_and_a_private_pooler_at_once_are_refused(layout: Layout) -> None:
    environment = {"POSTGRES_POOLER_URL": "postgresql://postgres:word@pool.example:6432/x"}

    with pytest.raises(StackProblem, match="POSTGRES_POOLER_URL names a pgBouncer and --pgbouncer asks"):
        backing_of(layout, PASSWORDS, environment, with_pooler=True)
