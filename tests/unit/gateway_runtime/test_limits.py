from __future__ import annotations

import pytest
from graphql import parse

from gateway.errors import RequestRefused
from gateway.security.limits import LimitsConfig, check_document, check_text


def refusal(text: str, **limits: int) -> str | None:
    """The code of the first limit a document passes, or None."""
    config = LimitsConfig(**limits)
    try:
        check_text(text, config)
        check_document(parse(text), config)
    except RequestRefused as refused:
        return refused.code if refused.status == 400 and not refused.well_formed else f"not a refusal: {refused}"
    return None


def doubling(levels: int) -> str:
    """Each fragment spreads the next one twice: 2**levels fields in a document of a few lines."""
    fragments = [f"fragment F{n} on Q {{ a {{ ...F{n + 1} }} b {{ ...F{n + 1} }} }}" for n in range(levels)]
    return "{ ...F0 } " + " ".join(fragments) + f" fragment F{levels} on Q {{ c }}"


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("{ a b c }", {"tokens": 5}, None),
        ("{ a b c d }", {"tokens": 5}, "TOKEN_LIMIT_EXCEEDED"),
        ('{ a(x: "{ not tokens ... }") } # nor { these', {"tokens": 9}, None),
        ("{ a } #\n#\n#", {"tokens": 5}, "TOKEN_LIMIT_EXCEEDED"),
        ("{ a }", {"document_characters": 5}, None),
        ("{ a } ", {"document_characters": 5}, "DOCUMENT_LIMIT_EXCEEDED"),
        ('{ a(x: """block " string""") }', {"tokens": 8}, None),
        ("{ a { b { c } } }", {"depth": 3}, None),
        ("{ a { b { c } } }", {"depth": 2}, "DEPTH_LIMIT_EXCEEDED"),
        ("{ a { ...F } } fragment F on T { b { c } }", {"depth": 3}, None),
        ("{ a { ...F } } fragment F on T { b { c } }", {"depth": 2}, "DEPTH_LIMIT_EXCEEDED"),
        ("{ a { ... on T { ... { b } } } }", {"depth": 2}, None),
        ("{ x: a y: a }", {"aliases": 2}, None),
        ("{ x: a y: a }", {"aliases": 1}, "ALIAS_LIMIT_EXCEEDED"),
        ("{ a { ...F } b { ...F } } fragment F on T { x: c }", {"aliases": 1}, "ALIAS_LIMIT_EXCEEDED"),
        ("{ a b ...F } fragment F on Q { c }", {"root_fields": 3}, None),
        ("{ a b ...F } fragment F on Q { c }", {"root_fields": 2}, "ROOT_FIELD_LIMIT_EXCEEDED"),
        ("{ a @x @y @z }", {"directives": 3}, None),
        ("{ a @x @y @z }", {"directives": 2}, "DIRECTIVE_LIMIT_EXCEEDED"),
        ("{ ...F } fragment F on Q { a }", {"fragments": 0}, "FRAGMENT_LIMIT_EXCEEDED"),
        ("{ a a a a }", {"overlaps": 6}, None),
        ("{ a a a a }", {"overlaps": 5}, "OVERLAP_LIMIT_EXCEEDED"),
        ("{ ...F } fragment F on Q { ...F a }", {}, None),
    ],
)
def test_a_limit_holds_exactly(text: str, limits: dict[str, int], code: str | None) -> None:
    assert refusal(text, **limits) == code


def test_fragments_that_double_are_counted_without_expanding_them() -> None:
    assert refusal(doubling(15), depth=60, aliases=0) is None
    assert refusal(doubling(40), depth=60) == "FIELD_LIMIT_EXCEEDED"


def test_brackets_nested_a_hundred_thousand_deep_are_refused_before_parsing() -> None:
    with pytest.raises(RequestRefused) as refused:
        check_text("{a" * 100_000, LimitsConfig(tokens=1_000_000))
    assert refused.value.code == "DEPTH_LIMIT_EXCEEDED"


def test_the_explorers_introspection_query_passes() -> None:
    of_type = "kind name ofType { " * 8 + "kind name" + " }" * 8
    text = f"{{ __schema {{ types {{ fields {{ args {{ type {{ {of_type} }} }} }} }} }} }}"
    assert refusal(text) is None
