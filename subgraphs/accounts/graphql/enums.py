"""The closed sets of accounts as the graph names them. Described here, before any input or type refers to them."""

from __future__ import annotations

import strawberry

from shared.auth.actor import Role
from subgraphs.accounts.errors import AccountsErrorCode

__all__ = ["AccountsErrorCode", "Role"]

strawberry.enum(Role, description="What a person may be on the marketplace.")
strawberry.enum(AccountsErrorCode, name="ErrorCode", description="Why a mutation was refused.")
