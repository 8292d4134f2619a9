"""The stack's own keys: made once, private halves readable by their owner alone.

`python -m shared.devstack.keys gateway.pem gateway.next.pem` prints the JWK set of such keys: while the gateway's key is
rotated, subgraphs have to know the next one as well (charts/README.md).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from nacl.public import PrivateKey

from shared.devstack.passwords import write_secret
from shared.register import Register

GATEWAY_KEY = "gateway.pem"
GATEWAY_JWKS = "gateway.jwks.json"
SEALING_PUBLIC_KEY = "sealing.pub"
SEALING_PRIVATE_KEY = "sealing.key"


def ensure_keys(directory: Path, register: Register) -> None:
    """The gateway's signing key with its public JWKS, the sealing pair, and every secret the register asks for.

    A key beside it, such as `gateway.next.pem`, is published too and signs nothing.
    """
    wanted = {GATEWAY_KEY, SEALING_PRIVATE_KEY}
    for subgraph in register.subgraphs:
        wanted.update(subgraph.secrets.values())
        wanted.update(file for process in subgraph.processes.values() for file in process.secrets.values())
    for name in sorted(wanted):
        _ensure(directory / name)
    others = sorted(directory.glob(f"{Path(GATEWAY_KEY).stem}.*.pem"))
    (directory / GATEWAY_JWKS).write_text(_jwks_of([directory / GATEWAY_KEY, *others]), encoding="utf-8")


def public_jwks(private_pem: bytes) -> dict[str, list[dict[str, str]]]:
    """The public half of an Ed25519 key as a JWK set (RFC 8037), `kid` its thumbprint (RFC 7638, SHA-256)."""
    key = load_pem_private_key(private_pem, password=None)
    assert isinstance(key, Ed25519PrivateKey)
    raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(raw)}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    thumbprint = _base64url(hashlib.sha256(canonical).digest())
    return {"keys": [{**members, "kid": thumbprint, "alg": "EdDSA", "use": "sig"}]}


def _jwks_of(files: Sequence[Path]) -> str:
    keys = [key for file in files for key in public_jwks(file.read_bytes())["keys"]]
    return json.dumps({"keys": keys}, indent=1)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="keys", description="Prints the public JWK set of private Ed25519 keys.")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="PEM, PKCS 8")
    sys.stdout.write(f"{_jwks_of(parser.parse_args(arguments).files)}\n")
    return 0


def _ensure(file: Path) -> None:
    """The suffix says what a secret is; see supergraph.yaml."""
    if file.exists():
        return
    match file.suffix:
        case ".pem":
            key = Ed25519PrivateKey.generate()
            write_secret(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        case ".key":
            pair = PrivateKey.generate()
            write_secret(file, base64.b64encode(bytes(pair)))
            file.with_suffix(".pub").write_bytes(base64.b64encode(bytes(pair.public_key)))
        case ".secret":
            write_secret(file, secrets.token_urlsafe(32).encode())
        case unknown:
            raise ValueError(f"{file.name}: a secret ends in .pem, .key or .secret, not in {unknown!r}")


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


if __name__ == "__main__":
    sys.exit(main())
