from __future__ import annotations

from pathlib import Path

import pytest
from graphql import print_schema

from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph

SUPERGRAPHS = sorted((Path(__file__).parents[3] / "fixtures" / "supergraphs").glob("*.graphql"))


def test_clients_see_nothing_that_is_inaccessible() -> None:
    # Given a supergraph with hidden types, fields, arguments, members and values
    supergraph = parse_supergraph("""
    enum join__Graph { A @join__graph(name: "a", url: "") }
    directive @join__type(graph: join__Graph!) on OBJECT
    directive @tag(name: String!) repeatable on FIELD_DEFINITION
    scalar join__FieldSet
    enum link__Purpose { SECURITY }
    type Query @join__type(graph: A) {
      shown(old: Int @deprecated(reason: "Gone."), hidden: Int @inaccessible, by: Hidden): [Thing!]! @tag(name: "x")
      secret: Int @inaccessible
      hiddenOnes: [[Hidden!]!]
    }
    input Hidden @inaccessible { a: Int }
    union Thing = Rock | Ghost
    type Rock implements Solid { weight: Int }
    type Ghost @inaccessible { boo: Int }
    interface Solid @inaccessible { weight: Int }
    enum Size { SMALL HUGE @inaccessible }
    scalar Url @specifiedBy(url: "https://url.spec.whatwg.org/")
    """)

    # When its API schema is built, then it reads
    assert (
        print_schema(build_api_schema(supergraph))
        == """type Query {
  shown(old: Int @deprecated(reason: "Gone.")): [Thing!]!
}

union Thing = Rock

type Rock {
  weight: Int
}

enum Size {
  SMALL
}

scalar Url @specifiedBy(url: "https://url.spec.whatwg.org/")"""
    )


@pytest.mark.parametrize("path", SUPERGRAPHS, ids=lambda path: path.stem)
def test_no_machinery_of_composition_is_left(path: Path) -> None:
    text = print_schema(build_api_schema(parse_supergraph(path.read_text())))

    assert "join__" not in text
    assert "link__" not in text
    assert "inaccessible" not in text
