"""What the pipeline takes and gives, whatever the transport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from gateway.cache.session import Freshness
from gateway.errors import RequestRefused
from gateway.persisted.policy import Reference
from gateway.security.limits import RequestBudget
from gateway.telemetry.operations import UNLISTED, OperationMeter


class IncrementalFormat(Enum):
    """How the parts of an answer are written: as the working draft of GraphQL has it, or as it had it in August 2022."""

    CURRENT = "current"
    OF_2022 = "20220824"


# Neither is frozen, and what few requests have is a default of the class: every request makes both. Nobody changes them.
@dataclass
class GraphQLRequest:
    """One request. `headers` are in lower case; `client` is the client's address; `read_only` forbids mutations (GET).

    `budget` is what all operations of one HTTP request share, where it has several.
    `reference` names an operation by an id; `query` is empty where the text was not sent beside it.
    `story` is the header line that names the request, where the transport has made it already. `passes_nothing`: it is known
    that no subgraph gets anything of the headers.
    `credentials` is set by transports that carry subscriptions: the headers as they are now, should a token have been renewed.
    `incremental` is set where the answer may come in parts. `meter` is where it is counted, once it is known what is asked for.
    """

    query: str
    operation_name: str | None
    variables: Mapping[str, Any]
    headers: Mapping[str, str]
    client: str
    read_only: bool
    budget: RequestBudget | None
    reference: Reference | None
    credentials: Callable[[], Mapping[str, str]] | None = field(default=None, init=False)
    story: bytes | None = field(default=None, init=False)
    passes_nothing: bool = field(default=False, init=False)
    incremental: IncrementalFormat | None = field(default=None, init=False)
    meter: OperationMeter = field(default=UNLISTED, init=False)


@dataclass
class GraphQLResponse:
    """`payload` is the response object. `refusal` is set where nothing was executed. `headers` are lines of subgraphs.

    `max_age` is set where anybody may have this answer, for so many seconds: shared caches may keep it.
    `events`, where it is set, stands in the place of the payload: the responses of a subscription or, if it is `incremental`,
    the parts of one. `ended_by` is the code by which the gateway ended a subscription with this response.
    `freshness` is set where all of it is public.
    """

    payload: Mapping[str, Any]
    refusal: RequestRefused | None = None
    headers: Sequence[tuple[str, str]] = ()
    events: ResponseEvents | None = None
    max_age: int | None = field(default=None, init=False)
    freshness: Freshness | None = field(default=None, init=False)
    ended_by: str | None = field(default=None, init=False)
    incremental: bool = field(default=False, init=False)


class ResponseEvents(Protocol):
    """The responses of one subscription, one an event, or the parts of one response.

    `aclose` has to be called, also where nothing was taken.
    """

    def __aiter__(self) -> AsyncIterator[GraphQLResponse]: ...

    async def aclose(self) -> None: ...


def refused(refusal: RequestRefused) -> GraphQLResponse:
    """The response to a request that is not executed."""
    return GraphQLResponse({"errors": list(refusal.entries)}, refusal)
