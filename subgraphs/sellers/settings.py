"""What sellers reads from its environment: nothing beyond what every service reads.

Without `SEALING_PUBLIC_KEY_FILE` everything works but payout accounts, which are then refused.
"""

from __future__ import annotations

from shared.settings import ServiceSettings


class SellersSettings(ServiceSettings):
    pass
