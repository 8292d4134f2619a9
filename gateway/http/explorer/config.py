"""What can be set about the explorer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict


class DemoLogin(BaseModel):
    """Somebody to sign in as: a name for the button, and the variables of the sign-in. Everybody who opens the page sees them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    variables: Mapping[str, Any]


class SignInConfig(BaseModel):
    """`document` is the operation that signs in, `token` the path in its data to the access token, as in `login.accessToken`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    token: str
    logins: tuple[DemoLogin, ...]


class ExplorerConfig(BaseModel):
    """The page at `/`. `examples` is a folder of operations, one `.graphql` file each, in the order of their names.

    `fresh_variables` are variables of examples that get a new UUID each time one is opened.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = False
    title: str = "Explorer"
    examples: Path | None = None
    fresh_variables: frozenset[str] = frozenset()
    sign_in: SignInConfig | None = None
