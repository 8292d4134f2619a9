"""A migration must not lock out, nor break, the release that still runs while it is applied: bad ones are seen to be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.devstack.check_migrations import migration_problems
from shared.devstack.migration_lint import fingerprint, lint
from shared.devstack.released import Release, history_problems, read_releases
from shared.register import load_register

REASON = "the release before last has stopped reading it"
REFUSED = {
    "adding-required-field": "ALTER TABLE product ADD COLUMN colour text NOT NULL",
    "adding-not-nullable-field": "ALTER TABLE product ALTER COLUMN title SET NOT NULL",
    "adding-field-with-default": "ALTER TABLE product ADD COLUMN at timestamptz NOT NULL DEFAULT clock_timestamp()",
    "changing-column-type": "ALTER TABLE product ALTER COLUMN version TYPE numeric",
    "require-concurrent-index-creation": "CREATE INDEX product_title ON product (title)",
    "require-concurrent-index-deletion": "DROP INDEX product_title",
    "adding-foreign-key-constraint": "ALTER TABLE product ADD FOREIGN KEY (category_id) REFERENCES category (id)",
    "constraint-missing-not-valid": "ALTER TABLE product ADD CONSTRAINT positive CHECK (version > 0)",
    "disallowed-unique-constraint": "ALTER TABLE product ADD UNIQUE (title)",
    "renaming-column": "ALTER TABLE product RENAME COLUMN title TO name",
    "renaming-table": "ALTER TABLE product RENAME TO goods",
    "ban-drop-column": "ALTER TABLE product DROP COLUMN title",
    "ban-drop-table": "DROP TABLE product",
    "locks-table": "LOCK TABLE product",
    "writes-whole-table": "UPDATE product SET title = upper(title)",
    "narrows-table": "ALTER TABLE product ADD CONSTRAINT positive CHECK (version > 0) NOT VALID",
    "opaque-block": "DO $$ BEGIN EXECUTE 'DROP TABLE product'; END $$",
}
HARMLESS = (
    "ALTER TABLE product ADD COLUMN colour text",
    "ALTER TABLE product ADD COLUMN colour text NOT NULL DEFAULT 'none'",
    "CREATE TABLE wish (id uuid PRIMARY KEY); CREATE UNIQUE INDEX wish_id ON wish (id); ALTER TABLE wish ADD CHECK (true)",
    "INSERT INTO category (id) VALUES (gen_random_uuid())",
)
CONCURRENTLY = "CREATE INDEX CONCURRENTLY product_title ON product (title)"


def migration(folder: Path, up: str, *, before: str = "", option: str = "", name: str = "20270101000000_x.sql") -> Path:
    file = folder / name
    file.write_text(f"-- migrate:up{option}\n\n{before}\n{up};\n\n-- migrate:down\nDROP TABLE product;\n")
    return file


def rules(file: Path) -> set[str]:
    return {problem.rule for problem in lint([file])}


def test_the_marketplaces_own_migrations_disturb_nobody() -> None:
    assert [str(problem) for problem in migration_problems(load_register(), read_releases())] == []


@pytest.mark.parametrize("rule", REFUSED)
def test_what_locks_or_breaks_a_table_in_use_is_refused(tmp_path: Path, rule: str) -> None:
    assert rule in rules(migration(tmp_path, REFUSED[rule]))


@pytest.mark.parametrize("up", HARMLESS)
def test_what_nobody_notices_is_not(tmp_path: Path, up: str) -> None:
    assert rules(migration(tmp_path, up)) == set()


def test_an_index_is_made_beside_the_traffic(tmp_path: Path) -> None:
    assert rules(migration(tmp_path, CONCURRENTLY, option=" transaction:false")) == set()


def test_a_rule_is_broken_with_a_reason_alone(tmp_path: Path) -> None:
    drop = REFUSED["ban-drop-column"]
    allowed = migration(tmp_path, drop, before=f"-- allow ban-drop-column: {REASON}")
    assert rules(allowed) == set()
    assert rules(migration(tmp_path, drop, before="-- allow ban-drop-column: why not")) == {"ban-drop-column"}
    # a reason for another rule is none, and one that nothing needs is not left lying about
    other = lint([migration(tmp_path, drop, before=f"-- allow ban-drop-table: {REASON}")])
    assert [(problem.line, problem.rule) for problem in other] == [(4, "ban-drop-column"), (4, "needless-allow")]


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    assert rules(migration(tmp_path, "CREATE TABEL x ()")) == {"syntax"}
    bare = tmp_path / "20270101000001_bare.sql"
    bare.write_text("DROP TABLE product;")
    assert rules(bare) == {"no-sections"}


def test_what_is_released_stays_as_it_was_and_nothing_comes_before_it(tmp_path: Path) -> None:
    first = migration(tmp_path, HARMLESS[0], name="20270101000000_first.sql")
    gone = "20270102000000_gone.sql"
    release = Release({first.name: fingerprint(first), gone: "0"}, {})
    assert [(p.file.name, p.rule) for p in history_problems(tmp_path, release)] == [(gone, "rewrites-history")]
    # when the released file is changed and another one is slipped in before the last
    first.write_text(first.read_text().replace("text", "int"))
    slipped = migration(tmp_path, HARMLESS[1], name="20270101120000_slipped.sql")
    # then both are refused
    found = {(p.file.name, p.rule) for p in history_problems(tmp_path, release)}
    assert found == {
        (gone, "rewrites-history"),
        (first.name, "rewrites-history"),
        (slipped.name, "comes-too-early"),
    }
