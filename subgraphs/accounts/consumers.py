"""What accounts listens to."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.accounts.service.accounts import AccountsService


def consumers(service: AccountsService) -> tuple[QueueConsumer, ...]:
    return (QueueConsumer("accounts.projector", {"seller.approved": service.roles.on_seller_approved}),)
