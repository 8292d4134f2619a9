"""The stack's keys and passwords."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.auth.sealing import Sealer, Unsealer
from shared.devstack.keys import ensure_keys, main, public_jwks
from shared.devstack.passwords import load_passwords
from shared.register import load_register


def test_the_key_id_is_the_thumbprint_of_the_published_example() -> None:
    # RFC 8037, appendix A.1 to A.3.
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    assert public_jwks(pem) == {
        "keys": [
            {
                "crv": "Ed25519",
                "kty": "OKP",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "alg": "EdDSA",
                "use": "sig",
            }
        ]
    }


def test_keys_are_made_once_and_their_private_halves_are_the_owners_alone(tmp_path: Path) -> None:
    ensure_keys(tmp_path, load_register())
    first = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    ensure_keys(tmp_path, load_register())

    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == first
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    private = {name: mode for name, mode in modes.items() if name not in {"gateway.jwks.json", "sealing.pub"}}
    assert private == {
        "accounts.pem": 0o600,
        "gateway.pem": 0o600,
        "provider_webhook.secret": 0o600,
        "sealing.key": 0o600,
    }


def test_the_gateways_next_key_is_published_before_it_signs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    following = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "gateway.next.pem").write_bytes(following)

    ensure_keys(tmp_path, load_register())

    published = json.loads((tmp_path / "gateway.jwks.json").read_text())["keys"]
    signing = (tmp_path / "gateway.pem").read_bytes()
    assert published == [*public_jwks(signing)["keys"], *public_jwks(following)["keys"]]
    assert main([str(tmp_path / "gateway.next.pem"), str(tmp_path / "gateway.pem")]) == 0
    assert json.loads(capsys.readouterr().out)["keys"] == published[::-1]


def test_the_sealing_pair_fits(tmp_path: Path) -> None:
    ensure_keys(tmp_path, load_register())

    sealed = Sealer(tmp_path / "sealing.pub").seal("buyer@example.com")
    assert Unsealer(tmp_path / "sealing.key").unseal(sealed) == "buyer@example.com"


def test_a_new_subgraph_gets_passwords_and_the_others_keep_theirs(tmp_path: Path) -> None:
    file, register = tmp_path / "secrets" / "passwords.json", load_register()
    fewer = register.model_copy(update={"subgraphs": register.subgraphs[:2]})
    before = load_passwords(file, fewer)
    after = load_passwords(file, register)

    assert sorted(before.postgres) == ["accounts", "accounts_migrate", "sellers", "sellers_migrate"]
    assert len(after.postgres) == 2 * len(register.subgraphs)
    assert len(set(after.postgres.values())) == len(after.postgres)
    assert {role: after.postgres[role] for role in before.postgres} == before.postgres
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text(encoding="utf-8"))["redis"] == before.redis
