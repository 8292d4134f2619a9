"""What an operation costs that the gateway has never seen: parse, limit, validate, normalise, plan, compile."""

from __future__ import annotations

import statistics
from time import perf_counter

from gateway.pipeline.keys import PreparationKey
from gateway.pipeline.prepare import Preparation
from gateway.pipeline.supergraph_check import read_supergraph_model
from gateway.planner.planner import Planner
from gateway.security.access_rules import AccessRules
from gateway.security.authorization import Authorization
from gateway.security.introspection import IntrospectionConfig
from gateway.security.limits import LimitsConfig
from gateway.supergraph.api_schema import build_api_schema
from tests.performance.gateway.graph import QUERIES, supergraph

_TIMES = 15


def cold_ms() -> dict[str, dict[str, float]]:
    """Milliseconds for the deep query. `first`: by a planner that has planned nothing; `next`: one more unseen text."""
    first, following = [], []
    for _ in range(_TIMES):
        preparation = _preparation()
        first.append(_timed(preparation, QUERIES["deep"]))
        following.append(_timed(preparation, QUERIES["deep"] + "# another text"))
    return {"first": spread(first), "next": spread(following)}


def _preparation() -> Preparation:
    model = read_supergraph_model(supergraph("http://127.0.0.1:1"))
    schema = build_api_schema(model)
    authorization = Authorization(AccessRules(model), schema)
    return Preparation(schema, Planner(model), authorization, LimitsConfig(), IntrospectionConfig())


def _timed(preparation: Preparation, text: str) -> float:
    started = perf_counter()
    preparation.prepare(PreparationKey(text, None, frozenset()))
    return (perf_counter() - started) * 1000


def spread(values: list[float]) -> dict[str, float]:
    """Median, least and most."""
    return {
        "median": round(statistics.median(values), 2),
        "min": round(min(values), 2),
        "max": round(max(values), 2),
    }
