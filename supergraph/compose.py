"""`task compose`: print every subgraph's schema, compose, write the artefacts. `--check` writes nothing and fails on drift."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from graphql import print_schema

from gateway.supergraph.api_schema import build_api_schema, with_defer
from gateway.supergraph.sdl import parse_supergraph
from shared.register import PROJECT_ROOT, load_register
from supergraph.composition import API_FILE, SUPERGRAPH_FILE, CompositionFailed, compose, print_subgraphs


def artefacts() -> dict[Path, str]:
    """Every committed schema file and what it must hold. Raises CompositionFailed."""
    register = load_register()
    schemas = print_subgraphs(register)
    supergraph = compose(register, schemas)
    files = {subgraph.schema_file: schemas[subgraph.name] for subgraph in register.subgraphs}
    api = print_schema(with_defer(build_api_schema(parse_supergraph(supergraph))))
    return files | {SUPERGRAPH_FILE: supergraph, API_FILE: f"{api.strip()}\n"}


def drifted(files: dict[Path, str]) -> list[Path]:
    """The committed files that differ from what the code says."""
    return [file for file, text in files.items() if not file.exists() or file.read_text(encoding="utf-8") != text]


def main() -> int:
    parser = argparse.ArgumentParser(prog="task compose", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a committed schema is out of date"
    )
    check = parser.parse_args().check
    try:
        files = artefacts()
    except CompositionFailed as failure:
        sys.stderr.write(f"The subgraphs do not compose:\n{failure}\n")
        return 1
    stale = drifted(files)
    for file in files:
        state = "current" if file not in stale else "out of date" if check else "written"
        sys.stdout.write(f"{state:>12}  {file.relative_to(PROJECT_ROOT)}\n")
    if check:
        return 1 if stale else 0
    for file in stale:
        file.write_text(files[file], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
