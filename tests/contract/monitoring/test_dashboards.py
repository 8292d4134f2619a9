"""The dashboards are whole: whatever they name is declared, whatever they show has a unit, a legend and a place."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from tests.contract.monitoring.catalogue import declared
from tests.contract.monitoring.dashboards import dashboards, panels, queries
from tests.contract.monitoring.promql import family, metrics_in
from tests.contract.monitoring.rules import rules

_BROKERS_OWN = frozenset(
    {
        "rabbitmq_channels",
        "rabbitmq_connections",
        "rabbitmq_detailed_queue_consumers",
        "rabbitmq_detailed_queue_messages",
        "rabbitmq_detailed_queue_messages_ready",
        "rabbitmq_detailed_queue_messages_unacked",
        "rabbitmq_disk_space_available_bytes",
        "rabbitmq_disk_space_available_limit_bytes",
        "rabbitmq_process_resident_memory_bytes",
        "rabbitmq_resident_memory_limit_bytes",
    }
)
_OF_ANY_PROCESS = frozenset({"process_cpu_seconds_total", "process_resident_memory_bytes"})


def test_there_is_a_dashboard_for_the_graph_the_saga_the_money_and_the_broker() -> None:
    found = dashboards()

    assert found.keys() == {"graph", "saga", "money", "broker"}
    assert len({dashboard["uid"] for dashboard in found.values()}) == 4
    for dashboard in found.values():
        (variable,) = dashboard["templating"]["list"]
        assert (variable["name"], variable["type"], variable["query"]) == ("datasource", "datasource", "prometheus")
        assert [link["tags"] for link in dashboard["links"]] == [["marketplace"]]
        assert dashboard["tags"] == ["marketplace"]


def test_each_panel_asks_the_chosen_source_and_says_in_which_unit_it_answers() -> None:
    for name, panel in panels():
        where = f"{name}: {panel['title']}"
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, where
        assert panel["fieldConfig"]["defaults"]["unit"], where
        assert panel["targets"], where
        legends = [target["legendFormat"] for target in panel["targets"]]
        assert all(legends) or panel["type"] in {"stat", "table"}, where
        assert len(set(legends)) == len(legends), where


def test_no_panel_lies_over_another_and_each_has_an_id_of_its_own() -> None:
    for name, dashboard in dashboards().items():
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(set(ids)) == len(ids), name
        places = [panel["gridPos"] for panel in dashboard["panels"]]
        assert all(place["x"] + place["w"] <= 24 for place in places), name
        assert not [(a, b) for a, b in combinations(places, 2) if _overlap(a, b)], name


def test_every_metric_that_a_panel_or_a_rule_names_is_in_the_catalogue_or_the_brokers_own() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    known = declared().keys() | recorded | _BROKERS_OWN | _OF_ANY_PROCESS
    asked = {query.expression for query in queries()} | {rule["expr"] for rule in rules()}
    named = {name for expression in asked for name in metrics_in(expression)}

    assert {name for name in named if name not in known and family(name) not in known} == set()
    # And what is recorded is used, what the broker tells as well.
    assert recorded - named == set()
    assert _BROKERS_OWN - named == set()


def _overlap(a: dict[str, Any], b: dict[str, Any]) -> bool:
    apart = (
        a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
    )
    return not apart
