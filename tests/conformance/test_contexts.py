"""Arguments that come from an object further up: `@context` and `@fromContext`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES, Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

PAYMENTS = {
    "p1": {"id": "p1", "cents": 100},
    "p2": {"id": "p2", "cents": 250},
    "p3": {"id": "p3", "cents": 999},
}
USERS: list[dict[str, Any]] = [
    {"id": "1", "name": "Ada", "currency": "EUR", "home": {"rooms": [{"label": "hall"}, None, {"label": None}]}},
    {"id": "2", "name": "Bob", "currency": None, "home": None},
    {"id": "3", "name": "Cleo", "currency": "USD", "home": {"rooms": None}},
    {"id": "4", "name": "Dan", "currency": "EUR", "home": {"rooms": []}},
]
PAID = {"1": ["p1", "p2"], "2": ["p2"], "3": ["p1", "p3"], "4": ["p3", "p1"]}
OFFERS = [{"id": "o1"}, {"id": "o2"}]
SHOP = {"__typename": "Shop", "id": "s1", "country": "FR", "vat": 20, "offers": OFFERS}
STALL = {"__typename": "Stall", "id": "s2", "country": "IT", "fee": 5, "offers": OFFERS[:1]}
ROOT = {
    "id": "d1",
    "label": "top",
    "files": [{"id": "f1"}],
    "folders": [
        {"id": "d2", "label": "left", "files": [{"id": "f1"}, {"id": "f2"}], "folders": []},
        {"id": "d3", "label": None, "files": [{"id": "f1"}], "folders": []},
    ],
}


def amount(payment: dict[str, Any], _info: object, digits: int, currency: str | None = "unasked") -> str:
    return f"{payment['cents'] / 100:.{digits}f} {currency}"


def receipt(payment: dict[str, Any], _info: object, currency: str | None = "unasked") -> dict[str, Any]:
    return {"text": f"{payment['id']} in {currency}", "payment": payment, "lines": [{"id": "l1"}]}


def rooms(_payment: object, _info: object, labels: list[str | None] | None = None) -> int:
    return -1 if labels is None else len(labels)


def told(**arguments: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(arguments.items()))


def subgraphs() -> dict[str, Subgraph]:
    def entity(typename: str) -> Any:
        return lambda representation: {"__typename": typename, **representation}

    return {
        "accounts": Subgraph(
            sdl("context", "accounts"),
            {"Query.users": USERS},
            {
                "User": lambda rep: {"__typename": "User", **next(user for user in USERS if user["id"] == rep["id"])},
                "Payment": lambda rep: {"__typename": "Payment", **rep, "memo": f"memo of {rep['id']}"},
            },
        ),
        "payments": Subgraph(
            sdl("context", "payments"),
            {
                "Query.shops": [SHOP, STALL],
                "Query.spots": [STALL, SHOP],
                "Query.root": ROOT,
                "Query.payers": [{"id": user["id"]} for user in USERS],
                "User.payments": lambda user, _info: [PAYMENTS[each] for each in PAID[user["id"]]],
                "Payment.amount": amount,
                "Payment.receipt": receipt,
                "Payment.rooms": rooms,
                "Offer.price": lambda offer, _info, **given: f"{offer['id']} {told(**given)}",
                "Offer.charge": lambda offer, _info, **given: f"{offer['id']} {told(**given)}",
                "Line.print": lambda line, _info, **given: f"{line['id']} {told(**given)}",
                "File.path": lambda file, _info, folder=...: f"{folder}/{file['id']}",
            },
            {
                "User": entity("User"),
                "Payment": lambda rep: {"__typename": "Payment", **PAYMENTS[rep["id"]]},
                "Offer": entity("Offer"),
                "File": entity("File"),
                "Line": entity("Line"),
            },
        ),
    }


def asked(graph: Federation, subgraph: str = "payments") -> str:
    document = graph.subgraphs[subgraph].requests[-1]["query"]
    assert isinstance(document, str)
    return document


async def test_each_entity_is_asked_with_the_value_of_the_nearest_object_above() -> None:
    async with federation("context", subgraphs()) as graph:
        # When payments are asked for below users whose currency another subgraph knows
        answer = await graph.ask("{ users { payments { id amount } } }")

        # Then the same payment has another amount below another user, and null is passed on as null
        assert answer == {
            "data": {
                "users": [
                    {"payments": [{"id": "p1", "amount": "1.00 EUR"}, {"id": "p2", "amount": "2.50 EUR"}]},
                    {"payments": [{"id": "p2", "amount": "2.50 None"}]},
                    {"payments": [{"id": "p1", "amount": "1.00 USD"}, {"id": "p3", "amount": "9.99 USD"}]},
                    {"payments": [{"id": "p3", "amount": "9.99 EUR"}, {"id": "p1", "amount": "1.00 EUR"}]},
                ]
            }
        }
        # And all of them travel in one request, each payment once for each currency
        assert graph.counts == {"accounts": 1, "payments": 2}
        variables = graph.subgraphs["payments"].requests[-1]["variables"]
        assert {name: value for name, value in variables.items() if name.startswith("c")} == {
            "c0_0": "EUR",
            "c0_1": None,
            "c0_2": "USD",
        }
        assert [[rep["id"] for rep in variables[f"representations_{group}"]] for group in range(3)] == [
            ["p1", "p2", "p3"],
            ["p2"],
            ["p1", "p3"],
        ]


async def test_the_same_entity_below_others_keeps_apart_what_is_above_it_and_shares_the_rest() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ users { payments { memo amount } } }")
        assert [user["payments"][0] for user in answer["data"]["users"]] == [
            {"memo": "memo of p1", "amount": "1.00 EUR"},
            {"memo": "memo of p2", "amount": "2.50 None"},
            {"memo": "memo of p1", "amount": "1.00 USD"},
            {"memo": "memo of p3", "amount": "9.99 EUR"},
        ]
        assert graph.counts == {"accounts": 2, "payments": 2}
        (sent,) = graph.subgraphs["accounts"].requests[-1]["variables"].values()
        assert [representation["id"] for representation in sent] == ["p1", "p2", "p3"]


async def test_arguments_of_the_client_stand_beside_those_from_a_context() -> None:
    async with federation("context", subgraphs()) as graph:
        query = "query($c0: Int!) { users { payments { amount(digits: $c0) whole: amount(digits: 0) plain: amount } } }"
        answer = await graph.ask(query, {"c0": 1})
        assert answer["data"]["users"][0]["payments"][0] == {"amount": "1.0 EUR", "whole": "1 EUR", "plain": "1.00 EUR"}
        assert graph.counts == {"accounts": 1, "payments": 2}


async def test_the_contexts_of_what_a_contextual_field_returns_are_found_above_it() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ users { payments { receipt { text payment { amount } } } } }")
        first, second = answer["data"]["users"][:2]
        assert first["payments"][1] == {"receipt": {"text": "p2 in EUR", "payment": {"amount": "2.50 EUR"}}}
        assert second["payments"][0] == {"receipt": {"text": "p2 in None", "payment": {"amount": "2.50 None"}}}
        assert graph.counts == {"accounts": 1, "payments": 3}


async def test_an_object_without_a_key_that_a_contextual_field_returned_sets_a_context_in_turn() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ users { payments { receipt { lines { print } } } } }")
        assert [
            payment["receipt"]["lines"][0]["print"] for user in answer["data"]["users"] for payment in user["payments"]
        ] == [
            "l1 currency=EUR header=p1 in EUR",
            "l1 currency=EUR header=p2 in EUR",
            "l1 currency=None header=p2 in None",
            "l1 currency=USD header=p1 in USD",
            "l1 currency=USD header=p3 in USD",
            "l1 currency=EUR header=p3 in EUR",
            "l1 currency=EUR header=p1 in EUR",
        ]
        # Then one request asks for all lines, once for each pair of values
        assert graph.counts == {"accounts": 1, "payments": 3}
        assert asked(graph).count("_entities") == 6


async def test_a_nested_selection_through_a_list_becomes_a_list() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ users { payments { rooms } } }")
        assert [[payment["rooms"] for payment in user["payments"]] for user in answer["data"]["users"]] == [
            [3, 3],
            [-1],
            [-1, -1],
            [0, 0],
        ]
        variables = graph.subgraphs["payments"].requests[-1]["variables"]
        assert [variables[f"c0_{group}"] for group in range(3)] == [["hall", None, None], None, []]


async def test_a_context_is_fetched_where_the_object_above_came_from_elsewhere() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ payers { payments { amount } } }")
        assert answer["data"]["payers"][2] == {"payments": [{"amount": "1.00 USD"}, {"amount": "9.99 USD"}]}
        assert graph.counts == {"payments": 2, "accounts": 1}


async def test_an_interface_sets_a_context_for_all_its_objects() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ shops { offers { price } } }")
        assert answer == {
            "data": {
                "shops": [
                    {"offers": [{"price": "o1 country=FR"}, {"price": "o2 country=FR"}]},
                    {"offers": [{"price": "o1 country=IT"}]},
                ]
            }
        }
        assert graph.counts == {"payments": 2}


async def test_what_is_read_may_depend_on_the_type_and_several_contexts_may_meet_in_a_field() -> None:
    async with federation("context", subgraphs()) as graph:
        query = "{ spots { ... on Shop { offers { charge price } } ... on Stall { offers { charge } } } }"
        answer = await graph.ask(query)
        assert answer == {
            "data": {
                "spots": [
                    {"offers": [{"charge": "o1 country=IT rate=5"}]},
                    {
                        "offers": [
                            {"charge": "o1 country=FR rate=20", "price": "o1 country=FR"},
                            {"charge": "o2 country=FR rate=20", "price": "o2 country=FR"},
                        ]
                    },
                ]
            }
        }
        assert graph.counts == {"payments": 2}


async def test_objects_of_an_interface_are_told_apart_where_what_is_read_depends_on_it() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ shops { offers { charge } } }")
        assert answer == {
            "data": {
                "shops": [
                    {"offers": [{"charge": "o1 country=FR rate=20"}, {"charge": "o2 country=FR rate=20"}]},
                    {"offers": [{"charge": "o1 country=IT rate=5"}]},
                ]
            }
        }
        assert graph.counts == {"payments": 2}


async def test_within_a_type_nested_in_itself_the_nearest_object_counts() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask("{ root { files { path } folders { files { path } } } }")
        assert answer == {
            "data": {
                "root": {
                    "files": [{"path": "top/f1"}],
                    "folders": [
                        {"files": [{"path": "left/f1"}, {"path": "left/f2"}]},
                        {"files": [{"path": "None/f1"}]},
                    ],
                }
            }
        }
        assert graph.counts == {"payments": 2}


async def test_where_the_field_is_left_out_its_context_is_not_fetched() -> None:
    async with federation("context", subgraphs()) as graph:
        query = "query($c: Boolean!) { users { payments { id amount @include(if: $c) r: rooms @skip(if: $c) } } }"
        with_it = await graph.ask(query, {"c": True})
        assert with_it["data"]["users"][1] == {"payments": [{"id": "p2", "amount": "2.50 None"}]}
        assert graph.counts == {"accounts": 1, "payments": 2}
        without_it = await graph.ask(query, {"c": False})
        assert without_it["data"]["users"][1] == {"payments": [{"id": "p2", "r": -1}]}
        assert "amount" not in asked(graph)


async def test_where_all_entities_have_the_same_value_the_request_is_the_plan_s_own() -> None:
    async with federation("context", subgraphs(), {"pipeline": {"expose_query_plan": True}}) as graph:
        answer = await graph.ask("{ root { files { path } } }", headers={"x-query-plan": "1"})
        fetch = answer["extensions"]["queryPlan"]["fetches"][1]
        assert fetch["contexts"] == {"c0": ["root"]}
        assert asked(graph) == fetch["document"]
        assert asked(graph) == (
            "query($representations:[_Any!]!,$c0:String)"
            "{_entities(representations:$representations){...on File{path(folder:$c0)}}}"
        )


async def test_more_values_than_fit_one_request_travel_in_several() -> None:
    # Given 120 folders with labels of their own
    graphs = subgraphs()
    many = [{"id": f"d{number}", "label": f"l{number}", "files": [{"id": "f"}]} for number in range(120)]
    graphs["payments"].fields = {**graphs["payments"].fields, "Query.root": {**ROOT, "folders": many}}
    async with federation("context", graphs) as graph:
        answer = await graph.ask("{ root { folders { files { path } } } }")
        assert [folder["files"][0]["path"] for folder in answer["data"]["root"]["folders"]] == [
            f"l{number}/f" for number in range(120)
        ]
        # Then there are no more than fifty in a request
        assert graph.counts == {"payments": 4}


async def test_what_fails_in_several_requests_alike_is_one_error() -> None:
    # Given a subgraph that breaks down before 120 values are sent to it
    graphs = subgraphs()
    payments = graphs["payments"]
    many = [{"id": f"d{number}", "label": f"l{number}", "files": [{"id": "f"}]} for number in range(120)]

    def root(*_: object) -> dict[str, Any]:
        payments.broken = True
        return {**ROOT, "folders": many}

    payments.fields = {**payments.fields, "Query.root": root}
    async with federation("context", graphs) as graph:
        answer = await graph.ask("{ root { folders { id files { path } } } }")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SUBREQUEST_FAILED"]
        assert answer["data"]["root"]["folders"][7] == {"id": "d7", "files": [{"path": None}]}
        assert graph.counts == {"payments": 4}


async def test_where_the_context_cannot_be_fetched_nothing_is_asked_with_a_made_up_one() -> None:
    async with federation("context", subgraphs(), down=frozenset({"accounts"})) as graph:
        answer = await graph.ask("{ payers { payments { id receipt { text } } } }")
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["SUBGRAPH_UNAVAILABLE"]
        assert answer["data"]["payers"][1] == {"payments": [{"id": "p2", "receipt": None}]}
        assert graph.counts == {"payments": 1}


async def test_a_missing_value_for_an_argument_that_must_not_be_null_is_one_error_at_each_field(tmp_path: Path) -> None:
    # Given a supergraph whose composer let an argument that must not be null be read from a field that may be
    strict = (FIXTURES / "context" / "supergraph.graphql").read_text().replace('type: "String"', 'type: "String!"')
    path = tmp_path / "supergraph.graphql"
    path.write_text(strict)
    graphs = subgraphs()
    graphs["payments"].sdl = graphs["payments"].sdl.replace("currency: String @from", "currency: String! @from")
    async with federation("context", graphs, file=SupergraphFile(path)) as graph:
        query = """query($no: Boolean!) { users { payments {
          id rooms receipt { text } again: receipt { text } left: receipt @skip(if: $no) { text }
        } } }"""
        answer = await graph.ask(query, {"no": True})

        # Then the fields that it is for are null, and what stands beside them is there
        assert answer["errors"] == [
            {
                "message": "A value that this is computed from is missing.",
                "path": ["users", 1, "payments", 0, key],
                "extensions": {"code": "CONTEXT_VALUE_MISSING"},
            }
            for key in ("receipt", "again")
        ]
        assert answer["data"]["users"][1] == {"payments": [{"id": "p2", "rooms": -1, "receipt": None, "again": None}]}
        assert answer["data"]["users"][2]["payments"][0]["receipt"] == {"text": "p1 in USD"}
        # When the field itself must not be null, then the null goes up, with the one error
        answer = await graph.ask("{ users { name payments { amount } } }")
        assert [error["path"] for error in answer["errors"]] == [["users", 1, "payments", 0, "amount"]]
        assert answer["data"] is None


async def test_an_error_of_a_contextual_field_is_reported_at_its_own_places_alone() -> None:
    def failing(payment: dict[str, Any], _info: object, currency: str | None = None) -> Any:
        if currency == "USD" and payment["id"] == "p3":
            raise RuntimeError("no")
        return receipt(payment, _info, currency)

    graphs = subgraphs()
    graphs["payments"].fields = {**graphs["payments"].fields, "Payment.receipt": failing}
    async with federation("context", graphs) as graph:
        answer = await graph.ask("{ users { payments { receipt { text } } } }")
        assert [(error["path"], error["extensions"]["code"]) for error in answer["errors"]] == [
            (["users", 2, "payments", 1, "receipt"], "INTERNAL_SERVER_ERROR")
        ]
        assert answer["data"]["users"][3] == {
            "payments": [{"receipt": {"text": "p3 in EUR"}}, {"receipt": {"text": "p1 in EUR"}}]
        }


async def test_clients_neither_see_nor_give_an_argument_from_a_context() -> None:
    async with federation("context", subgraphs()) as graph:
        answer = await graph.ask(
            '{ __type(name: "Payment") { fields { name args { name } } } __schema { types { name } } }'
        )
        arguments = {field["name"]: field["args"] for field in answer["data"]["__type"]["fields"]}
        assert arguments["amount"] == [{"name": "digits"}]
        assert arguments["rooms"] == []
        assert not [type_ for type_ in answer["data"]["__schema"]["types"] if "ontext" in type_["name"]]
        refused = await graph.ask('{ users { payments { amount(currency: "GBP") } } }')
        assert refused["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
