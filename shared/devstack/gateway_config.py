"""The gateway's settings for one stack: supergraph/gateway.yaml with its key file and its addresses laid over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from shared.devstack.errors import StackProblem
from shared.devstack.keys import GATEWAY_KEY
from shared.register import REGISTER_FILE, load_register

SETTINGS_FILE = REGISTER_FILE.with_name("gateway.yaml")
OPERATIONS = REGISTER_FILE.with_name("operations")
EXAMPLES = REGISTER_FILE.with_name("explorer")
SUPERGRAPH_FILE = REGISTER_FILE.with_name("supergraph.graphql")


def write_gateway_config(file: Path, addresses: Mapping[str, str], *, secrets: Path) -> None:
    """`addresses` are the subgraphs' by name, as in `http://127.0.0.1:4101`; `secrets` is where the gateway's key lies.

    Raises StackProblem where the supergraph has not been composed.
    """
    if not SUPERGRAPH_FILE.exists():
        raise StackProblem(f"{SUPERGRAPH_FILE} does not exist.", remedy="Compose it: ./task compose")
    file.write_text(yaml.safe_dump(_settings(addresses, secrets), sort_keys=False), encoding="utf-8")


def _settings(addresses: Mapping[str, str], secrets: Path) -> dict[str, Any]:
    text = SETTINGS_FILE.read_text(encoding="utf-8")
    for stated in load_register().subgraphs:
        text = text.replace(f"http://127.0.0.1:{stated.port}/", f"{addresses[stated.name]}/")
    settings: dict[str, Any] = yaml.safe_load(text)
    settings["internal_token"]["key_file"] = str(secrets / GATEWAY_KEY)
    settings["persisted"]["directory"] = str(OPERATIONS)
    settings["explorer"]["examples"] = str(EXAMPLES)
    # Whoever asks a stack of this machine is its developer, and may bring the trace in which a request is to be recorded.
    settings["tracing"] = {"trust_clients": True}
    settings["subgraph_urls"] = {name: f"{address}/graphql" for name, address in addresses.items()}
    return settings
