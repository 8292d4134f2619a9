"""@authenticated, @requiresScopes and @policy: what is refused is null with a code, and no subgraph is ever asked for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, sdl, serve
from tests.conformance.subgraph import Subgraph

USER = {"__typename": "User", "id": "u1", "name": "Ada", "email": "ada@x.test", "boss": None}
ADMIN = {"__typename": "Admin", "id": "a1", "name": "Root", "level": 9}
PRODUCT = {"__typename": "Product", "id": "p1", "title": "Nut", "cost": 7, "weight": 3}
CLERK, INTERN = {"__typename": "Clerk", "id": "c1", "salary": 5}, {"__typename": "Intern", "id": "i1", "salary": 1}


def subgraphs() -> dict[str, Subgraph]:
    roots = {
        "me": USER,
        "people": [USER, ADMIN],
        "everyone": [USER, ADMIN],
        "search": [PRODUCT, ADMIN],
        "staff": [CLERK, INTERN],
        "product": PRODUCT,
        "report": "report",
        "audit": "audit",
        "colour": "RED",
        "motd": "hello",
    }
    mutations = {"Mutation.purge": True, "Mutation.touch": True}
    return {
        "accounts": Subgraph(
            sdl("authorization", "accounts"),
            {**{f"Query.{name}": value for name, value in roots.items()}, **mutations},
            {"User": lambda _rep: USER, "Product": lambda _rep: PRODUCT},
        ),
        "pricing": Subgraph(
            sdl("authorization", "pricing"),
            references={
                "Product": lambda rep: {
                    "__typename": "Product",
                    "margin": (rep.get("cost") or -9) + 1,
                    "stock": 4,
                    **rep,
                },
                "User": lambda rep: {"__typename": "User", "discount": 10, "points": 2, **rep},
            },
        ),
    }


@asynccontextmanager
async def graph(**settings: Any) -> AsyncIterator[Federation]:
    async with (
        serve(key_server) as keys,
        federation("authorization", subgraphs(), {"authentication": authentication(keys), **settings}) as served,
    ):
        yield served


def bearer(**claims: Any) -> Mapping[str, str]:
    return {"authorization": f"Bearer {access_token(**claims)}"}


def refusals(answer: Any, code: str = "UNAUTHENTICATED") -> list[list[str | int]]:
    """The paths of the errors, all of which carry `code`."""
    assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= {code}
    return [error["path"] for error in answer.get("errors", ())]


def asked(served: Federation) -> str:
    """All documents and variables that subgraphs were sent."""
    return str([subgraph.requests for subgraph in served.subgraphs.values()])


async def test_a_refused_root_field_is_null_and_reaches_no_subgraph() -> None:
    async with graph() as served:
        answer = await served.ask("{ me { name } }")
        assert answer["data"] == {"me": None}
        assert answer["errors"] == [
            {
                "message": "Sign in to see this part of the answer.",
                "path": ["me"],
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
        assert served.counts == {}


@pytest.mark.parametrize(
    "query",
    [
        "{ mine: me { name } motd }",
        "query { ...F } fragment F on Query { mine: me { name } motd }",
        "{ ... { mine: me { n: name } } ... on Query { motd } }",
        "query($yes: Boolean = true) { mine: me @include(if: $yes) { name } motd }",
    ],
)
async def test_no_spelling_gets_around_a_rule(query: str) -> None:
    async with graph() as served:
        answer = await served.ask(query)
        assert answer["data"] == {"mine": None, "motd": "hello"}
        assert refusals(answer) == [["mine"]]
        assert "me{" not in asked(served)


async def test_who_is_signed_in_sees_what_asks_for_no_more() -> None:
    async with graph() as served:
        answer = await served.ask("{ me { name email } colour report }", headers=bearer())
        assert answer["data"] == {"me": {"name": "Ada", "email": None}, "colour": "RED", "report": None}
        assert refusals(answer, "FORBIDDEN_FIELD") == [["me", "email"], ["report"]]
        assert "email" not in asked(served)
        assert "report" not in asked(served)


@pytest.mark.parametrize(
    ("claims", "seen"),
    [
        ({"scope": "a b"}, True),
        ({"scope": "c"}, True),
        ({"scopes": ["x", "c"]}, True),
        ({"scp": ["b", "a"]}, True),
        ({"scope": "a"}, False),
        ({"scope": "a,b"}, False),
        ({"scopes": [["c"]]}, False),
        ({"policies": ["c"]}, False),
    ],
)
async def test_scopes_are_alternatives_of_what_must_all_be_there(claims: dict[str, Any], seen: bool) -> None:
    async with graph() as served:
        answer = await served.ask("{ report }", headers=bearer(**claims))
        assert answer["data"] == {"report": "report" if seen else None}
        assert served.counts == ({"accounts": 1} if seen else {})


async def test_policies_are_read_from_the_claims_that_are_named() -> None:
    async with graph(authorization={"policy_claims": ["roles"]}) as served:
        assert (await served.ask("{ audit }", headers=bearer(roles=["auditor"])))["data"] == {"audit": "audit"}
        assert (await served.ask("{ audit }", headers=bearer(policies=["auditor"])))["data"] == {"audit": None}


async def test_through_an_interface_each_object_is_judged_by_its_own_type() -> None:
    async with graph() as served:
        answer = await served.ask("{ people { id name } }")
        assert answer["data"] == {"people": [{"id": "u1", "name": "Ada"}, None]}
        assert refusals(answer) == [["people", 1]]
        assert "Admin" not in asked(served)
        allowed = await served.ask("{ people { id name ... on Admin { level } } }", headers=bearer(scope="admin"))
        assert allowed == {"data": {"people": [{"id": "u1", "name": "Ada"}, {"id": "a1", "name": "Root", "level": 9}]}}


@pytest.mark.parametrize(
    "selection",
    [
        "__typename",
        "t: __typename",
        "id",
        "... on Admin { level }",
        "... on Person { i: id }",
        "x: id ... on Admin { x: id }",
    ],
)
async def test_not_even_the_type_of_a_refused_object_is_told(selection: str) -> None:
    async with graph() as served:
        answer = await served.ask(f"{{ people {{ {selection} }} }}", headers=bearer())
        assert answer["data"]["people"][1] is None
        assert refusals(answer, "FORBIDDEN_FIELD") == [["people", 1]]
        assert "level" not in asked(served)
        assert "Admin" not in str(answer)


async def test_an_alias_that_covers_the_type_hides_the_field() -> None:
    async with graph() as served:
        answer = await served.ask("{ people { __typename: name id } }")
        assert answer["data"] == {"people": None}
        assert refusals(answer) == [["people"]]


async def test_a_refused_object_that_must_not_be_null_takes_its_list_along() -> None:
    async with graph() as served:
        answer = await served.ask("{ everyone { id } motd }")
        assert answer["data"] == {"everyone": None, "motd": "hello"}
        assert refusals(answer) == [["everyone", 1]]


async def test_a_refused_field_that_must_not_be_null_takes_its_object_along() -> None:
    async with graph() as served:
        answer = await served.ask("{ product { title weight } motd }")
        assert answer["data"] == {"product": None, "motd": "hello"}
        assert refusals(answer) == [["product", "weight"]]
        assert "weight" not in asked(served)


async def test_through_a_union_and_its_fragments() -> None:
    async with graph() as served:
        answer = await served.ask("{ search { ... on Admin { level } ... on Product { title cost } } }")
        assert answer["data"] == {"search": [{"title": "Nut", "cost": None}, None]}
        assert refusals(answer) == [["search", 0, "cost"], ["search", 1]]
        assert "level" not in asked(served)
        assert "cost" not in asked(served)


async def test_a_field_of_one_object_type_is_refused_there_and_open_on_the_others() -> None:
    async with graph() as served:
        answer = await served.ask("{ staff { id salary } }")
        assert answer["data"] == {"staff": [{"id": "c1", "salary": None}, {"id": "i1", "salary": 1}]}
        assert refusals(answer) == [["staff", 0, "salary"]]
        assert "Clerk" not in asked(served)


async def test_what_is_computed_from_a_refused_field_is_refused_and_neither_is_fetched() -> None:
    async with graph() as served:
        answer = await served.ask("{ product { title margin stock } }")
        assert answer["data"] == {"product": {"title": "Nut", "margin": None, "stock": 4}}
        assert refusals(answer) == [["product", "margin"]]
        assert "cost" not in asked(served)
        assert "margin" not in asked(served)
        assert (await served.ask("{ product { margin } }", headers=bearer(scope="cost")))["data"] == {
            "product": {"margin": 8}
        }


async def test_a_field_that_only_refused_fields_stand_below_still_tells_whether_it_is_there() -> None:
    async with graph() as served:
        answer = await served.ask("{ product { cost } }")
        assert answer["data"] == {"product": {"cost": None}}
        assert served.counts == {"accounts": 1}


async def test_values_of_a_protected_enum_are_refused() -> None:
    async with graph() as served:
        assert refusals(await served.ask("{ colour motd }")) == [["colour"]]
        assert "colour" not in asked(served)


async def test_a_refused_mutation_does_nothing() -> None:
    async with graph() as served:
        answer = await served.ask("mutation { purge touch }", headers=bearer())
        assert answer["data"] == {"purge": None, "touch": True}
        assert refusals(answer, "FORBIDDEN_FIELD") == [["purge"]]
        assert "purge" not in asked(served)


async def test_an_operation_of_nothing_but_refused_fields_is_answered_here() -> None:
    async with graph() as served:
        for operation in ("mutation { purge }", "{ audit report }"):
            answer = await served.ask(operation)
            assert set(answer["data"].values()) == {None}
            assert len(refusals(answer)) == len(answer["data"])
            assert served.counts == {}


async def test_a_skipped_field_is_not_refused_either() -> None:
    async with graph() as served:
        answer = await served.ask("query($no: Boolean!) { motd me @include(if: $no) { name } }", {"no": False})
        assert answer == {"data": {"motd": "hello"}}


async def test_plans_are_kept_for_the_grants_that_matter_and_never_mixed_up() -> None:
    async with graph() as served:
        plain, rich = bearer(scope="unrelated"), bearer(scope="cost email")
        query = "{ product { cost } }"
        for headers, cost in ((None, None), (rich, 7), (plain, None), (rich, 7), (None, None)):
            assert (await served.ask(query, headers=headers))["data"] == {"product": {"cost": cost}}


async def test_introspection_stays_open() -> None:
    async with graph() as served:
        answer = await served.ask('{ __typename __type(name: "Admin") { name } me { id } }')
        assert answer["data"] == {"__typename": "Query", "__type": {"name": "Admin"}, "me": None}
