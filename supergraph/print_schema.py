"""Print one subgraph's schema into its folder: `python -m supergraph.print_schema orders`."""

from __future__ import annotations

import sys

from shared.register import load_register
from supergraph.composition import print_subgraph


def main() -> int:
    for name in sys.argv[1:]:
        file = load_register().get(name).schema_file
        file.write_text(print_subgraph(name), encoding="utf-8")
        sys.stdout.write(f"{file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
