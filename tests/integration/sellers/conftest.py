"""Sellers on real servers, with a sealing pair of the test's own."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from shared.auth.sealing import Unsealer
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test


@pytest.fixture(scope="session")
def sealing_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`sealing.pub` is given to sellers, `sealing.key` opens what it seals."""
    folder = tmp_path_factory.mktemp("keys")
    pair = PrivateKey.generate()
    (folder / "sealing.key").write_bytes(base64.b64encode(bytes(pair)))
    (folder / "sealing.pub").write_bytes(base64.b64encode(bytes(pair.public_key)))
    return folder


@pytest.fixture
def unsealer(sealing_folder: Path) -> Unsealer:
    return Unsealer(sealing_folder / "sealing.key")


@pytest.fixture(scope="module")
async def sellers(
    database_for: Callable[[str], DomainDatabase], redis_url: str, sealing_folder: Path
) -> AsyncIterator[SubgraphUnderTest]:
    async with subgraph_under_test(
        "sellers", database_for("sellers"), redis_url, sealing_public_key_file=sealing_folder / "sealing.pub"
    ) as subgraph:
        yield subgraph
