"""The table of guards fits the code; all of it is tried by `task test:guards`."""

from __future__ import annotations

import ast
from pathlib import Path

from shared.register import PROJECT_ROOT
from tests.guards.table import GUARDS
from tests.guards.trial import Verdict, occurrences, scratch_copy, try_without


def test_every_guard_stands_once_where_the_table_says() -> None:
    assert [(guard.file, guard.line) for guard in GUARDS if occurrences(guard) != 1] == []


def test_every_test_that_should_see_it_exists() -> None:
    missing = []
    for guard in GUARDS:
        file, _, name = guard.test.partition("::")
        tree = ast.parse((PROJECT_ROOT / file).read_text(encoding="utf-8"))
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        if name and name not in names:
            missing.append(guard.test)
    assert missing == []


def test_a_guard_that_is_gone_is_seen_and_the_copy_is_whole_again(tmp_path: Path) -> None:
    guard = next(guard for guard in GUARDS if guard.test.endswith("test_currencies_do_not_mix"))
    copy = scratch_copy(tmp_path)
    assert try_without(guard, copy) is Verdict.SEEN
    assert (copy / guard.file).read_bytes() == (PROJECT_ROOT / guard.file).read_bytes()
