"""What audit reads from its environment: nothing beyond what every service reads."""

from __future__ import annotations

from shared.settings import ServiceSettings


class AuditSettings(ServiceSettings):
    pass
