"""Which requests have to do with the cache, and how: the place where identity and cache meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.cache.lookup import AnswerCache
from gateway.cache.policy import FetchPolicy
from gateway.cache.session import CacheSession
from gateway.pipeline.identify import Identification, Identity


class Caching:
    """Makes a request's session. Who is signed in reads what is public and fills nothing."""

    def __init__(self, cache: AnswerCache, identification: Identification) -> None:
        self._cache = cache
        self._identification = identification

    def session(
        self, headers: Mapping[str, str], identity: Identity, policies: Mapping[int, FetchPolicy]
    ) -> CacheSession:
        relevant = {name: value for name, value in headers.items() if name not in self._cache.config.ignored_headers}
        return CacheSession(
            self._cache,
            policies,
            fills=identity.caller is None,
            lines=lambda subgraph: self._identification.forwarded(subgraph, relevant),
        )


def max_ages(policies: Mapping[int, FetchPolicy]) -> dict[str, Any]:
    """For `extensions.queryPlan`: by fetch, for how many seconds each of its targets is kept; nothing without a cache."""
    ages = {
        str(number): [cached.max_age if cached else None for cached in policy.policies]
        for number, policy in policies.items()
    }
    return {"maxAges": ages} if ages else {}
