"""The composition root: from a supergraph's text and the settings to an ASGI application."""

from __future__ import annotations

import asyncio
import importlib
import ssl
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema

from gateway.cache.config import CacheConfig
from gateway.cache.lookup import AnswerCache
from gateway.cache.policy import CacheRules
from gateway.executor.executor import Executor
from gateway.executor.header_rules import HeaderRulesConfig, ResponseHeaders
from gateway.executor.source_streams import SourceStreams
from gateway.executor.subgraph_client import Endpoint, SubgraphClient, TransportError
from gateway.executor.subscription_client import SubscriptionClient
from gateway.executor.traffic import Traffic
from gateway.http.endpoint import GatewayEndpoint
from gateway.http.explorer.site import Explorer
from gateway.http.health import Readiness
from gateway.persisted.config import AutomaticConfig, PersistedConfig
from gateway.persisted.manifest import KnownOperation
from gateway.persisted.store import ManifestDirectory
from gateway.pipeline.caching import Caching
from gateway.pipeline.graph import ServedGraph
from gateway.pipeline.identify import Identification
from gateway.pipeline.known import KnownOperations
from gateway.pipeline.labels import OverrideLabels
from gateway.pipeline.manifest_watch import ManifestWatch, tell_problems
from gateway.pipeline.persisted import Automatic, PersistedOperations
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.prepare import Preparation
from gateway.pipeline.reload import SupergraphWatch
from gateway.pipeline.subscriptions import Subscriptions
from gateway.pipeline.supergraph_check import check_api_schema, read_supergraph_model
from gateway.planner.planner import Planner
from gateway.security.access_rules import AccessRules
from gateway.security.api_clients import ApiClients, ApiClientsConfig
from gateway.security.authentication import AuthenticationConfig, Authenticator, JwksKeys
from gateway.security.authorization import Authorization
from gateway.security.cost_estimate import CostEstimator
from gateway.security.internal_token import THE_GATEWAY, InternalTokens
from gateway.security.quotas import Counters, LocalCounters, Quotas
from gateway.security.rate_limit import RateLimitConfig, RateLimiter, SharedRates
from gateway.settings import Settings
from gateway.supergraph.api_schema import build_api_schema, with_defer
from gateway.supergraph.sdl import Supergraph
from gateway.supergraph.source import SupergraphFile
from gateway.telemetry.metrics import TLS_EXPIRY
from gateway.telemetry.spans import Spans, recording_tracer
from shared.tls import Renewal, client_context

_Watch = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Gateway:
    """`app` is the ASGI application. `readiness` is closed before the server stops, so that nobody sends it more, and
    `end_subscriptions` called when it does: they would go on for ever."""

    app: GatewayEndpoint
    readiness: Readiness
    end_subscriptions: Callable[[], None]


def build_gateway(supergraph_text: str, settings: Settings, file: SupergraphFile | None = None) -> Gateway:
    """A gateway that serves `supergraph_text` and, with a `file`, whatever it holds later on.

    Raises SupergraphError, and OSError or ValueError for a key file or URL that cannot be used.
    """
    tls = client_context(settings.transport.tls)
    client = SubgraphClient(settings.transport, tls=tls)
    rate_limiter = RateLimiter(settings.rate_limit)
    internal_tokens = InternalTokens(settings.internal_token) if settings.internal_token else None
    tracing = settings.tracing
    spans = Spans(recording_tracer() if tracing.otlp_endpoint else None, trusts_clients=tracing.trust_clients)

    traffic = Traffic(settings.traffic)

    def build(text: str) -> ServedGraph:
        return _graph(
            text,
            settings,
            lambda supergraph: _executor(supergraph, client, settings, traffic, spans),
            lambda supergraph: _sources(supergraph, settings, traffic, tls),
        )

    directory = ManifestDirectory(settings.persisted.directory) if settings.persisted else None
    persisted = _persisted(settings.persisted, directory) if settings.persisted and directory else None
    graph = build(supergraph_text)
    if persisted is not None:
        persisted.begin(graph)
    identification = Identification(
        settings.forwarding,
        rate_limiter,
        _authenticator(settings.authentication, client),
        internal_tokens,
        settings.headers,
        _api_clients(settings.api_clients, client, internal_tokens),
    )
    cache = _cache(settings.cache) if settings.cache.url else None
    pipeline = Pipeline(
        settings.pipeline,
        graph,
        identification=identification,
        authorization=settings.authorization,
        rate_limiter=rate_limiter,
        subscriptions=Subscriptions(settings.subscriptions, identification, settings.authorization),
        persisted=persisted,
        caching=Caching(cache, identification) if cache else None,
        shared_rates=_shared_rates(settings.rate_limit),
        introspection=settings.introspection,
        exposes_cost=settings.limits.cost.expose,
        incremental=settings.incremental,
        spans=spans if spans.is_on else None,
    )
    watches: list[_Watch] = []
    if file and settings.watch.enabled:
        supergraph_watch = SupergraphWatch(file, supergraph_text, build, pipeline)
        watches.append(lambda: supergraph_watch.run(settings.watch.interval))
    if settings.persisted and directory:
        interval, manifest_watch = settings.persisted.interval, ManifestWatch(directory, pipeline)
        watches.append(lambda: manifest_watch.run(interval))
    if cache is not None:
        watches.append(cache.run)
    if settings.transport.tls.all:
        watches.append(Renewal(tls, settings.transport.tls, TLS_EXPIRY.labels("upstream")).run)
    return _serving(settings, pipeline, client, spans, watches, cache)


