"""What a client may hear of a subgraph's failure: coded refusals as they are, everything else masked and logged."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from gateway.executor.entity_loader import EntityBatch
from gateway.executor.merge import Tree
from gateway.executor.rewrites import ResponsePath, located_objects, static_prefix
from gateway.executor.subgraph_client import TransportError, TransportFault
from gateway.planner.plan import Fetch

logger = logging.getLogger(__name__)

UNAVAILABLE = "SUBGRAPH_UNAVAILABLE"
CIRCUIT_OPEN = "SUBGRAPH_CIRCUIT_OPEN"
FAILED = "SUBREQUEST_FAILED"
INTERNAL = "INTERNAL_SERVER_ERROR"

_MASKED = "Something went wrong in this part of the answer."
_MASKED_CODES = frozenset({INTERNAL, "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "INTERNAL_TOKEN_REQUIRED"})
"""Codes that speak of the gateway's own request, not of the client's: their texts are for the log."""

MOST_ERRORS = 1000
_MOST_CODE, _MOST_PATH = 64, 256
"""Of one answer: more than there are entities in any page, and no more than a log and a client can bear."""

MOST_PATHS = 100
"""An entity may stand at any number of places; an error list must stay bounded."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One entry of `errors`. `covers` are the response paths below which a null needs no further explanation.

    `fetch` is the id of the fetch that it comes from, if it comes from one.
    """

    message: str
    code: str
    path: ResponsePath | None = None
    covers: tuple[ResponsePath, ...] = ()
    extensions: Mapping[str, Any] = field(default_factory=dict)
    fetch: int | None = None

    def explains(self, path: ResponsePath) -> bool:
        """Whether a null at `path` follows from this error."""
        covers = self.covers or (() if self.path is None else (self.path,))
        if not covers:
            return True
        return any(path[: len(cover)] == cover or cover[: len(path)] == path for cover in covers)

    def formatted(self) -> dict[str, Any]:
        """The entry as GraphQL writes it."""
        entry: dict[str, Any] = {"message": self.message}
        if self.path is not None:
            entry["path"] = list(self.path)
        entry["extensions"] = {**self.extensions, "code": self.code}
        return entry


def unavailable(fetch: Fetch, error: TransportError, covers: tuple[ResponsePath, ...]) -> FieldError:
    """The error for a subgraph that gave no answer, or is not asked for now; its name and the cause go to the log."""
    if error.fault is TransportFault.CIRCUIT_OPEN:
        # The breaker has logged it once; a line for every request would bury what opened it.
        message = (
            "Part of the answer is not available right now: what serves it failed repeatedly. Try again in a moment."
        )
        return FieldError(message, CIRCUIT_OPEN, _only(covers), covers, fetch=fetch.id)
    logger.error(
        "subgraph gave no answer", extra={"subgraph": fetch.subgraph, "fault": error.fault.value, "detail": str(error)}
    )
    message = "Part of the answer is not available right now."
    return FieldError(message, UNAVAILABLE, _only(covers), covers, fetch=fetch.id)


def failed(fetch: Fetch, detail: str, covers: tuple[ResponsePath, ...], *, code: str = FAILED) -> FieldError:
    """The error for an answer that is not a GraphQL response to the request."""
    logger.error("subgraph answer is unusable", extra={"subgraph": fetch.subgraph, "detail": detail})
    return FieldError("Part of the answer could not be fetched.", code, _only(covers), covers, fetch=fetch.id)


def _only(covers: tuple[ResponsePath, ...]) -> ResponsePath | None:
    """The path to report for a failure that concerns several: only one path can be given."""
    return covers[0] if len(set(covers)) == 1 else None


class SubgraphErrorsConfig(BaseModel):
    """What becomes of the errors that subgraphs report, on either side.

    `client`: `coded` shows the texts of refusals that carry a code of their own and masks all else, `none` masks everything,
    `all` shows every text (for development). `log`: `masked` has what a client does not see, `all` has every error, `none`
    has nothing; each by its code and path, and with `log_texts` by its text too, which may repeat what people have typed.
    `forward_extensions` are members of `extensions` that a client sees beside `code`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: Literal["coded", "none", "all"] = "coded"
    log: Literal["masked", "all", "none"] = "masked"
    log_texts: bool = False
    forward_extensions: frozenset[str] = frozenset()


