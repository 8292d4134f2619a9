"""A stack has one set of servers at a time: moving to others is told apart from going on with the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from shared.devstack.backing import backing_of, find_remembered
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
