"""What audit listens to: every event that its bindings in the register let through."""

from __future__ import annotations

from shared.messaging.consumer import QueueConsumer
from shared.messaging.routing import queues_for
from shared.messaging.schemas import EventSchemas
from shared.register import load_register
from subgraphs.audit.service import AuditService

QUEUE = "audit.recorder"


def consumers(service: AuditService) -> tuple[QueueConsumer, ...]:
    register = load_register()
    bound = [name for name in EventSchemas().names if QUEUE in queues_for(register, name)]
    return (QueueConsumer(QUEUE, dict.fromkeys(bound, service.on_event)),)
