"""Interfaces, interface objects and unions whose members live in different subgraphs."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

SHELF = [
    {"__typename": "Film", "id": "f", "title": "Ran", "minutes": 162},
    {"__typename": "Book", "id": "b", "title": "Emma", "pages": 300},
]


def interface() -> dict[str, Subgraph]:
    return {
        "media": Subgraph(
            sdl("interface", "media"),
            {"Query.shelf": SHELF},
            {"Book": SHELF[1], "Film": SHELF[0]},
        ),
        "loans": Subgraph(
            sdl("interface", "loans"),
            references={
                "Book": lambda rep: {"__typename": "Book", "id": rep["id"], "due": "Monday"},
                "Film": lambda rep: {"__typename": "Film", "id": rep["id"], "rating": 9},
            },
        ),
    }


async def test_an_interfaces_own_fields_come_in_one_request() -> None:
    async with federation("interface", interface()) as graph:
        answer = await graph.ask("{ shelf { title kind: __typename } }")
        assert answer == {"data": {"shelf": [{"title": "Ran", "kind": "Film"}, {"title": "Emma", "kind": "Book"}]}}
        assert graph.counts == {"media": 1}


async def test_members_fields_of_one_subgraph_travel_in_one_request() -> None:
    async with federation("interface", interface()) as graph:
        answer = await graph.ask("{ shelf { ... on Book { due pages } ... on Film { rating } title } }")
        assert answer == {
            "data": {"shelf": [{"rating": 9, "title": "Ran"}, {"due": "Monday", "pages": 300, "title": "Emma"}]}
        }
        assert list(answer["data"]["shelf"][1]) == ["due", "pages", "title"]
        assert graph.counts == {"media": 1, "loans": 1}


def interface_object() -> dict[str, Subgraph]:
    def media(rep: dict[str, Any]) -> dict[str, Any] | None:
        return next((item for item in SHELF if item["id"] == rep["id"]), None)

    return {
        "media": Subgraph(
            sdl("interface_object", "media"),
            {"Query.shelf": SHELF},
            {"Media": media, "Book": media, "Film": media},
        ),
        "views": Subgraph(
            sdl("interface_object", "views"),
            {"Query.mostViewed": {"id": "b", "views": 70}},
            {"Media": lambda rep: {"__typename": "Media", "id": rep["id"], "views": len(rep["id"]) * 7}},
        ),
    }


async def test_an_interface_object_adds_a_field_to_every_member() -> None:
    async with federation("interface_object", interface_object()) as graph:
        answer = await graph.ask("{ shelf { __typename title views } }")
        assert answer == {
            "data": {
                "shelf": [
                    {"__typename": "Film", "title": "Ran", "views": 7},
                    {"__typename": "Book", "title": "Emma", "views": 7},
                ]
            }
        }
        (sent,) = graph.subgraphs["views"].requests[0]["variables"].values()
        assert sent == [{"__typename": "Media", "id": "f"}, {"__typename": "Media", "id": "b"}]


async def test_the_concrete_type_behind_an_interface_object_is_asked_of_who_knows_it() -> None:
    async with federation("interface_object", interface_object()) as graph:
        answer = await graph.ask("{ mostViewed { views ... on Book { pages } __typename } }")
        assert answer == {"data": {"mostViewed": {"views": 70, "pages": 300, "__typename": "Book"}}}
        assert graph.counts == {"views": 1, "media": 1}


def union() -> dict[str, Subgraph]:
    hits = [
        {"__typename": "User", "id": "u"},
        {"__typename": "Draft", "id": "d"},
        None,
        {"__typename": "Page", "slug": "p"},
    ]
    return {
        "search": Subgraph(
            sdl("union", "search"),
            {"Query.search": hits},
            {"User": None, "Page": None},
        ),
        "users": Subgraph(
            sdl("union", "users"), references={"User": lambda rep: {"__typename": "User", **rep, "name": "Ada"}}
        ),
        "pages": Subgraph(
            sdl("union", "pages"), references={"Page": lambda rep: {"__typename": "Page", **rep, "headline": "News"}}
        ),
    }


async def test_each_member_of_a_union_is_completed_by_its_own_subgraph() -> None:
    async with federation("union", union()) as graph:
        answer = await graph.ask('{ search(text: "x") { __typename ... on User { name } ... on Page { headline } } }')
        assert answer["data"] == {
            "search": [{"__typename": "User", "name": "Ada"}, None, None, {"__typename": "Page", "headline": "News"}]
        }
        assert graph.counts == {"search": 1, "users": 1, "pages": 1}


async def test_an_inaccessible_member_is_null_with_one_error_that_does_not_name_it() -> None:
    async with federation("union", union()) as graph:
        answer = await graph.ask('{ search(text: "x") { ... on User { name } } }')
        assert answer["data"] == {"search": [{"name": "Ada"}, None, None, {}]}
        assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (["search", 1], "INVALID_VALUE")
        ]
        assert "Draft" not in str(answer)
