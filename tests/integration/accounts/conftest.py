"""Accounts on real servers, with keys of the test's own."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.public import PrivateKey

from shared.auth.sealing import Unsealer
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test


@dataclass(frozen=True, slots=True)
class Keys:
    """Files of the keys that accounts is given, and of the one that opens what it seals."""

    access_token: Path
    previous_access_token: Path
    sealing_public: Path
    sealing_private: Path

    def unseal(self, sealed: str) -> str:
        return Unsealer(self.sealing_private).unseal(sealed)

    def settings(self) -> dict[str, Any]:
        return {
            "access_token_key_file": self.access_token,
            "previous_access_token_key_file": self.previous_access_token,
            "sealing_public_key_file": self.sealing_public,
        }


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    folder = tmp_path_factory.mktemp("keys")
    made = Keys(folder / "new.pem", folder / "old.pem", folder / "sealing.pub", folder / "sealing.key")
    for file in (made.access_token, made.previous_access_token):
        key = Ed25519PrivateKey.generate()
        file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pair = PrivateKey.generate()
    made.sealing_private.write_bytes(base64.b64encode(bytes(pair)))
    made.sealing_public.write_bytes(base64.b64encode(bytes(pair.public_key)))
    return made


@pytest.fixture(scope="module")
async def accounts(
    database_for: Callable[[str], DomainDatabase], redis_url: str, keys: Keys
) -> AsyncIterator[SubgraphUnderTest]:
    async with subgraph_under_test("accounts", database_for("accounts"), redis_url, **keys.settings()) as subgraph:
        yield subgraph
