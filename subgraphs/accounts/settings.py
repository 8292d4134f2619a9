"""What accounts reads from its environment beyond what every service reads."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from shared.settings import ServiceSettings


class AccountsSettings(ServiceSettings):
    access_token_key_file: Path
    """Private Ed25519 key (PEM, PKCS 8) that signs access tokens."""
    previous_access_token_key_file: Path | None = None
    """The key before a rotation: published for as long as a token that it signed may live, never signed with."""
    sealing_public_key_file: Path
    failed_logins_per_address: int = Field(default=5, ge=1)
    """In a quarter of an hour, over all accounts. More of them where many people share an address."""
