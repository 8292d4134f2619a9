"""TLS from files: contexts for servers and clients that ask for no less, and files that are renewed while they serve.

cert-manager writes a renewed certificate over the old one. A running process takes it in: new connections use it, those
that are open stay as they are.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from prometheus_client import Gauge

log = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. `authorities` are those whose certificates we believe, `certificate` and `key` say who we are."""

    certificate: Path | None = None
    key: Path | None = None
    key_password: str | None = None
    authorities: Path | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        return tuple(file for file in (self.certificate, self.key, self.authorities) if file is not None)


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """TLS 1.2 or newer; with `authorities` only clients that show a certificate of theirs. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if files.authorities is not None:
        context.verify_mode = ssl.CERT_REQUIRED
    _load(context, files)
    return context


def client_context(files: TlsFiles) -> ssl.SSLContext:
    """Believes `authorities` alone, or without them the system's; host names are checked. Raises OSError."""
    context = ssl.create_default_context() if files.authorities is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _load(context, files)
    return context


def expires_at(certificate: Path) -> datetime:
    """When the first certificate of the file ends. Raises OSError or ValueError."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


class Renewal:
    """Keeps a context up with its files. `expiry` shows when the certificate that is in use ends.

    New authorities are believed beside the old ones, which only a restart forgets.
    """

    def __init__(self, context: ssl.SSLContext, files: TlsFiles, expiry: Gauge) -> None:
        self._context = context
        self._files = files
        self._expiry = expiry
        self._seen = _fingerprint(files)
        self._show()

    def look(self) -> bool:
        """Whether new files were taken in. Those that cannot be used are logged, and looked at again the next time."""
        try:
            found = _fingerprint(self._files)
            if found == self._seen:
                return False
            # A pair that does not match would spoil a context half-way: a scratch one is asked first.
            _load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self._files)
            _load(self._context, self._files)
            self._show()
        except (OSError, ValueError) as error:
            log.error("renewed certificate not usable", extra={"error": str(error)})  # noqa: TRY400
            return False
        self._seen = found
        log.info("renewed certificate taken in", extra={"files": [str(file) for file in self._files.all]})
        return True

    async def run(self, every: float = LOOK_EVERY_SECONDS) -> None:
        """Look again and again until cancelled."""
        while True:
            await asyncio.sleep(every)
            self.look()

    def _show(self) -> None:
        if self._files.certificate is not None:
            self._expiry.set(expires_at(self._files.certificate).timestamp())


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    if files.authorities is not None:
        context.load_verify_locations(files.authorities)
    if files.certificate is not None:
        # Asked for a password, OpenSSL would ask the terminal.
        context.load_cert_chain(files.certificate, files.key, files.key_password or "")


def _fingerprint(files: TlsFiles) -> bytes:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files.all)).digest()
