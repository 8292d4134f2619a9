"""GraphQL over HTTP to the letter: the 61 server audits of npm `graphql-http`, over real HTTP, in one Node process."""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from supergraph.node_packages import find_node, install_packages
from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

FOLDER = Path(__file__).parent / "http_audit"


@pytest.fixture(scope="module")
async def outcomes() -> dict[str, str | None]:
    """Why each audit failed, by its name; None for one that passed."""
    await asyncio.to_thread(install_packages, FOLDER)
    subgraphs = {name: Subgraph(sdl("mutations", name)) for name in ("left", "right")}
    async with federation("mutations", subgraphs) as served:
        url = str(served.client.base_url.join("/graphql"))
        node = await asyncio.create_subprocess_exec(find_node(), str(FOLDER / "audit.mjs"), url, stdout=PIPE)
        printed, _ = await node.communicate()
    found: dict[str, str | None] = json.loads(printed)
    return found


def test_all_61_server_audits_pass(outcomes: dict[str, str | None]) -> None:
    assert {name: reason for name, reason in outcomes.items() if reason is not None} == {}
    assert len(outcomes) == 61
