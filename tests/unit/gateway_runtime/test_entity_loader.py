from __future__ import annotations

from typing import Any

import orjson

from gateway.executor.entity_loader import collect_entities, merge_entities, rename_results, request_body
from gateway.executor.merge import operation_in, shape_below
from gateway.planner.plan import EntityTarget, Items, OnTypes, Rename, Representation, RepresentationField

PRODUCT = Representation(
    on_types=frozenset({"Product"}), fields=(RepresentationField("id", "id"),), keys=frozenset({"id"})
)
CONCRETE = frozenset({"Product", "Book", "Film"})


def target(
    *representations: Representation, path: tuple[Any, ...] = ("products", Items()), **more: Any
) -> EntityTarget:
    return EntityTarget(paths=(path,), representations=representations, **more)


def product(identity: object) -> dict[str, Any]:
    return {"__typename": "Product", "id": identity}


def test_equal_objects_are_sent_once_and_answered_everywhere() -> None:
    tree = {"products": [product("1"), product("2"), product("1")]}

    batch = collect_entities(tree, target(PRODUCT))
    merge_entities(
        batch,
        [{"box": {"size": 1}}, {"box": {"size": 2}}],
        shape_below(operation_in("{box{size}}").selection_set),
        CONCRETE,
        leaves_only=False,
    )

    assert batch.representations == [b'{"__typename":"Product","id":"1"}', b'{"__typename":"Product","id":"2"}']
    assert [item["box"]["size"] for item in tree["products"]] == [1, 2, 1]
    assert tree["products"][0]["box"] is not tree["products"][2]["box"]


def test_null_keys_missing_keys_and_nulls_on_the_way_are_left_out() -> None:
    tree = {"products": [product(None), {"__typename": "Product"}, None, product("3")]}
    assert collect_entities(tree, target(PRODUCT)).representations == [b'{"__typename":"Product","id":"3"}']


def test_a_required_null_stays_null_and_a_missing_one_is_omitted() -> None:
    spec = Representation(
        on_types=frozenset({"Product"}),
        fields=(
            RepresentationField("id", "id"),
            RepresentationField("weight", "weight"),
            RepresentationField("w", "w"),
        ),
        keys=frozenset({"id"}),
    )
    tree = {"products": [{**product("1"), "weight": None}]}
    batch = collect_entities(tree, target(spec))
    assert batch.representations == [b'{"__typename":"Product","id":"1","weight":null}']


def test_aliased_sources_nested_keys_and_lists_keep_the_subgraphs_names() -> None:
    spec = Representation(
        on_types=frozenset({"Product"}),
        fields=(
            RepresentationField("id", "_k0"),
            RepresentationField("parts", "parts", (RepresentationField("sku", "_k1"),)),
        ),
        keys=frozenset({"id"}),
    )
    tree = {"products": [{"__typename": "Product", "_k0": 7, "parts": [{"_k1": "a", "x": 1}, None]}]}
    batch = collect_entities(tree, target(spec))
    assert batch.representations == [b'{"__typename":"Product","id":7,"parts":[{"sku":"a"},null]}']


def test_an_object_whose_key_lacks_something_within_is_not_sent() -> None:
    # Given a key below a field that is also there for the client, where a condition left out what the key needs
    spec = Representation(
        on_types=frozenset({"Product"}),
        fields=(RepresentationField("tag", "tag", (RepresentationField("name", "name"),)),),
        keys=frozenset({"tag"}),
    )
    tree = {
        "products": [{"__typename": "Product", "tag": {"size": 1}}, {"__typename": "Product", "tag": {"name": "n"}}]
    }

    assert collect_entities(tree, target(spec)).representations == [b'{"__typename":"Product","tag":{"name":"n"}}']


def test_an_interface_object_is_sent_under_the_interfaces_name() -> None:
    spec = Representation(
        on_types=frozenset({"Book", "Film"}),
        fields=(RepresentationField("id", "id"),),
        keys=frozenset({"id"}),
        typename="Media",
    )
    tree = {"media": {"__typename": "Film", "id": "9"}}
    assert collect_entities(tree, target(spec, path=("media",))).representations == [b'{"__typename":"Media","id":"9"}']


def test_a_path_goes_on_only_for_the_types_it_names() -> None:
    tree = {"media": [{"__typename": "Book", "p": product("1")}, {"__typename": "Film", "p": product("2")}]}
    path = ("media", Items(), OnTypes(frozenset({"Film"})), "p")
    assert collect_entities(tree, target(PRODUCT, path=path)).representations == [b'{"__typename":"Product","id":"2"}']


def test_a_null_entity_adds_nothing_and_an_alias_gets_its_name_back() -> None:
    tree = {"products": [product("1"), product("2")]}
    rename = Rename(path=(), alias="_a0", name="title", on_types=frozenset({"Product"}))
    batch = collect_entities(tree, target(PRODUCT, renames=(rename,)))

    results = [None, {"_a0": "Two"}]
    rename_results(batch, results)
    merge_entities(batch, results, shape_below(operation_in("{title}").selection_set), CONCRETE, leaves_only=True)

    assert tree == {"products": [product("1"), {**product("2"), "title": "Two"}]}


def test_a_body_carries_used_variables_and_each_targets_representations() -> None:
    tree = {"products": [product("1")]}
    first = collect_entities(tree, target(PRODUCT, alias="_e0", variable="r0"))
    second = collect_entities(tree, target(PRODUCT, path=("nowhere",), alias="_e1", variable="r1"))

    body = request_body(b'{"query":"x","variables":{', {"n": 1}, [first, second])

    assert orjson.loads(body) == {
        "query": "x",
        "variables": {"n": 1, "r0": [{"__typename": "Product", "id": "1"}], "r1": []},
    }


def test_what_only_python_takes_for_equal_is_told_apart() -> None:
    tree = {"products": [product(1), product(True), product(1.0), product(1)]}

    batch = collect_entities(tree, target(PRODUCT))

    assert batch.representations == [b'{"__typename":"Product","id":%b}' % text for text in (b"1", b"true", b"1.0")]
    assert [len(places) for places in batch.places] == [2, 1, 1]


def test_leaves_fill_every_place_and_replace_no_value_by_null() -> None:
    tree = {"products": [product("1"), {**product("1"), "name": "known", "price": None}]}
    batch = collect_entities(tree, target(PRODUCT))

    merge_entities(
        batch,
        [{"name": None, "price": 3}],
        shape_below(operation_in("{name price}").selection_set),
        CONCRETE,
        leaves_only=True,
    )

    assert tree["products"][0] == {**product("1"), "name": None, "price": 3}
    assert tree["products"][1] == {**product("1"), "name": "known", "price": 3}
