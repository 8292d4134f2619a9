"""The API process of a domain: its GraphQL endpoint behind the internal token, its own routes, and its operations port."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from shared.auth.internal_token import InternalTokenVerifier
from shared.graphql.endpoint import GraphQLEndpoint
from shared.http.internal_auth import InternalAuth
from shared.http.operations import operations_app
from shared.runtime.server import serve
from shared.runtime.subgraph import Resources, Subgraph
from shared.settings import ServiceSettings


def subgraph_app(domain: str, subgraph: Subgraph, verifier: InternalTokenVerifier) -> Starlette:
    """Everything but the `exempt` paths of the domain's own routes needs an internal token."""
    endpoint = GraphQLEndpoint(domain, subgraph.schema, subgraph.context)
    return Starlette(
        routes=[Route("/graphql", endpoint.handle, methods=["POST"]), *subgraph.routes],
        middleware=[Middleware(InternalAuth, verifier=verifier, exempt=subgraph.exempt)],
    )


async def run_api(resources: Resources[ServiceSettings], subgraph: Subgraph) -> None:
    """Serve until the process is told to stop."""
    settings = resources.settings
    verifier = InternalTokenVerifier(settings.gateway_jwks_file, subgraph=resources.domain)
    operations = operations_app({"postgres": resources.database.ping})
    await serve(
        {
            settings.port: subgraph_app(resources.domain, subgraph, verifier),
            settings.operations_port: operations,
        },
        host=settings.host,
    )
