"""What sellers listens to."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from subgraphs.sellers.service.sellers import SellersService


def consumers(service: SellersService) -> tuple[QueueConsumer, ...]:
    handlers = {"user.erasure_requested": service.erasure.on_user_erasure_requested}
    return (QueueConsumer("sellers.projector", handlers),)
