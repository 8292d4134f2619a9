"""All that can be set about the gateway: one YAML file, one section a concern, unknown keys refused by name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.cache.config import CacheConfig
from gateway.errors import GatewayError
from gateway.executor.header_rules import HeaderRulesConfig
from gateway.executor.subgraph_client import TransportConfig
from gateway.executor.subgraph_errors import SubgraphErrorsConfig
from gateway.executor.traffic import TrafficConfig
from gateway.http.config import HttpConfig
from gateway.http.explorer.config import ExplorerConfig
from gateway.persisted.config import PersistedConfig
from gateway.pipeline.identify import ForwardingConfig
from gateway.pipeline.incremental import IncrementalConfig
from gateway.pipeline.pipeline import PipelineConfig
from gateway.pipeline.reload import WatchConfig
from gateway.pipeline.subscriptions import SubscriptionsConfig
from gateway.security.api_clients import ApiClientsConfig
from gateway.security.authentication import AuthenticationConfig
from gateway.security.authorization import AuthorizationConfig
from gateway.security.internal_token import InternalTokenConfig
from gateway.security.introspection import IntrospectionConfig
from gateway.security.limits import LimitsConfig
from gateway.security.rate_limit import RateLimitConfig
from gateway.telemetry.spans import TracingConfig

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class SettingsError(GatewayError):
    """The configuration cannot be used; the message names each key at fault."""

    def __init__(self, message: str) -> None:
        super().__init__("SETTINGS_INVALID", message)


class LogConfig(BaseModel):
    """Structured JSON on standard output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    level: str = "INFO"


class Settings(BaseModel):
    """`subgraph_urls` overrides the routing URLs of the supergraph by subgraph name.

    Without `authentication` every request is anonymous; without `internal_token` subgraphs get no Authorization header.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    http: HttpConfig = HttpConfig()
    pipeline: PipelineConfig = PipelineConfig()
    limits: LimitsConfig = LimitsConfig()
    introspection: IntrospectionConfig = IntrospectionConfig()
    rate_limit: RateLimitConfig = RateLimitConfig()
    persisted: PersistedConfig | None = None
    authentication: AuthenticationConfig | None = None
    api_clients: ApiClientsConfig | None = None
    authorization: AuthorizationConfig = AuthorizationConfig()
    internal_token: InternalTokenConfig | None = None
    forwarding: ForwardingConfig = ForwardingConfig()
    headers: HeaderRulesConfig = HeaderRulesConfig()
    transport: TransportConfig = TransportConfig()
    traffic: TrafficConfig = TrafficConfig()
    subscriptions: SubscriptionsConfig = SubscriptionsConfig()
    incremental: IncrementalConfig = IncrementalConfig()
    cache: CacheConfig = CacheConfig()
    explorer: ExplorerConfig = ExplorerConfig()
    subgraph_errors: SubgraphErrorsConfig = SubgraphErrorsConfig()
    subgraph_urls: Mapping[str, str] = Field(default_factory=dict)
    watch: WatchConfig = WatchConfig()
    log: LogConfig = LogConfig()
    tracing: TracingConfig = TracingConfig()

    @model_validator(mode="after")
    def _hold_partners_to_their_manifests(self) -> Self:
        if self.api_clients is not None and self.persisted is None:
            raise ValueError("api_clients needs persisted: a partner runs the operations of its manifest alone")
        return self

    @model_validator(mode="after")
    def _keep_the_page_beside_the_endpoint(self) -> Self:
        if self.explorer.enabled and self.http.path == "/":
            raise ValueError("explorer.enabled needs another http.path than /: the page lies there")
        return self


def read_settings(path: Path | None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """The settings in a YAML file, with `overrides` of the `http` section laid over. Raises SettingsError.

    `${NAME}` in a text stands for an environment variable: passwords need not lie in the file.
    """
    content: Any = {}
    if path is not None:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise SettingsError(f"{path} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path} must hold a mapping")
    content = _filled(content)
    if overrides:
        content["http"] = {**(content.get("http") or {}), **overrides}
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        raise SettingsError(f"{path or 'settings'}: {problems}") from error


def _filled(value: Any) -> Any:
    """The value with the variables of the environment in place. Raises SettingsError for one that is not set."""
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _VARIABLE.sub(_variable, value) if isinstance(value, str) else value


def _variable(match: re.Match[str]) -> str:
    name = match[1]
    if name not in os.environ:
        raise SettingsError(f"The settings speak of the environment variable {name}, which is not set.")
    return os.environ[name]
