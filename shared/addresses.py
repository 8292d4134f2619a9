"""Which addresses of Postgres, Redis and RabbitMQ are safe beyond one machine: encrypted, and by a server that is verified.

How each is told in its URL is its own client's way: `sslmode=verify-full&sslrootcert=FILE`, `rediss://…?ssl_ca_certs=FILE`,
`amqps://…?cafile=FILE`, `https://…?cafile=FILE`. None of them then falls back to plain text.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

_WEAKENS_REDIS = {
    "ssl_cert_reqs": frozenset({"none", "optional"}),
    "ssl_check_hostname": frozenset({"false", "0", "no", "n", "f", "off"}),
}


def unsafe_addresses(urls: Mapping[str, str]) -> list[str]:
    """The names of those that may send a password or a row unencrypted or to somebody else. Raises ValueError for no URL."""
    return [name for name, url in urls.items() if not _is_safe(url)]


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    match parts.scheme:
        case "postgresql" | "postgres":
            return options.get("sslmode") == "verify-full"
        case "rediss":
            return not any(options.get(name, "").lower() in weak for name, weak in _WEAKENS_REDIS.items())
        case "amqps":
            return options.get("no_verify_ssl", "0") == "0"
        case "https":
            return True
    return False
