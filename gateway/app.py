"""The composition root: from a supergraph's text and the settings to an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from graphql import GraphQLObjectType

from gateway.executor.executor import Executor
from gateway.executor.header_rules import ResponseHeaders
from gateway.executor.subgraph_client import Endpoint, SubgraphClient, TransportError
from gateway.executor.traffic import Traffic
from gateway.http.endpoint import GatewayEndpoint
from gateway.http.health import Readiness
from gateway.pipeline.graph import ServedGraph
from gateway.pipeline.identify import Identification
from gateway.pipeline.labels import OverrideLabels
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.prepare import Preparation
from gateway.pipeline.reload import SupergraphWatch
from gateway.pipeline.supergraph_check import check_api_schema, read_supergraph_model
from gateway.planner.planner import Planner
from gateway.security.access_rules import AccessRules
from gateway.security.authentication import AuthenticationConfig, Authenticator, JwksKeys
from gateway.security.authorization import Authorization
from gateway.security.cost_estimate import CostEstimator
from gateway.security.internal_token import InternalTokens
from gateway.security.rate_limit import RateLimiter
from gateway.settings import Settings
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import Supergraph
from gateway.supergraph.source import SupergraphFile
from gateway.telemetry.spans import Spans, recording_tracer


@dataclass(frozen=True, slots=True)
class Gateway:
    """`app` is the ASGI application. `readiness` is closed before the server stops, so that nobody sends it more."""

    app: GatewayEndpoint
    readiness: Readiness


def build_gateway(supergraph_text: str, settings: Settings, file: SupergraphFile | None = None) -> Gateway:
    """A gateway that serves `supergraph_text` and, with a `file`, whatever it holds later on.

    Raises SupergraphError, and OSError or ValueError for a key file or URL that cannot be used.
    """
    client = SubgraphClient(settings.transport)
    rate_limiter = RateLimiter(settings.rate_limit)
    spans = Spans(recording_tracer() if settings.tracing.otlp_endpoint else None)

    traffic = Traffic(settings.traffic)

    def build(text: str) -> ServedGraph:
        return _graph(text, settings, lambda supergraph: _executor(supergraph, client, settings, traffic, spans))

    pipeline = Pipeline(
        settings.pipeline,
        build(supergraph_text),
        identification=Identification(
            settings.forwarding,
            rate_limiter,
            _authenticator(settings.authentication, client),
            InternalTokens(settings.internal_token) if settings.internal_token else None,
            settings.headers,
        ),
        authorization=settings.authorization,
        rate_limiter=rate_limiter,
    )
    watch = SupergraphWatch(file, supergraph_text, build, pipeline) if file and settings.watch.enabled else None
    return _serving(settings, pipeline, client, spans, watch)


def _serving(
    settings: Settings, pipeline: Pipeline, client: SubgraphClient, spans: Spans, watch: SupergraphWatch | None
) -> Gateway:
    readiness = Readiness()
    watching: list[asyncio.Task[None]] = []

    async def start() -> None:
        if watch is not None:
            watching.append(asyncio.create_task(watch.run(settings.watch.interval)))

    async def stop() -> None:
        for task in watching:
            task.cancel()
        client.close()
        pipeline.close()

    app = GatewayEndpoint(
        settings.http,
        pipeline,
        readiness,
        limits=settings.limits,
        on_start=start,
        on_stop=stop,
        spans=spans,
    )
    return Gateway(app, readiness)


def _graph(text: str, settings: Settings, executor: Callable[[Supergraph], Executor]) -> ServedGraph:
    """All that depends on the supergraph. Raises SupergraphError."""
    supergraph = read_supergraph_model(text)
    schema = build_api_schema(supergraph)
    check_api_schema(schema)
    authorization = Authorization(AccessRules(supergraph), schema)
    return ServedGraph(
        schema,
        preparation=Preparation(
            schema,
            Planner(supergraph),
            authorization,
            settings.limits,
            settings.introspection,
            estimator=CostEstimator(schema, supergraph.costs, settings.limits.cost),
        ),
        executor=executor(supergraph),
        labels=OverrideLabels(supergraph, settings.pipeline.override_labels),
        grants=authorization.grants,
        operations_kept=settings.pipeline.operations_kept,
    )


def _executor(
    supergraph: Supergraph, client: SubgraphClient, settings: Settings, traffic: Traffic, spans: Spans
) -> Executor:
    urls = {name: settings.subgraph_urls.get(name, info.url) for name, info in supergraph.subgraphs.items()}
    concrete = frozenset(
        name for name, type_ in supergraph.schema.type_map.items() if isinstance(type_, GraphQLObjectType)
    )
    return Executor(
        client,
        urls,
        concrete_types=concrete,
        errors=settings.subgraph_errors,
        spans=spans,
        traffic=traffic,
        response_headers=ResponseHeaders(settings.headers),
    )


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
