"""The tables of accounts and how its classes map onto them."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.orm import registry

from shared.auth.actor import Role
from shared.db.types import MOMENT, UUID_TYPE, text_enum
from subgraphs.accounts.domain.addresses import Address
from subgraphs.accounts.domain.api_clients import ApiClient
from subgraphs.accounts.domain.sessions import Session
from subgraphs.accounts.domain.tokens import TokenKind
from subgraphs.accounts.domain.users import UserAccount

metadata = MetaData()

user_account = Table(
    "user_account",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("email", Text),
    Column("display_name", Text),
    Column("locale", Text),
    Column("email_verified_at", MOMENT),
    Column("erased_at", MOMENT),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
)

credential = Table(
    "credential",
    metadata,
    Column("user_id", UUID_TYPE, primary_key=True),
    Column("password_hash", Text),
    Column("changed_at", MOMENT),
)

user_role = Table(
    "user_role",
    metadata,
    Column("user_id", UUID_TYPE, primary_key=True),
    Column("role", text_enum(Role), primary_key=True),
    Column("seller_id", UUID_TYPE),
    Column("seller_version", BigInteger),
    Column("granted_at", MOMENT),
    Column("revoked_at", MOMENT),
)

session = Table(
    "session",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("user_id", UUID_TYPE),
    Column("token_hash", LargeBinary),
    Column("generation", Integer),
    Column("created_at", MOMENT),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
)

spent_refresh_token = Table(
    "spent_refresh_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID_TYPE),
    Column("spent_at", MOMENT),
)

one_time_token = Table(
    "one_time_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", UUID_TYPE),
    Column("kind", text_enum(TokenKind)),
    Column("created_at", MOMENT),
    Column("expires_at", MOMENT),
    Column("used_at", MOMENT),
)

login_attempt = Table(
    "login_attempt",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("account_key", LargeBinary),
    Column("client_key", LargeBinary),
    Column("failed_at", MOMENT),
)

address = Table(
    "address",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("user_id", UUID_TYPE),
    Column("recipient", Text),
    Column("line1", Text),
    Column("line2", Text),
    Column("postal_code", Text),
    Column("city", Text),
    Column("region", Text),
    Column("country", Text),
    Column("phone", Text),
    Column("is_default", Boolean),
    Column("created_at", MOMENT),
)

api_client = Table(
    "api_client",
    metadata,
    Column("id", UUID_TYPE, primary_key=True),
    Column("name", Text),
    Column("scopes", ARRAY(Text)),
    Column("requests_per_minute", Integer),
    Column("operations_per_day", BigInteger),
    Column("operations_per_month", BigInteger),
    Column("version", BigInteger),
    Column("created_at", MOMENT),
    Column("revoked_at", MOMENT),
)

api_client_key = Table(
    "api_client_key",
    metadata,
    Column("key_hash", LargeBinary, primary_key=True),
    Column("api_client_id", UUID_TYPE),
    Column("created_at", MOMENT),
    Column("expires_at", MOMENT),
)

_mappers = registry(metadata=metadata)
_mappers.map_imperatively(UserAccount, user_account)
_mappers.map_imperatively(Session, session)
_mappers.map_imperatively(Address, address)
_mappers.map_imperatively(ApiClient, api_client)