def _serving(
    settings: Settings,
    pipeline: Pipeline,
    client: SubgraphClient,
    spans: Spans,
    watches: Sequence[_Watch],
    cache: AnswerCache | None,
) -> Gateway:
    readiness = Readiness()
    watching: list[asyncio.Task[None]] = []

    async def start() -> None:
        watching.extend(asyncio.create_task(watch()) for watch in watches)

    async def stop() -> None:
        for task in watching:
            task.cancel()
        client.close()
        if cache is not None:
            await cache.close()
        await pipeline.close()

    app = GatewayEndpoint(
        settings.http,
        pipeline,
        readiness,
        limits=settings.limits,
        subscriptions=settings.subscriptions,
        on_start=start,
        on_stop=stop,
        spans=spans,
        named_by_path=settings.persisted is not None,
        vary=_vary(settings),
        explorer=_explorer(settings),
        incremental=settings.incremental.enabled,
    )
    return Gateway(app, readiness, pipeline.end_subscriptions)


def _persisted(config: PersistedConfig, directory: ManifestDirectory) -> PersistedOperations:
    """Raises OSError where there is no such directory. One client's broken file keeps nobody else from being served."""
    manifests = directory.read()
    tell_problems(manifests)
    return PersistedOperations(config, manifests, _automatic(config.automatic) if config.automatic else None)


def _automatic(config: AutomaticConfig) -> Automatic:
    # Imported where it is asked for: a gateway without it starts without a library for Redis.
    automatic: Automatic = importlib.import_module("gateway.persisted.automatic").AutomaticOperations(config)
    return automatic


def _explorer(settings: Settings) -> Explorer | None:
    """Raises OSError or ValueError where its examples cannot be read."""
    if not settings.explorer.enabled:
        return None
    return Explorer(
        settings.explorer,
        endpoint=settings.http.path,
        plan=settings.pipeline.expose_query_plan,
        subscriptions=settings.subscriptions.enabled,
    )


def _cache(config: CacheConfig) -> AnswerCache:
    # As above: only who asks for it loads the library.
    cache: AnswerCache = importlib.import_module("gateway.cache.store").EdgeCache(config)
    return cache


def _shared_rates(config: RateLimitConfig) -> SharedRates | None:
    if config.redis_url is None:
        return None
    room = importlib.import_module("gateway.security.shared_rate_limit")
    shared: SharedRates = room.SharedRateLimiter(config, config.redis_url)
    return shared


def _vary(settings: Settings) -> tuple[str, ...]:
    """The request headers that may change an answer; any, where rules by pattern decide what travels on."""
    if settings.headers != HeaderRulesConfig():
        return ("*",)
    keys = (settings.api_clients.header,) if settings.api_clients else ()
    return ("Authorization", *(name.title() for name in (*keys, *settings.forwarding.headers)))


