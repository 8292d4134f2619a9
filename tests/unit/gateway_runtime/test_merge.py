from __future__ import annotations

from typing import Any

from gateway.executor.merge import copy_tree, merge, operation_in, shape_below

CONCRETE = frozenset({"Book", "Film"})


def merged(into: dict[str, Any], source: dict[str, Any], document: str) -> dict[str, Any]:
    merge(into, source, shape_below(operation_in(document).selection_set), CONCRETE)
    return into


def test_a_shape_tells_objects_from_leaves() -> None:
    assert shape_below(operation_in("query($x:Int){a b:c(x:$x){d ...on E{f{g}}} ...on Query{h}}").selection_set) == {
        "a": None,
        "b": {"d": None, "f": {"g": None}},
        "h": None,
    }


def test_objects_merge_field_by_field() -> None:
    assert merged({"a": {"b": 1}}, {"a": {"c": 2}}, "{a{b c}}") == {"a": {"b": 1, "c": 2}}


def test_lists_of_objects_merge_by_index() -> None:
    got = merged({"a": [{"b": 1}, None]}, {"a": [{"c": 2}, {"c": 3}]}, "{a{b c}}")
    assert got == {"a": [{"b": 1, "c": 2}, {"c": 3}]}


def test_a_null_never_replaces_an_object() -> None:
    assert merged({"a": {"b": 1}}, {"a": None}, "{a{b}}") == {"a": {"b": 1}}


def test_a_null_is_kept_where_nothing_is_known() -> None:
    assert merged({}, {"a": None}, "{a{b}}") == {"a": None}


def test_a_json_scalar_is_replaced_and_not_merged() -> None:
    assert merged({"a": {"x": 1}}, {"a": {"y": 2}}, "{a}") == {"a": {"y": 2}}


def test_a_list_scalar_is_replaced_and_not_merged() -> None:
    assert merged({"a": [1, 2, 3]}, {"a": [4]}, "{a}") == {"a": [4]}


def test_an_interface_name_never_replaces_the_concrete_type() -> None:
    assert merged({"__typename": "Book"}, {"__typename": "Media"}, "{__typename}") == {"__typename": "Book"}
    assert merged({"__typename": "Media"}, {"__typename": "Film"}, "{__typename}") == {"__typename": "Film"}


def test_a_copy_shares_only_leaves() -> None:
    leaf = {"json": True}
    value = {"a": [{"b": 1}], "c": leaf}
    copy = copy_tree(value, shape_below(operation_in("{a{b} c}").selection_set))
    copy["a"][0]["b"] = 2
    assert value == {"a": [{"b": 1}], "c": leaf}
    assert copy["c"] is leaf
