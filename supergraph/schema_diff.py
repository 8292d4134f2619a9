"""`task schema:diff`: what a change of the graph means for its clients. Exit status 1 where it breaks any."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from graphql import GraphQLError, GraphQLSchema, build_schema, is_enum_type, is_input_object_type
from graphql.utilities.find_schema_changes import BreakingChange, DangerousChange, SafeChange, find_schema_changes
from rich.console import Console
from rich.table import Table

from supergraph.composition import API_FILE, ROOM

_DATE = re.compile(r"\b\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])\b")

Change = BreakingChange | DangerousChange | SafeChange
_KINDS = {BreakingChange: "breaking", DangerousChange: "dangerous", SafeChange: "safe"}


class NoSuchBase(Exception):
    """There is neither a file nor a revision of that name; the message says so."""


def read_base(base: str) -> str:
    """The API schema in a file, or as it was committed at a revision. Raises NoSuchBase."""
    if Path(base).is_file():
        return Path(base).read_text(encoding="utf-8")
    shown = f"{base}:./{API_FILE.name}"
    done = subprocess.run(["git", "show", shown], cwd=ROOM, capture_output=True, text=True, check=False)  # noqa: S607
    if done.returncode != 0:
        raise NoSuchBase(f"{base} is neither a file nor a revision with {API_FILE.name}: {done.stderr.strip()}")
    return done.stdout


def changes(before: GraphQLSchema, after: GraphQLSchema) -> list[tuple[str, str]]:
    """Each change as its kind (breaking, dangerous, safe) and one sentence, the worst first."""
    kinds = list(_KINDS.values())
    found = [(_KINDS[type(change)], change.description) for change in find_schema_changes(before, after)]
    return sorted(found, key=lambda change: (kinds.index(change[0]), change[1]))


def undated(schema: GraphQLSchema) -> list[str]:
    """What is deprecated without saying until when: a reason holds the date of removal, such as 2027-03-31."""
    return [place for place, reason in _deprecations(schema) if _DATE.search(reason) is None]


def _deprecations(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    for name, kind in sorted(schema.type_map.items()):
        if is_enum_type(kind):
            yield from ((f"{name}.{n}", v.deprecation_reason) for n, v in kind.values.items() if v.deprecation_reason)
            continue
        fields = kind.fields if hasattr(kind, "fields") else {}
        for field_name, field in fields.items():
            if field.deprecation_reason:
                yield f"{name}.{field_name}", field.deprecation_reason
            if not is_input_object_type(kind):
                for argument_name, argument in field.args.items():
                    if argument.deprecation_reason:
                        yield f"{name}.{field_name}({argument_name}:)", argument.deprecation_reason


def main() -> int:
    parser = argparse.ArgumentParser(prog="task schema:diff", description=__doc__)
    parser.add_argument("--base", default="HEAD", metavar="REV|FILE", help="what to compare with (HEAD)")
    base = parser.parse_args().base
    try:
        before = build_schema(read_base(base))
    except (NoSuchBase, GraphQLError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    after = build_schema(API_FILE.read_text(encoding="utf-8"))
    found = changes(before, after)
    _show(base, found)
    for place in undated(after):
        sys.stdout.write(
            f"{place} is deprecated without the date of its end: write it into the reason, as YYYY-MM-DD.\n"
        )
    return 1 if undated(after) or any(kind == "breaking" for kind, _ in found) else 0


def _show(base: str, found: list[tuple[str, str]]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    if not found:
        console.print(f"Clients see the same graph as in {base}.")
        return
    table = Table("for clients", "change", box=None, pad_edge=False, header_style="bold")
    for kind, text in found:
        table.add_row({"breaking": "[red]breaking[/]", "dangerous": "[yellow]dangerous[/]"}.get(kind, kind), text)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
