"""@requires and @provides whose fields stand behind interfaces and unions, and requirements with arguments."""

from __future__ import annotations

from typing import Any

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph

OWNERS = [
    {"__typename": "Owner", "id": "1", "pet": {"__typename": "Dog", "name": "Rex", "breed": "Boxer"}},
    {"__typename": "Owner", "id": "2", "pet": {"__typename": "Cat", "name": "Tom", "lives": 9}},
    {"__typename": "Owner", "id": "3", "pet": None},
]


def requires_abstract() -> dict[str, Subgraph]:
    def fee(_owner: object, _info: object, currency: str) -> int:
        return {"EUR": 10, "USD": 12, "NOK": 110}[currency]

    def premium(owner: dict[str, Any], _info: object) -> str:
        pet = owner["pet"]
        return "none" if pet is None else f"{pet['name']}: {pet.get('breed') or pet.get('lives')}"

    return {
        "owners": Subgraph(
            sdl("requires_abstract", "owners"),
            {"Query.owners": OWNERS, "Owner.fee": fee},
            {"Owner": lambda rep: OWNERS[int(rep["id"]) - 1]},
        ),
        "insurers": Subgraph(
            sdl("requires_abstract", "insurers"),
            {
                "Owner.premium": premium,
                "Owner.inEuro": lambda owner, _info: f"{owner['fee']} EUR",
                "Owner.inDollar": lambda owner, _info: f"{owner['fee']} USD",
            },
            {"Owner": dict},
        ),
    }


async def test_what_is_required_of_an_interface_depends_on_the_objects_type() -> None:
    async with federation("requires_abstract", requires_abstract()) as graph:
        answer = await graph.ask("{ owners { premium } }")
        assert answer == {"data": {"owners": [{"premium": "Rex: Boxer"}, {"premium": "Tom: 9"}, {"premium": "none"}]}}
        assert graph.counts == {"owners": 1, "insurers": 1}
        (sent,) = graph.subgraphs["insurers"].requests[0]["variables"].values()
        assert [item["pet"] for item in sent] == [
            {"__typename": "Dog", "name": "Rex", "breed": "Boxer"},
            {"__typename": "Cat", "name": "Tom", "lives": 9},
            None,
        ]


async def test_a_required_field_is_asked_with_its_own_arguments_beside_the_clients() -> None:
    async with federation("requires_abstract", requires_abstract()) as graph:
        answer = await graph.ask('{ owners { fee(currency: "NOK") inEuro } }')
        assert answer["data"]["owners"][0] == {"fee": 110, "inEuro": "10 EUR"}
        assert graph.counts == {"owners": 1, "insurers": 1}


async def test_two_fields_that_require_the_same_with_different_arguments_get_each_its_own() -> None:
    async with federation("requires_abstract", requires_abstract()) as graph:
        answer = await graph.ask("{ owners { inDollar inEuro } }")
        assert answer == {"data": {"owners": [{"inDollar": "12 USD", "inEuro": "10 EUR"}] * 3}}
        # Both are read from one answer; they travel as two calls of one request.
        assert graph.counts == {"owners": 1, "insurers": 1}


BOOK = {"__typename": "Book", "id": "b", "title": "Emma", "author": {"name": "Jane", "born": 1775}, "pages": 300}
FILM = {"__typename": "Film", "id": "f", "title": "Ran"}


def provides_abstract() -> dict[str, Subgraph]:
    shelf = [BOOK, FILM]
    return {
        "shop": Subgraph(
            sdl("provides_abstract", "shop"),
            {"Query.windows": shelf, "Query.shelves": shelf, "Query.gift": FILM, "Query.present": FILM},
            {"Book": BOOK, "Film": FILM},
        ),
        "library": Subgraph(sdl("provides_abstract", "library"), references={"Book": BOOK, "Film": FILM}),
    }


async def test_what_is_provided_behind_an_interface_and_nested_saves_the_request() -> None:
    async with federation("provides_abstract", provides_abstract()) as graph:
        answer = await graph.ask("{ windows { ... on Book { title author { name } } ... on Film { title } } }")
        assert answer == {"data": {"windows": [{"title": "Emma", "author": {"name": "Jane"}}, {"title": "Ran"}]}}
        assert graph.counts == {"shop": 1}


async def test_what_is_not_among_it_is_asked_of_the_owner() -> None:
    async with federation("provides_abstract", provides_abstract()) as graph:
        answer = await graph.ask("{ windows { ... on Book { title author { name born } } ... on Film { title } } }")
        assert answer["data"]["windows"][0] == {"title": "Emma", "author": {"name": "Jane", "born": 1775}}
        assert graph.counts == {"shop": 1, "library": 1}
        (sent,) = graph.subgraphs["library"].requests[0]["variables"].values()
        assert sent == [{"__typename": "Book", "id": "b"}]


async def test_by_another_path_the_same_is_not_provided() -> None:
    async with federation("provides_abstract", provides_abstract()) as graph:
        answer = await graph.ask("{ shelves { ... on Book { title } ... on Film { title } } }")
        assert answer == {"data": {"shelves": [{"title": "Emma"}, {"title": "Ran"}]}}
        assert graph.counts == {"shop": 1, "library": 1}


async def test_of_a_union_one_member_may_be_provided() -> None:
    async with federation("provides_abstract", provides_abstract()) as graph:
        answer = await graph.ask("{ gift { ... on Film { title } } }")
        assert answer == {"data": {"gift": {"title": "Ran"}}}
        assert graph.counts == {"shop": 1}
        assert (await graph.ask("{ present { ... on Film { title } } }"))["data"] == {"present": {"title": "Ran"}}
        assert graph.counts == {"shop": 1, "library": 1}
