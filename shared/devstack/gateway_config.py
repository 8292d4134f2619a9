"""The gateway's configuration for this stack, and its supergraph with this stack's ports."""

from __future__ import annotations

from typing import Any

import yaml

from shared.devstack.errors import StackProblem
from shared.devstack.keys import GATEWAY_KEY
from shared.devstack.layout import Layout
from shared.register import REGISTER_FILE, load_register


def write_gateway_files(layout: Layout) -> None:
    """Raises StackProblem where the supergraph has not been composed."""
    layout.gateway_config.write_text(yaml.safe_dump(_configuration(layout), sort_keys=False), encoding="utf-8")
    composed = REGISTER_FILE.with_name("supergraph.graphql")
    if not composed.exists():
        raise StackProblem("supergraph/supergraph.graphql does not exist.", remedy="Compose it: ./task compose")
    text = composed.read_text(encoding="utf-8")
    for stated, here in zip(load_register().subgraphs, layout.register.subgraphs, strict=True):
        text = text.replace(f'"{stated.routing_url}"', f'"{here.routing_url}"')
    layout.supergraph.write_text(text, encoding="utf-8")


def _configuration(layout: Layout) -> dict[str, Any]:
    accounts = layout.register.get("accounts")
    return {
        "authentication": {"jwks_url": f"http://127.0.0.1:{accounts.port}/.well-known/jwks.json"},
        "internal_token": {"key_file": str(layout.secrets / GATEWAY_KEY)},
    }
