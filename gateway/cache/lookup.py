"""What the rest of the gateway knows of the cache. Without one the gateway loads no library for Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.cache.answers import Missing
from gateway.cache.config import CacheConfig
from gateway.cache.policy import FetchPolicy


@dataclass(frozen=True, slots=True)
class Lookup:
    """What the cache holds of one fetch: for each policy an answer for each representation, or None.

    What is missing may be written under the lease `moment`. `ages` are those of the oldest answers, 0 without one.
    """

    policy: FetchPolicy
    moment: int
    answers: tuple[Sequence[dict[str, Any] | None], ...]
    missing: tuple[Missing, ...]
    ages: tuple[float, ...]

    @property
    def has_some(self) -> bool:
        """Whether anything was found."""
        return any(answer is not None for answers in self.answers for answer in answers)

    @property
    def is_whole(self) -> bool:
        """Whether nothing needs to be asked for."""
        return not any(missing.representations for missing in self.missing)


class AnswerCache(Protocol):
    """One for the process, whatever supergraph is served. `run` writes until it is cancelled; then call `close`."""

    config: CacheConfig

    async def look(
        self,
        policy: FetchPolicy,
        representations: Sequence[Sequence[bytes]],
        variables: Mapping[str, Any],
        lines: bytes,
    ) -> Lookup | None:
        """What is there, in one round trip. None where the cache is away or too much is asked for: then nothing is written.

        `lines` are the header lines that the answer may depend on.
        """

    def keep(self, lookup: Lookup, body: bytes) -> None:
        """Write what was missing, some time soon. `body` is the answer as it came."""

    async def run(self) -> None: ...

    async def close(self) -> None: ...
