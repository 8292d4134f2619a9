"""The path of a request: identify → parse → limit → validate → normalise → plan → coerce → execute → project."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from graphql import GraphQLSchema
from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestRefused
from gateway.executor.executor import Executor
from gateway.executor.variables import VariablesInvalid, coerce_variables
from gateway.pipeline.cache import SingleFlightCache
from gateway.pipeline.explain import plan_extension
from gateway.pipeline.identify import Identification, Identity
from gateway.pipeline.introspection import introspect
from gateway.pipeline.labels import OverrideLabels
from gateway.pipeline.prepare import Preparation, PreparedOperation
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse, refused
from gateway.security.rate_limit import RateLimiter
from gateway.telemetry.metrics import PREPARE_SECONDS, PREPARED, REFUSALS, REQUESTS

logger = logging.getLogger(__name__)

QUERY_PLAN_HEADER = "x-query-plan"

_HIT, _MISS = PREPARED.labels("hit"), PREPARED.labels("miss")
_OUTCOMES = {name: REQUESTS.labels(name) for name in ("ok", "partial", "refused", "failed")}


class PipelineConfig(BaseModel):
    """`operations_kept` bounds the cache of prepared operations; `expose_query_plan` allows the header `x-query-plan: 1`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operations_kept: int = Field(default=2000, ge=1)
    expose_query_plan: bool = False
    override_labels: tuple[str, ...] = ()


class Pipeline:
    """Answers requests over one supergraph. Call `close` when done."""

    def __init__(
        self,
        config: PipelineConfig,
        schema: GraphQLSchema,
        *,
        identification: Identification,
        preparation: Preparation,
        executor: Executor,
        labels: OverrideLabels,
        rate_limiter: RateLimiter,
    ) -> None:
        self._config = config
        self._schema = schema
        self._identification = identification
        self._preparation = preparation
        self._executor = executor
        self._labels = labels
        self._rate_limiter = rate_limiter
        self._prepared: SingleFlightCache[tuple[str, str | None, frozenset[str]], PreparedOperation] = (
            SingleFlightCache(config.operations_kept)
        )
        # Preparing takes milliseconds of pure computation: on a thread of its own it does not hold up what is under way.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def answer(self, request: GraphQLRequest) -> GraphQLResponse:
        """The response to a request; a bug becomes a masked error with nothing of it but an entry in the log."""
        try:
            response = await self._answer(request)
        except RequestRefused as refusal:
            REFUSALS.labels(refusal.code).inc()
            _OUTCOMES["refused"].inc()
            return refused(refusal)
        except Exception:
            logger.exception("a request failed")
            _OUTCOMES["failed"].inc()
            return refused(RequestRefused("INTERNAL_SERVER_ERROR", "Something went wrong.", status=500))
        _OUTCOMES["partial" if "errors" in response.payload else "ok"].inc()
        return response

    async def _answer(self, request: GraphQLRequest) -> GraphQLResponse:
        identity = await self._identification.identify(request.headers, request.client)
        prepared = await self._prepare(request)
        if request.read_only and prepared.operation.kind != "query":
            raise RequestRefused("METHOD_NOT_ALLOWED", "Mutations are sent by POST.", status=405)
        self._rate_limiter.admit_root_fields(request.client, prepared.root_fields)
        variables = self._coerce(prepared, request.variables)
        payload = await self._execute(prepared, variables, identity)
        if self._config.expose_query_plan and request.headers.get(QUERY_PLAN_HEADER) == "1":
            payload["extensions"] = {"queryPlan": plan_extension(prepared.plan)}
        return GraphQLResponse(payload)

    async def _prepare(self, request: GraphQLRequest) -> PreparedOperation:
        key = (request.query, request.operation_name, self._labels.active())
        prepared = self._prepared.find(key)
        if prepared is not None:
            _HIT.inc()
            return prepared
        _MISS.inc()

        async def make() -> PreparedOperation:
            with PREPARE_SECONDS.time():
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, self._preparation.prepare, *key)

        return await self._prepared.make(key, make)

    def _coerce(self, prepared: PreparedOperation, values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return coerce_variables(self._schema, prepared.operation.variables, values)
        except VariablesInvalid as error:
            entries: tuple[dict[str, object], ...] = tuple(
                {"message": text, "extensions": {"code": error.code}} for text in error.messages
            )
            raise RequestRefused(error.code, error.message, well_formed=True, entries=entries) from error

    async def _execute(
        self, prepared: PreparedOperation, variables: Mapping[str, Any], identity: Identity
    ) -> dict[str, Any]:
        execution = await self._executor.execute(prepared.compiled, variables, identity.headers_for)
        if prepared.introspected is not None:
            execution.tree.update(prepared.introspected)
        elif prepared.introspection is not None:
            execution.tree.update(introspect(self._schema, prepared.introspection, variables))
        data, found = prepared.projection.project(execution.tree, variables, execution.errors)
        errors = [error.formatted() for error in (*execution.errors, *found)]
        # Errors stand first, so that nobody reads a page of data before noticing them.
        return {"errors": errors, "data": data} if errors else {"data": data}
