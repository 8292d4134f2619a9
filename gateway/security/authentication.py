"""Verifies access tokens: JWTs of RFC 9068 (`typ: at+jwt`) by the keys of a JWKS URL, in the spirit of RFC 8725."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic, time
from typing import Any, Literal

import jwt
from jwt import PyJWK, PyJWKSet
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused

logger = logging.getLogger(__name__)

_TOKENS_KEPT = 4096
_UNKNOWN_KEPT = 1000
_TOKEN_KEPT_SECONDS = 5.0
_LONGEST_TOKEN = 8192
_KEY_CLASS = {"EdDSA": "OKP", "ES256": "EC", "RS256": "RSA"}


class AuthenticationConfig(BaseModel):
    """Whose access tokens are good. Times in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    jwks_url: str
    issuer: str
    audience: str
    algorithms: tuple[Literal["EdDSA", "ES256", "RS256"], ...] = ("EdDSA", "ES256", "RS256")
    typ: str = "at+jwt"
    leeway: int = Field(default=60, ge=0, le=60)
    keys_kept_seconds: float = Field(default=300, gt=0)
    refresh_pause_seconds: float = Field(default=10, gt=0, description="At least so long between two reads of the keys")


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A verified token: `text` as it came, `claims` as they were signed. With `own` they are the gateway's own words."""

    text: str
    claims: Mapping[str, Any]
    own: bool = False

    @property
    def subject(self) -> str:
        """Who bears it: equal for all tokens of one bearer."""
        return self.text if self.own else str(self.claims["sub"])

    @property
    def expires_at(self) -> float:
        return float(self.claims["exp"])


class KeysUnavailable(Exception):
    """Nothing can be said of a key now; in `retry_after` seconds perhaps."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("the signing keys cannot be read now")
        self.retry_after = retry_after


class JwksKeys:
    """The signing keys by their id, read again when they are old and when an unknown id turns up.

    A key may be published the moment before its first token comes. So there is no key of an id only where a read that began
    after it was asked for has not found it.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        config: AuthenticationConfig,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._read = read
        self._config = config
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._read_at = self._tried_at = float("-inf")
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._reading = asyncio.Lock()

    async def find(self, key_id: str) -> PyJWK | None:
        """The key, or None where there is none of that id. Raises KeysUnavailable where that cannot be known now."""
        asked_at = self._first_asked(key_id)
        if self._is_old() or (key_id not in self._keys and self._may_read()):
            async with self._reading:
                # Whoever held the lock before may have read them already.
                if self._is_old() or (key_id not in self._keys and self._may_read()):
                    await self._refresh()
        key = self._keys.get(key_id)
        if key is None and asked_at > self._read_at:
            raise KeysUnavailable(self._config.refresh_pause_seconds - (self._clock() - self._tried_at))
        return key

    def _first_asked(self, key_id: str) -> float:
        """When an unknown id was asked for first. Of very many the first are forgotten, and asked for anew."""
        now = self._clock()
        if key_id in self._keys:
            return now
        asked_at = self._asked.setdefault(key_id, now)
        if len(self._asked) > _UNKNOWN_KEPT:
            self._asked.popitem(last=False)
        return asked_at

    def _is_old(self) -> bool:
        return self._clock() - self._read_at >= self._config.keys_kept_seconds

    def _may_read(self) -> bool:
        return self._clock() - self._tried_at >= self._config.refresh_pause_seconds

    async def _refresh(self) -> None:
        if self._is_old() and not self._may_read():
            raise KeysUnavailable(self._config.refresh_pause_seconds - (self._clock() - self._tried_at))
        tried_at = self._tried_at = self._clock()
        try:
            keys = PyJWKSet.from_json((await self._read()).decode()).keys
        except (jwt.PyJWTError, ValueError, OSError) as error:
            logger.exception("reading the signing keys failed", extra={"url": self._config.jwks_url})
            if self._is_old():
                raise KeysUnavailable(self._config.refresh_pause_seconds) from error
            return
        found = {key.key_id: key for key in keys if key.key_id}
        # A key that is no longer there has been looked for.
        self._asked.update(dict.fromkeys(self._keys.keys() - found.keys(), tried_at))
        self._keys = found
        # Everything is counted from the read's beginning: what was published after that may not be in it.
        self._read_at = tried_at


class Authenticator:
    """Turns the Authorization header into a verified token. A verdict is kept for a few seconds at most."""

    def __init__(self, keys: JwksKeys, config: AuthenticationConfig) -> None:
        self._keys = keys
        self._config = config
        self._verified: OrderedDict[str, tuple[float, AccessToken]] = OrderedDict()

    async def authenticate(self, authorization: str | None) -> AccessToken | None:
        """The token, or None for an anonymous request. Raises RequestRefused 401 for a token that is not good."""
        if authorization is None:
            return None
        known = self.find(authorization)
        if known is not None:
            return known
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or not text or len(text) > _LONGEST_TOKEN:
            raise _refusal("UNAUTHENTICATED", "The Authorization header must carry a bearer token.")
        token = await self._verify(text)
        self._verified[authorization] = (min(time() + _TOKEN_KEPT_SECONDS, token.expires_at), token)
        while len(self._verified) > _TOKENS_KEPT:
            self._verified.popitem(last=False)
        return token

    def find(self, authorization: str) -> AccessToken | None:
        """The token of a header that was verified a moment ago."""
        kept = self._verified.get(authorization)
        return kept[1] if kept is not None and kept[0] > time() else None

    def accepted_until(self, token: AccessToken) -> float:
        """The time from which the token is no longer good."""
        return token.expires_at + self._config.leeway

    async def _verify(self, text: str) -> AccessToken:
        try:
            header = jwt.get_unverified_header(text)
            key = await self._key(header)
            claims = jwt.decode(
                text,
                key,
                algorithms=[header["alg"]],
                audience=self._config.audience,
                issuer=self._config.issuer,
                leeway=self._config.leeway,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except KeysUnavailable as error:
            raise RequestRefused(
                "KEYS_UNAVAILABLE",
                "Sign-in cannot be checked right now.",
                status=503,
                retry_after=max(1, math.ceil(error.retry_after)),
            ) from error
        except (jwt.PyJWTError, KeyError, TypeError, ValueError) as error:
            raise _refusal("INVALID_TOKEN", "The access token is not valid.") from error
        return AccessToken(text, claims)

    async def _key(self, header: Mapping[str, Any]) -> PyJWK:
        """The key for a token's header, of the kind that its algorithm needs. Raises ValueError."""
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in self._config.algorithms or not isinstance(key_id, str) or "crit" in header:
            raise ValueError("algorithm, key id or critical headers are not accepted")
        if str(header.get("typ", "")).lower().removeprefix("application/") != self._config.typ:
            raise ValueError("not an access token")
        key = await self._keys.find(key_id)
        if key is None or key.key_type != _KEY_CLASS[algorithm] or key.algorithm_name != algorithm:
            raise ValueError("no such key for this algorithm")
        return key


def _refusal(code: str, message: str) -> RequestRefused:
    return RequestRefused(code, message, status=401)
