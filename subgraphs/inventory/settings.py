"""What inventory reads from its environment: nothing beyond what every service reads."""

from __future__ import annotations

from shared.settings import ServiceSettings


class InventorySettings(ServiceSettings):
    pass