def _graph(
    text: str,
    settings: Settings,
    executor: Callable[[Supergraph], Executor],
    sources: Callable[[Supergraph], SourceStreams],
) -> ServedGraph:
    """All that depends on the supergraph. Raises SupergraphError."""
    supergraph = read_supergraph_model(text)
    schema = build_api_schema(supergraph)
    check_api_schema(schema)
    if settings.incremental.enabled:
        schema = with_defer(schema)
    access = AccessRules(supergraph)
    authorization = Authorization(access, schema)
    return ServedGraph(
        schema,
        preparation=_preparation(supergraph, schema, access, authorization, settings),
        executor=executor(supergraph),
        sources=sources(supergraph),
        labels=OverrideLabels(supergraph, settings.pipeline.override_labels),
        grants=authorization.grants,
        operations_kept=settings.pipeline.operations_kept,
    )


def _preparation(
    supergraph: Supergraph,
    schema: GraphQLSchema,
    access: AccessRules,
    authorization: Authorization,
    settings: Settings,
) -> Preparation:
    return Preparation(
        schema,
        Planner(supergraph, max_seconds=settings.pipeline.planning_seconds),
        authorization,
        settings.limits,
        settings.introspection,
        estimator=CostEstimator(schema, supergraph.costs, settings.limits.cost),
        cache_rules=_cache_rules(supergraph, access, settings),
        incremental=settings.incremental.enabled,
    )


def check_operations(
    supergraph_text: str, settings: Settings, operations: Iterable[KnownOperation]
) -> dict[KnownOperation, str]:
    """The operations that could not be served over this supergraph with these settings, and why. Raises SupergraphError."""
    supergraph = read_supergraph_model(supergraph_text)
    schema, access = build_api_schema(supergraph), AccessRules(supergraph)
    if settings.incremental.enabled:
        schema = with_defer(schema)
    preparation = _preparation(supergraph, schema, access, Authorization(access, schema), settings)
    known = KnownOperations(preparation, OverrideLabels(supergraph, settings.pipeline.override_labels).possible())
    for operation in operations:
        known.add(operation)
    return known.problems()


def _urls(supergraph: Supergraph, settings: Settings) -> dict[str, str]:
    return {name: settings.subgraph_urls.get(name, info.url) for name, info in supergraph.subgraphs.items()}


def _sources(supergraph: Supergraph, settings: Settings, traffic: Traffic, tls: ssl.SSLContext) -> SourceStreams:
    config = settings.subscriptions
    return SourceStreams(
        SubscriptionClient(config.upstream, tls=tls),
        _urls(supergraph, settings),
        traffic,
        queue=config.queue,
        patience=config.patience,
        share=config.share,
    )


def _cache_rules(supergraph: Supergraph, access: AccessRules, settings: Settings) -> CacheRules | None:
    if settings.cache.url is None:
        return None
    back = ResponseHeaders(settings.headers)
    return CacheRules(
        supergraph,
        guarded=lambda parent, name: bool(access.of_field(parent, name)),
        # Headers of an answer that go to a client are not kept with it.
        caches=lambda subgraph: settings.cache.caches(subgraph) and not back.concerns(subgraph),
    )


def _executor(
    supergraph: Supergraph, client: SubgraphClient, settings: Settings, traffic: Traffic, spans: Spans
) -> Executor:
    urls = _urls(supergraph, settings)
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

    return Authenticator(JwksKeys(lambda: _read(client, endpoint), config), config)


def _api_clients(
    config: ApiClientsConfig | None, client: SubgraphClient, internal_tokens: InternalTokens | None
) -> ApiClients | None:
    if config is None:
        return None
    accepted = {"accept": "application/json"}
    endpoint = Endpoint.of(config.url, method="GET", headers=accepted, timeout=config.timeout)

    async def read() -> bytes:
        signed = internal_tokens.authorization(config.subgraph, THE_GATEWAY) if internal_tokens else b""
        return await _read(client, endpoint, signed)

    return ApiClients(read, config, Quotas(_counters(config.redis_url)))


def _counters(redis_url: str | None) -> Counters:
    if redis_url is None:
        return LocalCounters()
    counters: Counters = importlib.import_module("gateway.security.shared_quotas").SharedCounters(redis_url)
    return counters


async def _read(client: SubgraphClient, endpoint: Endpoint, headers: bytes = b"") -> bytes:
    """The body of an answer with status 200. Raises ConnectionError."""
    try:
        answer = await client.send(endpoint, headers=headers)
    except TransportError as error:
        raise ConnectionError(str(error)) from error
    if answer.status != 200:
        raise ConnectionError(f"status {answer.status}")
    return answer.body
