"""The API process of a domain: its GraphQL endpoint behind the internal token, its own routes, and its operations port."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from shared.auth.internal_token import InternalTokenVerifier
from shared.graphql.endpoint import GraphQLEndpoint
from shared.graphql.subscriptions import MAX_STREAMS
from shared.http.internal_auth import InternalAuth
from shared.http.operations import operations_app
from shared.runtime.server import serve, stop_on_signal
from shared.runtime.subgraph import Resources, Subgraph
from shared.settings import ServiceSettings


def subgraph_app(
    domain: str, subgraph: Subgraph, verifier: InternalTokenVerifier, *, max_streams: int = MAX_STREAMS
) -> Starlette:
    """Everything but the `exempt` paths of the domain's own routes needs an internal token."""
    endpoint = GraphQLEndpoint(domain, subgraph.schema, subgraph.context, max_streams=max_streams)
    return Starlette(
        routes=[Route("/graphql", endpoint.handle, methods=["POST"]), *subgraph.routes],
        middleware=[Middleware(InternalAuth, verifier=verifier, exempt=subgraph.exempt)],
    )


async def run_api(resources: Resources[ServiceSettings], subgraph: Subgraph) -> None:
    """Serve until the process is told to stop."""
    settings = resources.settings
    verifier = InternalTokenVerifier(settings.gateway_jwks_file, subgraph=resources.domain)
    app = subgraph_app(resources.domain, subgraph, verifier, max_streams=settings.max_streams)
    stopped = stop_on_signal()
    operations = operations_app({"postgres": resources.database.ping}, stopped=stopped)

    async def end_streams() -> None:
        # They would keep a stopping process until it is out of patience: their clients subscribe elsewhere.
        resources.hub.end()

    await serve(
        {settings.port: app, settings.operations_port: operations},
        host=settings.host,
        stopped=stopped,
        delay=settings.shutdown_delay,
        drain=end_streams,
        tls=settings.tls,
    )
