"""What the pipeline takes and gives, whatever the transport."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import RequestRefused
from gateway.persisted.policy import Reference
from gateway.security.limits import RequestBudget


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """One request. `headers` are in lower case; `client` is the client's address; `read_only` forbids mutations (GET).

    `budget` is what all operations of one HTTP request share, where it has several.
    `reference` names an operation by an id; `query` is empty where the text was not sent beside it.
    """

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    client: str = ""
    read_only: bool = False
    budget: RequestBudget | None = None
    reference: Reference | None = None


@dataclass(frozen=True, slots=True)
class GraphQLResponse:
    """`payload` is the response object. `refusal` is set where nothing was executed. `headers` are lines of subgraphs.

    `max_age` is set where anybody may have this answer, for so many seconds: shared caches may keep it.
    """

    payload: Mapping[str, Any]
    refusal: RequestRefused | None = None
    headers: Sequence[tuple[str, str]] = ()
    max_age: int | None = None


def refused(refusal: RequestRefused) -> GraphQLResponse:
    """The response to a request that is not executed."""
    return GraphQLResponse({"errors": list(refusal.entries)}, refusal)
