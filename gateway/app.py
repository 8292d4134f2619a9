"""The composition root: from a supergraph's text and the settings to an ASGI application."""

from __future__ import annotations

from dataclasses import dataclass

from graphql import GraphQLObjectType

from gateway.executor.executor import Executor
from gateway.executor.subgraph_client import Endpoint, SubgraphClient, TransportError
from gateway.http.endpoint import GatewayEndpoint
from gateway.http.health import Readiness
from gateway.pipeline.identify import Identification
from gateway.pipeline.labels import OverrideLabels
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.prepare import Preparation
from gateway.planner.planner import Planner
from gateway.security.authentication import AuthenticationConfig, Authenticator, JwksKeys
from gateway.security.internal_token import InternalTokens
from gateway.security.rate_limit import RateLimiter
from gateway.settings import Settings
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph, parse_supergraph
from gateway.telemetry.spans import Spans, recording_tracer


@dataclass(frozen=True, slots=True)
class Gateway:
    """`app` is the ASGI application. `readiness` is closed before the server stops, so that nobody sends it more."""

    app: GatewayEndpoint
    readiness: Readiness


def build_gateway(supergraph_text: str, settings: Settings) -> Gateway:
    """Raises SupergraphError, and OSError or ValueError for a key file or URL that cannot be used."""
    supergraph = parse_supergraph(supergraph_text)
    client = SubgraphClient(settings.transport)
    rate_limiter = RateLimiter(settings.rate_limit)
    schema = build_api_schema(supergraph)
    spans = Spans(recording_tracer() if settings.tracing.otlp_endpoint else None)
    pipeline = Pipeline(
        settings.pipeline,
        schema,
        identification=Identification(
            settings.forwarding,
            rate_limiter,
            _authenticator(settings.authentication, client),
            InternalTokens(settings.internal_token) if settings.internal_token else None,
        ),
        preparation=Preparation(schema, Planner(supergraph), settings.limits, settings.introspection),
        executor=_executor(supergraph, client, settings, spans),
        labels=OverrideLabels(supergraph, settings.pipeline.override_labels),
        rate_limiter=rate_limiter,
    )
    readiness = Readiness()

    async def stop() -> None:
        client.close()
        pipeline.close()

    app = GatewayEndpoint(
        settings.http,
        pipeline,
        readiness,
        body_limit=settings.limits.body_bytes,
        on_stop=stop,
        spans=spans,
    )
    return Gateway(app, readiness)


def _executor(supergraph: Supergraph, client: SubgraphClient, settings: Settings, spans: Spans) -> Executor:
    urls = {name: settings.subgraph_urls.get(name, info.url) for name, info in supergraph.subgraphs.items()}
    concrete = frozenset(
        name for name, type_ in supergraph.schema.type_map.items() if isinstance(type_, GraphQLObjectType)
    )
    return Executor(client, urls, concrete_types=concrete, errors=settings.subgraph_errors, spans=spans)


def _authenticator(config: AuthenticationConfig | None, client: SubgraphClient) -> Authenticator | None:
    if config is None:
        return None
    endpoint = Endpoint.of(config.jwks_url, method="GET", headers={"accept": "application/json"})

    async def read_keys() -> bytes:
        try:
            answer = await client.send(endpoint)
        except TransportError as error:
            raise ConnectionError(str(error)) from error
        if answer.status != 200:
            raise ConnectionError(f"status {answer.status}")
        return answer.body

    return Authenticator(JwksKeys(read_keys, config), config)
