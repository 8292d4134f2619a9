"""Composition root of accounts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from shared.auth.sealing import Sealer
from shared.cache.redis_cache import RedisCache
from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.accounts.adapters.access_tokens import JWKS_PATH, AccessTokens
from subgraphs.accounts.adapters.api_client_register import api_client_route
from subgraphs.accounts.adapters.passwords import PasswordHasher
from subgraphs.accounts.consumers import consumers
from subgraphs.accounts.graphql.context import AccountsContext
from subgraphs.accounts.graphql.schema import schema
from subgraphs.accounts.jobs import jobs
from subgraphs.accounts.service.accounts import AccountsService
from subgraphs.accounts.service.api_clients import ApiClients
from subgraphs.accounts.service.liveness import SessionGuard
from subgraphs.accounts.service.passwords import Passwords
from subgraphs.accounts.service.profile import Profile
from subgraphs.accounts.service.registration import Registration
from subgraphs.accounts.service.roles import Roles
from subgraphs.accounts.service.sign_in import SignIn
from subgraphs.accounts.service.throttle import AttemptThrottle
from subgraphs.accounts.settings import AccountsSettings

SETTINGS = AccountsSettings
SESSION_BELIEVED = timedelta(seconds=60)
"""How long at most accounts still honours a session whose end Redis did not learn of."""


def build(resources: Resources[AccountsSettings]) -> Subgraph:
    database, clock = resources.database, resources.clock
    service = build_service(resources)
    context = partial(AccountsContext, database=database, writes=resources.writes, service=service, clock=clock)
    return Subgraph(
        schema=schema,
        context=context,
        consumers=consumers(service),
        jobs=jobs(database, clock),
        routes=(service.access_tokens.route(), api_client_route(service.api_clients.active)),
        exempt=frozenset({JWKS_PATH}),
    )


def build_service(resources: Resources[AccountsSettings]) -> AccountsService:
    """The use cases alone, as a seed needs them."""
    settings, database, outbox, clock = resources.settings, resources.database, resources.outbox, resources.clock
    tokens = AccessTokens(settings.access_token_key_file, settings.previous_access_token_key_file, clock)
    hasher = PasswordHasher()
    sealer = Sealer(settings.sealing_public_key_file)
    guard = SessionGuard(RedisCache(resources.redis, prefix="session", ttl=SESSION_BELIEVED))
    throttle = AttemptThrottle(database, clock, per_client=settings.failed_logins_per_address)
    return AccountsService(
        registration=Registration(outbox, clock, hasher, sealer),
        sign_in=SignIn(database, outbox, clock, hasher=hasher, access_tokens=tokens, guard=guard, throttle=throttle),
        passwords=Passwords(database, outbox, clock, hasher=hasher, sealer=sealer, guard=guard, throttle=throttle),
        profile=Profile(outbox, clock, guard),
        roles=Roles(outbox, clock, guard),
        api_clients=ApiClients(database, outbox, clock),
        guard=guard,
        access_tokens=tokens,
    )
