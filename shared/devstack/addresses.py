"""Connection URLs of one server for its many users."""

from __future__ import annotations

from urllib.parse import quote, urlsplit, urlunsplit


def with_login(url: str, user: str, password: str, *, path: str | None = None) -> str:
    """The same server for another user, and for another database or virtual host where `path` is given."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(
        (parts.scheme, f"{login}@{host}", parts.path if path is None else f"/{path}", parts.query, parts.fragment)
    )


def with_path(url: str, path: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{path}"))


def without_password(url: str) -> str:
    """What may be shown on a screen."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}"))
