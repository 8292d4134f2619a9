"""Knows partners by their API keys: from a register that lists hashes, scopes and limits, never a key."""

from __future__ import annotations

import hashlib
import math
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from time import time

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from gateway.errors import RequestRefused
from gateway.security.authentication import AccessToken
from gateway.security.quotas import PartnerLimits, Quotas
from gateway.security.refreshed import NotKnownYet, Refreshed
from gateway.telemetry.metrics import PartnerMeters

MOST_CLIENTS = 1000
_KEY = re.compile(r"[\x21-\x7e]{1,256}")
_UNKNOWN_KEPT = 1000


class ApiClientsConfig(BaseModel):
    """Where the register of API clients is, read as `subgraph` would be: with the gateway's signed token, for itself.

    A change there holds here after `fresh_seconds`, twice that at most; while the register is away, what it said is believed
    for `believed_seconds`. Between two reads lie `pause_seconds`, but `at_once` unknown keys in a row are looked up at once: they
    may have been made a moment ago. Quotas are counted in Redis where `redis_url` is given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    subgraph: str
    header: str = Field(default="x-api-key", pattern=r"^[a-z0-9-]+$")
    fresh_seconds: float = Field(default=5, gt=0)
    believed_seconds: float = Field(default=300, gt=0)
    pause_seconds: float = Field(default=2, gt=0)
    at_once: int = Field(default=5, ge=0)
    timeout: float = Field(default=2, gt=0)
    redis_url: str | None = None


class _Key(BaseModel):
    model_config = ConfigDict(frozen=True)

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires_at: datetime | None = None


class ApiClient(BaseModel):
    """A partner's program as the register lists it."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,62}$")
    scopes: tuple[str, ...] = ()
    limits: PartnerLimits = PartnerLimits()
    keys: tuple[_Key, ...] = ()


class _Document(BaseModel):
    clients: tuple[ApiClient, ...] = Field(max_length=MOST_CLIENTS)


_DOCUMENT = TypeAdapter(_Document)


class _Known:
    """The register as it was read: `by_hash` has for each key its client and the moment it ends."""

    def __init__(self, clients: tuple[ApiClient, ...]) -> None:
        self.by_hash: Mapping[str, tuple[ApiClient, float]] = {
            key.sha256: (client, key.expires_at.timestamp() if key.expires_at else float("inf"))
            for client in clients
            for key in client.keys
        }


class ApiClients:
    """`read` gives the register's JSON, or raises ConnectionError."""

    def __init__(
        self,
        read: Callable[[], Awaitable[bytes]],
        config: ApiClientsConfig,
        quotas: Quotas,
        *,
        clock: Callable[[], float] = time,
    ) -> None:
        self.header = config.header
        self._config = config
        self._quotas = quotas
        self._clock = clock
        self._meters = PartnerMeters()
        self._read = read
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._known = Refreshed(
            self._read_register,
            fresh=config.fresh_seconds,
            believed=config.believed_seconds,
            pause=config.pause_seconds,
            at_once=config.at_once,
        )

    async def close(self) -> None:
        await self._quotas.close()

    async def get(self, key: str) -> ApiClient:
        """The client with this key. Raises RequestRefused: 401, or 503 without a register."""
        client = await self._find(key)
        if client is None:
            raise RequestRefused("INVALID_API_KEY", "The API key is not valid.", status=401)
        return client

    async def admit(self, client: ApiClient) -> None:
        """Count an operation. Raises RequestRefused 429 where that passes the client's limits."""
        try:
            await self._quotas.admit(client.id, client.limits)
        except RequestRefused as refusal:
            self._meters.count(client.name, refusal.code.lower())
            raise
        self._meters.count(client.name, "admitted")

    def token(self, client: ApiClient) -> AccessToken:
        """What the gateway itself vouches for. It is good for as long as the register would be believed."""
        scopes = list(client.scopes)
        claims = {
            "kind": "partner",
            "api_client_id": client.id,
            "roles": ["partner"],
            "scopes": scopes,
            "exp": self._clock() + self._config.believed_seconds,
        }
        return AccessToken(f"api-client {client.id} {' '.join(scopes)}", claims, own=True)

    async def _find(self, key: str) -> ApiClient | None:
        if _KEY.fullmatch(key) is None:
            return None
        # Keys are random, so comparing hashes by a dict tells nothing by the time it takes.
        digest = hashlib.sha256(key.encode()).hexdigest()
        try:
            moment = self._known.now()
            found = (await self._known.get()).by_hash.get(digest)
            if found is None:
                # It may have been made since the register was read: then one cannot say that it is not good.
                found = (await self._known.get_since(self._first_asked(digest, moment))).by_hash.get(digest)
        except ConnectionError as error:
            wait = math.ceil(error.retry_after) if isinstance(error, NotKnownYet) else None
            message = "API keys cannot be checked right now."
            raise RequestRefused("KEYS_UNAVAILABLE", message, status=503, retry_after=wait) from error
        return found[0] if found is not None and self._clock() < found[1] else None

    def _first_asked(self, digest: str, now: float) -> float:
        """When an unknown key came first. Of very many the first are forgotten, and are anew when they come again."""
        asked_at = self._asked.setdefault(digest, now)
        if len(self._asked) > _UNKNOWN_KEPT:
            self._asked.popitem(last=False)
        return asked_at

    async def _read_register(self) -> _Known:
        clients = _DOCUMENT.validate_json(await self._read()).clients
        self._meters.keep(client.name for client in clients)
        return _Known(clients)
