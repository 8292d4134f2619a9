"""Refusals of the gateway. `code` is stable and becomes `extensions.code`; `message` may be shown to a client."""

from __future__ import annotations


class GatewayError(Exception):
    """A failure the gateway can name. Everything else that is raised is a bug."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SupergraphError(GatewayError):
    """The supergraph file cannot be used; `message` names the type and the field at fault."""

    def __init__(self, message: str, *, code: str = "SUPERGRAPH_INVALID") -> None:
        super().__init__(code, message)


class PlanError(GatewayError):
    """An operation cannot be planned: no subgraphs answer a field, or planning took more steps than the budget allows."""


class RequestRefused(GatewayError):
    """A request that is answered without being executed.

    `status` is the HTTP status. `well_formed` says that the request itself was in order and only its GraphQL was not: such
    a refusal goes out with status 200 to clients that accept nothing newer than `application/json`. `entries` are further
    `errors` entries in GraphQL's format, where one message is not enough. `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        well_formed: bool = False,
        entries: tuple[dict[str, object], ...] = (),
        retry_after: int | None = None,
    ) -> None:
        super().__init__(code, message)
        self.status = status
        self.well_formed = well_formed
        self.entries = entries or ({"message": message, "extensions": {"code": code}},)
        self.retry_after = retry_after
