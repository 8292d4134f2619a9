"""What a migration may do to tables that exist, while the release before it still runs: rules over parsed SQL.

squawk knows which statements lock or rewrite a table. These rules add what it lets pass: commands that lock a table whole,
and promises that the running code knows nothing of and may break.
"""

from __future__ import annotations

from dataclasses import dataclass

import pglast
from pglast import ast
from pglast.enums import AlterTableType

LOCKS_TABLE = "locks-table"
WRITES_TABLE = "writes-whole-table"
NARROWS = "narrows-table"
OPAQUE = "opaque-block"

_TEXTS = {
    LOCKS_TABLE: "This command locks a whole table for as long as it runs.",
    WRITES_TABLE: "This writes every row in one transaction: fill in batches, by a job of the release.",
    NARROWS: "This forbids rows or reads that the code of the last release may rely on.",
    OPAQUE: "What a block executes cannot be checked.",
}
_NARROWING = {
    AlterTableType.AT_SetNotNull,
    AlterTableType.AT_EnableRowSecurity,
    AlterTableType.AT_ForceRowSecurity,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file with the comments before it; `start` and `end` are offsets into the file."""

    node: ast.Node
    comments: str
    start: int
    end: int


def statements(sql: str) -> list[Statement]:
    """Raises pglast.parser.ParseError where Postgres could not read it."""
    found: list[Statement] = []
    before = 0
    for raw in pglast.parse_sql(sql):
        assert raw.stmt is not None
        start = raw.stmt_location or 0
        end = start + raw.stmt_len if raw.stmt_len else len(sql)
        found.append(Statement(raw.stmt, sql[before:start], start, end))
        before = end
    return found


def created_tables(found: list[Statement]) -> frozenset[str]:
    """Tables that are new in the file: nobody uses them yet, so nothing done to them can hurt."""
    names = (table_of(s.node) for s in found if isinstance(s.node, ast.CreateStmt))
    return frozenset(name for name in names if name)


def broken_rule(node: ast.Node) -> tuple[str, str] | None:
    """The rule that the statement breaks, where its table is in use, and what that does."""
    match node:
        case ast.TruncateStmt() | ast.LockStmt() | ast.ClusterStmt() | ast.VacuumStmt():
            rule = LOCKS_TABLE
        case ast.UpdateStmt() | ast.DeleteStmt():
            rule = WRITES_TABLE
        case ast.DoStmt():
            rule = OPAQUE
        case _ if _narrows(node):
            rule = NARROWS
        case _:
            return None
    return rule, _TEXTS[rule]


def table_of(node: ast.Node) -> str | None:
    """The one table that the statement is about, where there is one."""
    match node:
        case ast.CreatePolicyStmt(table=relation) | ast.AlterPolicyStmt(table=relation):
            pass
        case ast.TruncateStmt(relations=[relation]) | ast.GrantStmt(objects=[relation]):
            pass
        case _:
            relation = getattr(node, "relation", None)
    return relation.relname if isinstance(relation, ast.RangeVar) else None


def _narrows(node: ast.Node) -> bool:
    match node:
        case ast.IndexStmt(unique=True) | ast.CreatePolicyStmt() | ast.AlterPolicyStmt() | ast.CreateTrigStmt():
            return True
        case ast.GrantStmt(is_grant=False):
            return True
        case ast.AlterTableStmt(cmds=[*commands]):
            return any(_command_narrows(command) for command in commands)
        case _:
            return False


def _command_narrows(command: ast.AlterTableCmd) -> bool:
    match command:
        case ast.AlterTableCmd(subtype=AlterTableType.AT_AddConstraint):
            return True
        case ast.AlterTableCmd(subtype=AlterTableType.AT_ColumnDefault, def_=None):
            # SET DEFAULT carries an expression, DROP DEFAULT none.
            return True
        case _:
            return command.subtype in _NARROWING