class ErrorRewriter:
    """Turns the `errors` of one answer into entries for the client; `data` is what came beside them."""

    def __init__(
        self,
        fetch: Fetch,
        tree: Tree,
        batches: Sequence[EntityBatch],
        covers: tuple[ResponsePath, ...],
        config: SubgraphErrorsConfig,
        data: Any,
    ) -> None:
        self._fetch = fetch
        self._tree = tree
        self._batches = {batch.target.alias: batch for batch in batches}
        self._covers = covers
        self._config = config
        self._data = data if isinstance(data, dict) else {}
        renames = (*fetch.renames, *(rename for target in fetch.targets for rename in target.renames))
        self._names = {rename.alias: rename.name for rename in renames}

    def rewrite(self, errors: Iterable[Any]) -> list[FieldError]:
        """One entry for each response path of each error; equal masked entries once."""
        entries: dict[tuple[str, str, ResponsePath | None], FieldError] = {}
        for error in islice(errors, MOST_ERRORS):
            for entry in self._entries(error if isinstance(error, dict) else {}):
                entries.setdefault((entry.code, entry.message, entry.path), entry)
        return list(entries.values())

    def _entries(self, error: dict[str, Any]) -> Iterable[FieldError]:
        extensions = error.get("extensions")
        extensions = extensions if isinstance(extensions, dict) else {}
        code, message = extensions.get("code"), error.get("message")
        coded = isinstance(code, str) and code not in _MASKED_CODES and isinstance(message, str)
        shown = self._config.client == "all" or (coded and self._config.client == "coded")
        self._log(error, coded=coded, shown=shown)
        if not shown:
            message, extensions = _MASKED, {}
        if not shown or not isinstance(code, str):
            code = INTERNAL
        if not isinstance(message, str):
            message = _MASKED
        kept = {name: value for name, value in extensions.items() if name in self._config.forward_extensions}
        paths = self._paths(error.get("path"))
        if paths is None:
            yield FieldError(message, code, _only(self._covers), self._covers, kept, self._fetch.id)
            return
        for covered, path in paths:
            yield FieldError(message, code, path, (covered,), kept, self._fetch.id)

    def _log(self, error: Mapping[str, Any], *, coded: bool, shown: bool) -> None:
        if self._config.log == "none" or (self._config.log == "masked" and shown):
            return
        extensions = error.get("extensions")
        told = {
            "subgraph": self._fetch.subgraph,
            "code": str(extensions.get("code"))[:_MOST_CODE] if isinstance(extensions, dict) else None,
            "path": str(error.get("path"))[:_MOST_PATH],
        }
        if self._config.log_texts:
            told["detail"] = str(error.get("message"))
        logger.log(
            logging.INFO if coded else logging.ERROR,
            "subgraph refused" if coded else "subgraph reported an internal error",
            extra=told,
        )

    def _paths(self, path: Any) -> list[tuple[ResponsePath, ResponsePath]] | None:
        """Where in the response a subgraph's error path lies, after what it covers; None if it cannot be told."""
        if not isinstance(path, list) or not path or not all(type(step) in {str, int} for step in path):
            return None
        if not self._fetch.targets:
            at = (*static_prefix(self._fetch.path), *self._renamed(path))
            return [(at, at)]
        batch = self._batches.get(path[0])
        if batch is None or len(path) < 2 or type(path[1]) is not int or not 0 <= path[1] < len(batch.places):
            return None
        places = {id(place) for place in batch.places[path[1]]}
        rest = self._renamed(path[2:])
        found = chain.from_iterable(located_objects(self._tree, path) for path in batch.paths)
        whole = self._is_null(path[0], path[1])
        paths = [(at if whole else (*at, *rest), (*at, *rest)) for at, item in found if id(item) in places]
        return paths[:MOST_PATHS] or None

    def _is_null(self, alias: str, index: int) -> bool:
        """Whether a null below took the whole entity along: then all that was asked of it is missing for one cause."""
        entities = self._data.get(alias)
        return isinstance(entities, list) and index < len(entities) and entities[index] is None

    def _renamed(self, path: Sequence[str | int]) -> ResponsePath:
        return tuple(self._names.get(step, step) if isinstance(step, str) else step for step in path)
