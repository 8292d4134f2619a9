"""What payments reads from its environment."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field

from shared.settings import ServiceSettings
from subgraphs.payments.adapters.provider import PaymentProvider
from subgraphs.payments.adapters.simulator_client import SimulatorProvider
from subgraphs.payments.adapters.stripe import API_URL, StripeProvider


class PaymentsSettings(ServiceSettings):
    payment_provider: Literal["simulator", "stripe"] = "simulator"
    simulator_port: int = 4190
    simulator_url: str | None = None
    """Made of the port where it is not set."""
    provider_webhook_secret_file: Path | None = None
    """Without it no webhook is believed; the reconciling job still finds out what happened."""
    stripe_url: str = API_URL
    stripe_api_key_file: Path | None = None
    stripe_accounts_file: Path | None = None
    """JSON object of seller id → connected account: a seller that is not in it cannot be paid out."""
    hold_days: int = Field(default=7, ge=0)
    """How long after the delivery a seller's money is held back."""

    def provider(self) -> PaymentProvider:
        """Raises ValueError where Stripe is chosen and its key is missing."""
        secret = self._webhook_secret()
        if self.payment_provider == "simulator":
            return SimulatorProvider(self.simulator_url or f"http://127.0.0.1:{self.simulator_port}", secret)
        if self.stripe_api_key_file is None:
            raise ValueError("PAYMENT_PROVIDER=stripe needs STRIPE_API_KEY_FILE")
        key = self.stripe_api_key_file.read_text(encoding="utf-8").strip()
        accounts = json.loads(self.stripe_accounts_file.read_text("utf-8")) if self.stripe_accounts_file else {}
        return StripeProvider(key, secret, accounts=accounts, base_url=self.stripe_url)

    def _webhook_secret(self) -> bytes:
        if self.provider_webhook_secret_file is None:
            return secrets.token_bytes(32)
        return self.provider_webhook_secret_file.read_bytes().strip()
