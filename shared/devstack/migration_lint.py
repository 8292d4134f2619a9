"""`./task migrations:lint`: no migration that is not released yet locks out, or breaks, the release that runs meanwhile.

Looks at the `migrate:up` part of each file that `migrations/released.json` does not list. A rule may be broken with a reason,
in a comment right above the statement:

    -- allow ban-drop-column: the release of 2027-02-01 has stopped reading it
    ALTER TABLE product DROP COLUMN colour;

What the reason claims about the code is checked where it can be: see released.py.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pglast.parser import ParseError

from shared.devstack.migration_rules import Statement, broken_rule, created_tables, statements, table_of

_ALLOWED = re.compile(r"^-- allow ([a-z-]+): (.{10,})$", re.MULTILINE)
_UP, _DOWN = re.compile(r"^-- migrate:up(.*)$", re.MULTILINE), re.compile(r"^-- migrate:down", re.MULTILINE)
_EXCLUDED = (
    # They stand on the role that migrates.
    "require-lock-timeout",
    "require-statement-timeout",
    # Whether a number may outgrow its column is the domain's to know.
    "prefer-bigint-over-int",
    "prefer-bigint-over-smallint",
    # dbmate runs each file once.
    "prefer-robust-stmts",
)


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` counts from 1; `rule` is what an `allow` comment has to name."""

    file: Path
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file.parent.name}/{self.file.name}:{self.line}: {self.rule}: {self.message}"


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def lint(files: Iterable[Path]) -> list[Problem]:
    """What these files of one schema do that they may not; a table that one of them creates is in nobody's way."""
    problems: list[Problem] = []
    new: frozenset[str] = frozenset()
    for file in files:
        text = file.read_text(encoding="utf-8")
        up, down = _UP.search(text), _DOWN.search(text)
        if up is None or down is None:
            problems.append(Problem(file, 1, "no-sections", "A migration has `-- migrate:up` and `-- migrate:down`."))
            continue
        # Blanked, not cut: lines and offsets stay those of the file.
        sql = re.sub(r"[^\n]", " ", text[: up.end()]) + text[up.end() : down.start()]
        try:
            found = statements(sql)
        except ParseError as error:
            problems.append(Problem(file, 1, "syntax", str(error)))
            continue
        new |= created_tables(found)
        judged = _judged(sql, found, new, in_transaction="transaction:false" not in up[1])
        problems += [Problem(file, line, rule, message) for line, rule, message in sorted(judged)]
    return problems


def _judged(
    sql: str, found: list[Statement], new: frozenset[str], *, in_transaction: bool
) -> Iterator[tuple[int, str, str]]:
    """Line, rule and message of what is broken without a reason, and of reasons for what is not broken."""
    broken = [
        (statement, rule, message)
        for statement, rule, message in (*_squawk(sql, found, in_transaction=in_transaction), *_rules(found))
        if table_of(statement.node) not in new
    ]
    for statement, rule, message in broken:
        if rule not in _allowed(statement):
            yield _line(sql, statement.start), rule, message
    for statement in found:
        for rule in _allowed(statement) - {rule for judged, rule, _ in broken if judged is statement}:
            yield _line(sql, statement.start), "needless-allow", f"Nothing here breaks {rule}."


def _rules(found: list[Statement]) -> Iterator[tuple[Statement, str, str]]:
    for statement in found:
        broken = broken_rule(statement.node)
        if broken is not None:
            yield statement, *broken


def _allowed(statement: Statement) -> frozenset[str]:
    return frozenset(rule for rule, _ in _ALLOWED.findall(statement.comments))


def _squawk(sql: str, found: list[Statement], *, in_transaction: bool) -> Iterator[tuple[Statement, str, str]]:
    program = Path(sysconfig.get_path("scripts")) / "squawk"
    options = ["--reporter", "json", "--pg-version", "17", *(f"--exclude={rule}" for rule in _EXCLUDED)]
    if in_transaction:
        options.append("--assume-in-transaction")
    done = subprocess.run(
        [str(program), *options, "--stdin-filepath", "migration.sql"],
        input=sql,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise RuntimeError(f"squawk: {done.stderr}")
    for violation in json.loads(done.stdout):
        statement = _statement_at(sql, found, violation["line"])
        yield statement, violation["rule_name"], f"{violation['message']} {violation.get('help') or ''}".strip()


def _statement_at(sql: str, found: list[Statement], line: int) -> Statement:
    """squawk counts lines from 0."""
    return next((each for each in found if line < _line(sql, each.end)), found[-1])


def _line(sql: str, offset: int) -> int:
    return sql.count("\n", 0, offset) + 1
