"""Context arguments that cannot be served are refused by name when the supergraph is loaded."""

from __future__ import annotations

import pytest

from gateway.errors import SupergraphError
from gateway.pipeline.supergraph_check import read_supergraph_model

TYPES = """
enum join__Graph {{ A @join__graph(name: "a", url: "http://a") }}
type Query @join__type(graph: A) {{ user: User }}
type User @join__type(graph: A) @context(name: "a__u") {{ name: String item: Item }}
type Item @join__type(graph: A, key: "id") {{
  id: ID!
  cost{arguments}: Int @join__field(graph: A, contextArguments: [
    {{context: "{context}", name: "x", type: "{type}", selection: "{selection}"}}
  ])
}}
"""


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"context": "a__v"},
            "Item.cost(x:) (@fromContext in a) reads the context a__v, which no type sets.",
        ),
        (
            {"selection": "{ nick }"},
            "Item.cost(x:) (@fromContext in a) names the field User.nick, which does not exist.",
        ),
        ({"type": "[Int"}, 'Item.cost(x:) (@fromContext in a) has "[Int" for a type.'),
        ({"arguments": "(x: Int)"}, "Item.cost(x:) comes from a context and from clients as well."),
        ({"selection": "{ }"}, 'Item.cost: "{ }" is no selection of a context: it names no field.'),
    ],
)
def test_an_argument_that_cannot_be_read_is_refused(changed: dict[str, str], message: str) -> None:
    # Given a supergraph that is good
    good = {"context": "a__u", "type": "String", "selection": "{ name }", "arguments": ""}
    read_supergraph_model(TYPES.format(**good))

    # When one thing of it is not
    with pytest.raises(SupergraphError) as refusal:
        read_supergraph_model(TYPES.format(**{**good, **changed}))

    assert refusal.value.message == message
