"""`python -m shared.devstack.container_files DIRECTORY`: what the containers of compose.yaml share; what is there stays.

The keys of this installation alone, and the gateway's settings with the containers' names for addresses.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shared.devstack.gateway_config import write_gateway_config
from shared.devstack.keys import ensure_keys
from shared.register import load_register

GATEWAY_CONFIG = "gateway.yaml"


def main() -> None:
    directory, register = Path(sys.argv[1]), load_register()
    ensure_keys(directory, register)
    addresses = {subgraph.name: f"http://{subgraph.name}-api:{subgraph.port}" for subgraph in register.subgraphs}
    write_gateway_config(directory / GATEWAY_CONFIG, addresses, secrets=directory)


if __name__ == "__main__":
    main()
