"""Root fields: mutations in order, roots shared by subgraphs, `__typename` and introspection beside data."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def mutations() -> dict[str, Subgraph]:
    state = {"value": 1}
    log: list[str] = []

    def add(_root: object, _info: object, by: int) -> dict[str, Any]:
        state["value"] += by
        log.append(f"add {by}")
        return {"id": "c", **state}

    def multiply(_root: object, _info: object, by: int) -> dict[str, Any]:
        state["value"] *= by
        log.append(f"multiply {by}")
        return {"id": "c", "history": list(log)}

    def fail(_root: object, _info: object) -> None:
        log.append("fail")
        raise RuntimeError("no")

    return {
        "left": Subgraph(
            sdl("mutations", "left"),
            {
                "Query.log": lambda _root, _info: list(log),
                "Query.counter": lambda _root, _info: {"id": "c", **state},
                "Mutation.add": add,
                "Mutation.fail": fail,
            },
            {"Counter": lambda rep: {"__typename": "Counter", "id": rep["id"], **state}},
        ),
        "right": Subgraph(
            sdl("mutations", "right"),
            {"Query.log": lambda _root, _info: list(log), "Mutation.multiply": multiply},
            {"Counter": lambda rep: {"__typename": "Counter", "id": rep["id"], "history": list(log)}},
        ),
    }


async def test_mutations_run_one_after_the_other_across_subgraphs() -> None:
    async with federation("mutations", mutations()) as graph:
        answer = await graph.ask(
            "mutation { a: add(by: 2) { value } b: multiply(by: 10) { id } c: add(by: 1) { value } }"
        )
        assert answer == {"data": {"a": {"value": 3}, "b": {"id": "c"}, "c": {"value": 31}}}
        assert graph.counts == {"left": 2, "right": 1}
        assert await graph.ask("{ log }") == {"data": {"log": ["add 2", "multiply 10", "add 1"]}}


async def test_a_failed_mutation_does_not_stop_the_next() -> None:
    async with federation("mutations", mutations()) as graph:
        answer = await graph.ask("mutation { fail { value } multiply(by: 4) { id } }")
        assert answer["data"] == {"fail": None, "multiply": {"id": "c"}}
        assert [error["path"] for error in answer["errors"]] == [["fail"]]


async def test_a_mutation_is_completed_by_a_query() -> None:
    async with federation("mutations", mutations()) as graph:
        answer = await graph.ask("mutation { add(by: 5) { value history } }")
        assert answer == {"data": {"add": {"value": 6, "history": ["add 5"]}}}
        assert graph.counts == {"left": 1, "right": 1}


async def test_a_mutation_is_not_sent_by_get() -> None:
    async with federation("mutations", mutations()) as graph:
        answer = await graph.client.get("/graphql", params={"query": "mutation { add(by: 5) { value } }"})
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
        assert await graph.ask("{ log }") == {"data": {"log": []}}


def shared_roots() -> dict[str, Subgraph]:
    return {
        "one": Subgraph(sdl("shared_roots", "one"), {"Query.version": {"major": 3, "one": "1"}, "Query.here": "one"}),
        "two": Subgraph(sdl("shared_roots", "two"), {"Query.version": {"major": 3, "two": "2"}, "Query.here": "two"}),
    }


async def test_a_shared_root_is_asked_of_each_subgraph_that_is_needed() -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        answer = await graph.ask("{ version { two major one } }")
        assert answer == {"data": {"version": {"two": "2", "major": 3, "one": "1"}}}
        assert graph.counts == {"one": 1, "two": 1}


async def test_a_shared_root_is_asked_once_where_one_subgraph_suffices() -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        assert await graph.ask("{ version { major two } }") == {"data": {"version": {"major": 3, "two": "2"}}}
        assert graph.counts == {"two": 1}


async def test_the_name_of_the_root_type_needs_no_subgraph() -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        assert await graph.ask("{ a: __typename __typename }") == {"data": {"a": "Query", "__typename": "Query"}}
        assert graph.counts == {}


async def test_introspection_shows_the_clients_schema_beside_data() -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        query = """query($name: String!, $no: Boolean!) {
          version { major }
          __type(name: $name) { name fields { name type { name } } kind @skip(if: $no) }
          __schema { queryType { name } types { name } }
        }"""
        answer = await graph.ask(query, {"name": "Version", "no": True})
        assert answer["data"]["version"] == {"major": 3}
        assert answer["data"]["__type"]["name"] == "Version"
        assert sorted(field["name"] for field in answer["data"]["__type"]["fields"]) == ["major", "one", "two"]
        assert "kind" not in answer["data"]["__type"]
        assert [t for t in answer["data"]["__schema"]["types"] if t["name"].startswith(("join__", "link__"))] == []


async def test_introspection_can_be_switched_off_with_all_hints() -> None:
    async with federation("shared_roots", shared_roots(), {"introspection": {"enabled": False}}) as graph:
        refused = await graph.ask("{ __schema { queryType { name } } }")
        assert {error["extensions"]["code"] for error in refused["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}
        assert "data" not in refused
        wrong = await graph.ask("{ versio { major } }")
        assert "version" not in wrong["errors"][0]["message"]


async def test_a_selection_that_is_skipped_altogether_is_an_empty_object() -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        answer = await graph.ask("query($no: Boolean!) { here @skip(if: $no) }", {"no": True})
        assert answer == {"data": {}}
        assert graph.counts == {}


async def test_the_query_plan_is_shown_only_where_it_is_allowed_and_asked_for() -> None:
    asked = {"x-query-plan": "1"}
    async with federation("shared_roots", shared_roots(), {"pipeline": {"expose_query_plan": True}}) as graph:
        assert "extensions" not in await graph.ask("{ here }")
        plan = (await graph.ask("{ here }", headers=asked))["extensions"]["queryPlan"]
        assert [fetch["document"] for fetch in plan["fetches"]] == ["query{here}"]
    async with federation("shared_roots", shared_roots()) as graph:
        assert "extensions" not in await graph.ask("{ here }", headers=asked)


@pytest.mark.parametrize(
    ("headers", "forwarded"),
    [
        (
            {"x-correlation-id": "story-1", "accept-language": "no"},
            {"x-correlation-id": "story-1", "accept-language": "no"},
        ),
        ({"x-correlation-id": "bad id", "cookie": "secret=1", "authorization": "Bearer x"}, {}),
    ],
)
async def test_only_listed_headers_reach_the_subgraphs(headers: dict[str, str], forwarded: dict[str, str]) -> None:
    async with federation("shared_roots", shared_roots()) as graph:
        await graph.ask("{ here }", headers=headers)
        (sent,) = [sent for subgraph in graph.subgraphs.values() for sent in subgraph.headers]
        assert {name: sent.get(name) for name in forwarded} == forwarded
        assert not {"cookie", "authorization"} & sent.keys()
        assert len(sent["x-correlation-id"]) == (7 if forwarded else 36)
