"""`python -m subgraphs.payments.adapters.simulator --port 4190`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from pydantic_settings import BaseSettings

from shared.runtime.server import serve
from shared.telemetry.logs import configure_logging
from subgraphs.payments.adapters.simulator.app import Simulator
from subgraphs.payments.adapters.simulator.book import Book
from subgraphs.payments.adapters.webhook import PATH


class SimulatorSettings(BaseSettings):
    """`api_url` is that of payments' API, which the launcher names; `webhook_url` overrides the address made of it."""

    host: str = "127.0.0.1"
    api_url: str | None = None
    webhook_url: str | None = None
    webhook_secret: str | None = None
    provider_webhook_secret_file: Path | None = None
    simulator_delay_seconds: float = 1.0
    state_directory: Path | None = None
    """Where the charges survive a restart; without it they live in memory."""

    def address(self) -> str | None:
        return self.webhook_url or (f"{self.api_url}{PATH}" if self.api_url else None)

    def file(self) -> Path | None:
        if self.state_directory is None:
            return None
        self.state_directory.mkdir(parents=True, exist_ok=True)
        return self.state_directory / "payment-simulator.jsonl"

    def secret(self) -> bytes:
        if self.webhook_secret is not None:
            return self.webhook_secret.encode()
        if self.provider_webhook_secret_file is None:
            raise SystemExit("Set WEBHOOK_SECRET or PROVIDER_WEBHOOK_SECRET_FILE.")
        return self.provider_webhook_secret_file.read_bytes().strip()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=4190)
    port = arguments.parse_args().port
    settings = SimulatorSettings()
    simulator = Simulator(
        Book(settings.file()),
        webhook_url=settings.address(),
        webhook_secret=settings.secret(),
        delay_seconds=settings.simulator_delay_seconds,
    )
    configure_logging("payments-simulator")
    asyncio.run(serve({port: simulator.app()}, host=settings.host))


if __name__ == "__main__":
    main()
