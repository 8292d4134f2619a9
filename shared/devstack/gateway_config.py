"""The gateway's settings for this stack: supergraph/gateway.yaml with this machine's key file and addresses laid over."""

from __future__ import annotations

from typing import Any

import yaml

from shared.devstack.errors import StackProblem
from shared.devstack.keys import GATEWAY_KEY
from shared.devstack.layout import Layout
from shared.register import REGISTER_FILE, load_register

SETTINGS_FILE = REGISTER_FILE.with_name("gateway.yaml")
OPERATIONS = REGISTER_FILE.with_name("operations")
EXAMPLES = REGISTER_FILE.with_name("explorer")
SUPERGRAPH_FILE = REGISTER_FILE.with_name("supergraph.graphql")


def write_gateway_config(layout: Layout) -> None:
    """Raises StackProblem where the supergraph has not been composed."""
    if not SUPERGRAPH_FILE.exists():
        raise StackProblem(f"{SUPERGRAPH_FILE} does not exist.", remedy="Compose it: ./task compose")
    layout.gateway_config.write_text(yaml.safe_dump(_settings(layout), sort_keys=False), encoding="utf-8")


def _settings(layout: Layout) -> dict[str, Any]:
    text = SETTINGS_FILE.read_text(encoding="utf-8")
    for stated, here in zip(load_register().subgraphs, layout.register.subgraphs, strict=True):
        text = text.replace(f"127.0.0.1:{stated.port}/", f"127.0.0.1:{here.port}/")
    settings: dict[str, Any] = yaml.safe_load(text)
    settings["internal_token"]["key_file"] = str(layout.secrets / GATEWAY_KEY)
    settings["persisted"]["directory"] = str(OPERATIONS)
    settings["explorer"]["examples"] = str(EXAMPLES)
    settings["subgraph_urls"] = {subgraph.name: subgraph.routing_url for subgraph in layout.register.subgraphs}
    return settings
