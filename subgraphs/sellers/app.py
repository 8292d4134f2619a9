"""Composition root of sellers."""

from __future__ import annotations

from functools import partial

from shared.auth.sealing import Sealer
from shared.runtime.subgraph import Resources, Subgraph
from subgraphs.sellers.consumers import consumers
from subgraphs.sellers.graphql.context import SellersContext
from subgraphs.sellers.graphql.schema import schema
from subgraphs.sellers.service.applications import Applications
from subgraphs.sellers.service.commissions import Commissions
from subgraphs.sellers.service.erasure import Erasure
from subgraphs.sellers.service.profile import SellerProfile
from subgraphs.sellers.service.sellers import SellersService
from subgraphs.sellers.settings import SellersSettings

SETTINGS = SellersSettings


def build(resources: Resources[SellersSettings]) -> Subgraph:
    service = build_service(resources)
    context = partial(SellersContext, database=resources.database, writes=resources.writes, service=service)
    return Subgraph(schema=schema, context=context, consumers=consumers(service))


def build_service(resources: Resources[SellersSettings]) -> SellersService:
    """The use cases alone, as a seed needs them."""
    outbox, clock = resources.outbox, resources.clock
    key_file = resources.settings.sealing_public_key_file
    return SellersService(
        applications=Applications(outbox, clock),
        profile=SellerProfile(outbox, clock, Sealer(key_file) if key_file else None),
        commissions=Commissions(outbox, clock),
        erasure=Erasure(outbox, clock),
    )
