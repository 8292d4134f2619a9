"""What one request has to do with the cache: who may read and fill it, and how fresh its answer is as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import floor
from typing import Any

from gateway.cache.lookup import AnswerCache, Lookup
from gateway.cache.policy import FetchPolicy


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds from its making a public answer holds, and how many of them have passed (RFC 9111, 5.1, 5.2.2.1)."""

    max_age: int
    age: int


class CacheSession:
    """Everybody may read what is public; only those who are nobody in particular (`fills`) write.

    So a field that is hinted as public by mistake may be wrong for a user, but what one user was shown never reaches
    another. `lines` gives the header lines that a subgraph's public answers may depend on. `policies` are by fetch.
    """

    def __init__(
        self,
        cache: AnswerCache,
        policies: Mapping[int, FetchPolicy],
        *,
        fills: bool,
        lines: Callable[[str], bytes],
    ) -> None:
        self._cache = cache
        self._policies = policies
        self._fills = fills
        self._lines = lines
        self._public = fills
        self._remaining: float | None = None
        self._oldest = 0.0

    @property
    def freshness(self) -> Freshness | None:
        """None unless all that was fetched is public, and nobody in particular asked."""
        if not self._public or self._remaining is None:
            return None
        age = floor(self._oldest)
        return Freshness(age + max(0, floor(self._remaining)), age)

    async def look(
        self, fetch: int, representations: Sequence[Sequence[bytes]], variables: Mapping[str, Any]
    ) -> Lookup | None:
        """What is there of a fetch. None where nothing is looked up; then nothing is kept either."""
        policy = self._policies.get(fetch)
        if policy is None:
            self._public = False
            return None
        lines = self._lines(policy.subgraph)
        # What depends on a header is public here, under a key with the header; out there nobody would know.
        self._public = self._public and not lines
        lookup = await self._cache.look(policy, representations, variables, lines)
        for index, (cached, items) in enumerate(zip(policy.policies, representations, strict=True)):
            if cached is not None and items:
                age = lookup.ages[index] if lookup else 0.0
                self._oldest = max(self._oldest, age)
                left = cached.max_age - age
                self._remaining = left if self._remaining is None else min(self._remaining, left)
            elif items:
                self._public = False
        return lookup

    def keep(self, lookup: Lookup, body: bytes) -> None:
        """Keep what was missing, if it was answered to nobody in particular."""
        if self._fills:
            self._cache.keep(lookup, body)
