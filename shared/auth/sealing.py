"""Seals what must not be read in an outbox, a broker or a log: a mail address, a verification token.

NaCl sealed boxes (X25519, XSalsa20-Poly1305): anyone can seal for the holder of the private key, only it can open.
"""

from __future__ import annotations

import base64
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox


class UnreadableSeal(Exception):
    """Sealed for another key, or altered."""


class Sealer:
    """`key_file` holds the public key in base64."""

    def __init__(self, key_file: Path) -> None:
        self._box = SealedBox(PublicKey(base64.b64decode(key_file.read_text(encoding="ascii"))))

    def seal(self, secret: str) -> str:
        return base64.b64encode(self._box.encrypt(secret.encode())).decode()


class Unsealer:
    """`key_file` holds the private key in base64."""

    def __init__(self, key_file: Path) -> None:
        self._box = SealedBox(PrivateKey(base64.b64decode(key_file.read_text(encoding="ascii"))))

    def unseal(self, sealed: str) -> str:
        """Raises UnreadableSeal."""
        try:
            return self._box.decrypt(base64.b64decode(sealed)).decode()
        except (CryptoError, ValueError) as error:
            raise UnreadableSeal from error
