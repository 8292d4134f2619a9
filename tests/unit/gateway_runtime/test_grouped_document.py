"""Documents of entity fetches whose entities differ in the values of their context arguments."""

from __future__ import annotations

from graphql import parse

from gateway.executor.grouped_document import GroupedDocument
from gateway.planner.plan import ContextArgument, EntityTarget, Fetch


def fetch(document: str, *targets: EntityTarget) -> Fetch:
    return Fetch(0, "a", "query", document, 5, targets=targets)


def target(variable: str, *contexts: str) -> EntityTarget:
    return EntityTarget((), (), variable=variable, contexts=tuple(ContextArgument(name, ()) for name in contexts))


def test_a_group_has_its_own_variables_and_shares_those_of_the_client() -> None:
    document = GroupedDocument(
        fetch(
            "query($r:[_Any!]!,$c0:String,$x:Int=1){_entities(representations:$r){...on A{f(a:$c0,x:$x) g(x:$x)}}}",
            target("r", "c0"),
        )
    )

    text = document.write([(0, 0), (0, 1)])

    assert text == (
        "query($r_0:[_Any!]!,$c0_0:String,$x:Int=1,$r_1:[_Any!]!,$c0_1:String){"
        "_g0:_entities(representations:$r_0){...on A{f(a:$c0_0,x:$x) g(x:$x)}} "
        "_g1:_entities(representations:$r_1){...on A{f(a:$c0_1,x:$x) g(x:$x)}}}"
    )


def test_what_a_left_out_target_uses_is_not_defined() -> None:
    document = GroupedDocument(
        fetch(
            "query($r0:[_Any!]!,$r1:[_Any!]!,$c0:Int,$x:Int,$y:Int)"
            "{_e0:_entities(representations:$r0){...on A{f(a:$c0,x:$x)}} "
            "_e1:_entities(representations:$r1){...on A{g(y:$y)}}}",
            target("r0", "c0"),
            target("r1"),
        )
    )

    assert document.write([(1, 3)]) == (
        "query($r1_3:[_Any!]!,$y:Int){_g3:_entities(representations:$r1_3){...on A{g(y:$y)}}}"
    )


def test_text_that_looks_like_a_variable_stays_as_it_is() -> None:
    document = GroupedDocument(
        fetch(
            'query($r:[_Any!]!,$c0:Int){_entities(representations:$r){...on A{f(a:$c0,b:"$c0",c:{c0:"$r"})}}}',
            target("r", "c0"),
        )
    )

    assert document.write([(0, 0)]).endswith('{...on A{f(a:$c0_0,b:"$c0",c:{c0:"$r"})}}}')


def test_no_variable_of_the_client_is_taken_for_one_of_a_group() -> None:
    document = GroupedDocument(
        fetch(
            "query($r:[_Any!]!,$c0:Int,$c0_0:Int){_entities(representations:$r){...on A{f(a:$c0,b:$c0_0)}}}",
            target("r", "c0"),
        )
    )

    text = document.write([(0, 0)])

    assert text == (
        "query($r__0:[_Any!]!,$c0__0:Int,$c0_0:Int){_g0:_entities(representations:$r__0){...on A{f(a:$c0__0,b:$c0_0)}}}"
    )
    parse(text)


def test_the_response_keys_of_a_type_are_those_that_the_variables_leave() -> None:
    document = GroupedDocument(
        fetch(
            "query($r:[_Any!]!,$c0:Int,$x:Boolean!){_entities(representations:$r){__typename "
            "...on A{f(a:$c0) b:f(a:$c0)@skip(if:$x) ...@include(if:$x){c:f(a:$c0)@skip(if:false)}} ...on B{d:g(a:$c0)}}}",
            target("r", "c0"),
        )
    )

    assert list(document.response_keys(0, {"A"}, {"x": False})) == ["f", "b"]
    assert list(document.response_keys(0, {"A"}, {"x": True})) == ["f", "c"]
    assert list(document.response_keys(0, {"B"}, {"x": True})) == ["d"]
