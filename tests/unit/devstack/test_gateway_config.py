"""The gateway's settings as the launcher writes them are settings that the gateway takes."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.settings import read_settings
from shared.devstack import gateway_config
from shared.devstack.errors import StackProblem
from shared.devstack.gateway_config import write_gateway_config
from shared.devstack.layout import Layout, moved
from shared.register import REGISTER_FILE, load_register


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    composed = tmp_path / "supergraph.graphql"
    composed.touch()
    monkeypatch.setattr(gateway_config, "SUPERGRAPH_FILE", composed)
    return Layout(tmp_path, moved(load_register(), 1000), 1000)


def test_the_gateway_takes_the_settings_with_this_stacks_addresses_and_key(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@127.0.0.1:5103/0")
    write_gateway_config(layout.gateway_config, layout.subgraph_addresses, secrets=layout.secrets)
    assert "hunter2" not in layout.gateway_config.read_text(encoding="utf-8")

    settings = read_settings(layout.gateway_config)
    assert settings.rate_limit.redis_url == "redis://:hunter2@127.0.0.1:5103/0"
    assert settings.authentication is not None
    assert settings.authentication.jwks_url == "http://127.0.0.1:5101/.well-known/jwks.json"
    assert settings.internal_token is not None
    assert settings.internal_token.key_file == layout.secrets / "gateway.pem"
    assert settings.persisted is not None
    assert settings.persisted.automatic is not None
    assert (settings.persisted.directory, settings.persisted.automatic.redis_url) == (
        REGISTER_FILE.with_name("operations"),
        "redis://:hunter2@127.0.0.1:5103/0",
    )
    assert settings.api_clients is not None
    assert settings.api_clients.url == "http://127.0.0.1:5101/internal/api-clients"
    assert settings.explorer.examples == REGISTER_FILE.with_name("explorer")
    assert settings.subgraph_urls["orders"] == "http://127.0.0.1:5105/graphql"
    assert len(settings.subgraph_urls) == len(layout.register.subgraphs)


def test_without_a_composed_supergraph_the_command_that_composes_it_is_named(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "supergraph.graphql").unlink()

    with pytest.raises(StackProblem) as raised:
        write_gateway_config(layout.gateway_config, layout.subgraph_addresses, secrets=layout.secrets)

    assert raised.value.remedy == "Compose it: ./task compose"
