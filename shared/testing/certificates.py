"""Real certificates for tests: an authority of their own, and what it issues."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.tls import TlsFiles

_KEY_USES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, PEM."""

    certificate: Path
    key: Path

    @property
    def files(self) -> TlsFiles:
        return TlsFiles(self.certificate, self.key)

    def replace_with(self, other: Issued) -> None:
        """As a renewal does: other content under the same names."""
        self.key.write_bytes(other.key.read_bytes())
        self.certificate.write_bytes(other.certificate.read_bytes())


class Authority:
    """Issues certificates into `folder`; `file` is its own, for those who are to believe it."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        signs = x509.BasicConstraints(ca=True, path_length=0)
        own = _certificate(self._name, self._key, self._name, days=30).add_extension(signs, critical=True)
        # Python 3.13 checks strictly: an authority says what its key is for.
        own = own.add_extension(_key_usage(signs=True), critical=True)
        own = own.add_extension(_identifier(self._key), critical=False)
        self.file.write_bytes(own.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str, *, hosts: Sequence[str] = ("127.0.0.1", "localhost"), days: int = 7) -> Issued:
        """A certificate for `hosts`, names or addresses; with negative `days` it has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        built = (
            _certificate(_name(name), key, self._name, days=days)
            .add_extension(x509.SubjectAlternativeName([_host(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(authority, critical=False)
            .add_extension(_identifier(key), critical=False)
        )
        issued = Issued(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        issued.certificate.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
        issued.key.touch(mode=0o600)
        issued.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return issued


def _certificate(
    subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, *, days: int
) -> x509.CertificateBuilder:
    ends = datetime.now(UTC) + days * _DAY
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(datetime.now(UTC), ends) - _DAY)
        .not_valid_after(ends)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    uses = dict.fromkeys(_KEY_USES, False) | {"digital_signature": not signs}
    return x509.KeyUsage(**uses, key_cert_sign=signs, crl_sign=signs, encipher_only=False, decipher_only=False)


def _identifier(key: ec.EllipticCurvePrivateKey) -> x509.SubjectKeyIdentifier:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key())


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
