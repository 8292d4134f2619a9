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
