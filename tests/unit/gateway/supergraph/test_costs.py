"""`@cost` and `@listSize` under every name that a composer gives them."""

from __future__ import annotations

import pytest
from graphql import parse

from gateway.errors import SupergraphError
from gateway.supergraph.costs import Costs, ListSize, read_costs
from gateway.supergraph.links import with_plain_names

LINK = "https://specs.apollo.dev/cost/v0.1"


def read(link: str, cost: str, list_size: str) -> Costs:
    text = f"""
        schema {link} {{ query: Query }}
        type Query {{ a: [Int] @{cost}(weight: 3) @{list_size}(assumedSize: 7) }}
        """
    return read_costs(with_plain_names(parse(text), text))


@pytest.mark.parametrize(
    ("link", "cost", "list_size"),
    [
        ("", "cost", "listSize"),
        (f'@link(url: "{LINK}", import: ["@cost", "@listSize"])', "cost", "listSize"),
        (f'@link(url: "{LINK}", import: [{{name: "@cost", as: "@price"}}, "@listSize"])', "price", "listSize"),
        (
            f'@link(url: "{LINK}", import: [{{name: "@cost", as: "@f__cost"}}, {{name: "@listSize", as: "@f__size"}}])',
            "f__cost",
            "f__size",
        ),
        (f'@link(url: "{LINK}")', "cost", "cost__listSize"),
        (f'@link(url: "{LINK}")', "cost__cost", "cost__listSize"),
        (f'@link(url: "{LINK}", as: "demand")', "demand", "demand__listSize"),
        (f'@link(url: "{LINK}", as: "demand")', "demand__cost", "demand__listSize"),
    ],
)
def test_both_directives_are_known_by_the_names_of_their_link(link: str, cost: str, list_size: str) -> None:
    assert read(link, cost, list_size) == Costs({"Query.a": 3}, {"Query.a": ListSize(assumed=7)})


def test_a_directive_that_only_sounds_alike_says_nothing() -> None:
    link = f'@link(url: "{LINK}", import: [{{name: "@cost", as: "@price"}}, {{name: "@listSize", as: "@size"}}])'
    assert read(link, "federation__cost", "listSize") == Costs()


def test_every_place_that_may_weigh_something_is_read() -> None:
    costs = read_costs(
        parse("""
            type Query @cost(weight: 1) {
              a(x: In @cost(weight: 2)): E @cost(weight: "3.0")
              b(page: In): [D!]
                @listSize(slicingArguments: ["page.size"], sizedFields: ["edges"], requireOneSlicingArgument: false)
            }
            interface I { c: Int @cost(weight: 4) }
            input In { size: Int @cost(weight: 5) }
            enum E @cost(weight: 6) { V }
            scalar D @cost(weight: -7)
            """)
    )
    assert costs.weights == {
        "Query": 1,
        "Query.a(x:)": 2,
        "Query.a": 3,
        "I.c": 4,
        "In.size": 5,
        "E": 6,
        "D": -7,
    }
    assert costs.list_sizes == {
        "Query.b": ListSize(None, (("page", "size"),), frozenset({"edges"}), requires_one=False)
    }


@pytest.mark.parametrize(
    "directive",
    ["@cost", '@cost(weight: "much")', "@listSize(assumedSize: true)", '@listSize(slicingArguments: "first")'],
)
def test_a_directive_that_cannot_be_read_names_its_field(directive: str) -> None:
    with pytest.raises(SupergraphError, match=r"^Query\.a: "):
        read_costs(parse(f"type Query {{ a: [Int] {directive} }}"))
