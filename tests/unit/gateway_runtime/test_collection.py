from __future__ import annotations

from typing import Any

import pytest

from gateway.executor.collection import Path, compile_collection, shared_paths
from gateway.planner.plan import EntityTarget, Fetch, Items, OnTypes, Representation, RepresentationField

PRODUCTS = ("products", Items())
OFFERS = ("offers", Items(), "product")
MAKERS = ("offers", Items(), "product", "maker")
PRODUCTS_ONLY, MAKERS_ONLY = OnTypes(frozenset({"Product"})), OnTypes(frozenset({"Maker"}))
PRODUCT = Representation(frozenset({"Product"}), (RepresentationField("id", "id"),), frozenset({"id"}))
MAKER = Representation(frozenset({"Maker"}), (RepresentationField("id", "id"),), frozenset({"id"}))
PRICED = Representation(
    frozenset({"Product"}), (RepresentationField("id", "id"), RepresentationField("price", "_p")), frozenset({"id"})
)


def product(identity: object, **more: object) -> dict[str, Any]:
    return {"__typename": "Product", "id": identity, **more}


def maker(number: str) -> dict[str, Any]:
    return {"__typename": "Maker", "id": f"m{number}"}


def collected(
    tree: dict[str, Any], spec: Representation, *paths: Path, shared: bool = True, through: tuple[Path, ...] = ()
) -> tuple[list[str], list[list[dict[str, Any]]], bool]:
    collection = compile_collection(
        EntityTarget(paths, (spec,)), dict.fromkeys(paths + through, "id") if shared else {}
    )
    batch, whole = collection.walk(tree)
    return [representation.decode() for representation in batch.representations], batch.places, whole


def test_objects_that_are_nothing_but_their_key_become_one() -> None:
    tree = {"offers": [{"product": product("1")}, {"product": product("2")}, {"product": product("1")}]}

    representations, places, whole = collected(tree, PRODUCT, OFFERS)

    first, _, third = (offer["product"] for offer in tree["offers"])
    assert representations == ['{"__typename":"Product","id":"1"}', '{"__typename":"Product","id":"2"}']
    assert first is third
    assert [len(group) for group in places] == [1, 1]
    assert whole


def test_an_object_that_has_something_else_stays_itself() -> None:
    tree = {"products": [product("1"), product("1", name="known"), product("1")]}

    _, places, _ = collected(tree, PRODUCT, PRODUCTS)

    first, second, third = tree["products"]
    assert first is third
    assert [place is here for place, here in zip(places[0], (first, second), strict=True)] == [True, True]


def test_objects_that_are_equal_in_all_that_is_in_them_become_one_with_it() -> None:
    tree = {"offers": [{"product": product(key, maker=maker(key), price=5)} for key in ("1", "2", "1")]}

    representations, places, _ = collected(tree, MAKER, MAKERS, through=(OFFERS,))

    first, second, third = (offer["product"] for offer in tree["offers"])
    assert first is third
    assert representations == ['{"__typename":"Maker","id":"m1"}', '{"__typename":"Maker","id":"m2"}']
    assert [[id(place) for place in group] for group in places] == [[id(first["maker"])], [id(second["maker"])]]


@pytest.mark.parametrize("other", [True, 1.0, "1", None, [1]])
def test_a_difference_anywhere_below_keeps_objects_apart(other: object) -> None:
    tree = {"offers": [{"product": product("1", maker={**maker("1"), "rank": rank})} for rank in (1, other, 1)]}

    _, places, _ = collected(tree, MAKER, MAKERS, through=(OFFERS,))

    first, second, third = (offer["product"] for offer in tree["offers"])
    assert first is third
    assert [id(place) for place in places[0]] == [id(first["maker"]), id(second["maker"])]
    assert second["maker"]["rank"] is other


def test_one_object_at_many_places_is_looked_into_once() -> None:
    odd = product("1", maker={**maker("1"), "rank": 2})
    tree = {"offers": [{"product": product("1", maker=maker("1"))}, {"product": odd}, {"product": odd}]}

    _, places, _ = collected(tree, MAKER, MAKERS, through=(OFFERS,))

    assert [id(place) for place in places[0]] == [id(tree["offers"][0]["product"]["maker"]), id(odd["maker"])]


@pytest.mark.parametrize("paths", [((*OFFERS, PRODUCTS_ONLY),), ((*OFFERS, PRODUCTS_ONLY), (*OFFERS, MAKERS_ONLY))])
def test_objects_that_are_told_apart_by_their_type_become_one_too(paths: tuple[Path, ...]) -> None:
    tree = {
        "offers": [{"product": product(key, price=price)} for key, price in (("1", 5), ("2", 5), ("1", 5), ("1", 6))]
    }

    representations, places, whole = collected(tree, PRODUCT, *paths, through=(OFFERS,))

    first, second, third, odd = (offer["product"] for offer in tree["offers"])
    assert first is third
    assert representations == ['{"__typename":"Product","id":"1"}', '{"__typename":"Product","id":"2"}']
    assert [[id(place) for place in group] for group in places] == [[id(first), id(odd)], [id(second)]]
    assert whole


def test_a_type_whose_objects_became_one_hides_nothing_of_what_leads_on_from_them() -> None:
    offers: list[dict[str, Any]] = [{"product": product("1", maker=maker("1"))} for _ in range(2)]
    collection = compile_collection(
        EntityTarget(((*OFFERS, PRODUCTS_ONLY), (*OFFERS, MAKERS_ONLY)), (PRODUCT,)),
        {(*OFFERS, PRODUCTS_ONLY): "id"},
    )
    assert collection._walk is not None
    _, places, whole = collection._walk({"offers": offers})
    assert ([len(group) for group in places], whole) == ([1], True)


def test_objects_without_a_key_stay_themselves() -> None:
    tree = {"offers": [{"product": product(None, maker=maker("1"))}, {"product": product(None, maker=maker("1"))}]}

    collected(tree, MAKER, MAKERS, through=(OFFERS,))

    first, second = (offer["product"] for offer in tree["offers"])
    assert first is not second


def test_paths_that_run_together_are_walked_together() -> None:
    tree = {"offers": [{"product": product("1", maker=product("2"))}, {"product": product("1", maker=product("2"))}]}

    representations, places, _ = collected(tree, PRODUCT, MAKERS, OFFERS)

    kept = tree["offers"][0]["product"]
    assert tree["offers"][1]["product"] is kept
    assert representations == ['{"__typename":"Product","id":"1"}', '{"__typename":"Product","id":"2"}']
    assert [[id(place) for place in group] for group in places] == [[id(kept)], [id(kept["maker"])]]


def test_a_path_that_leads_nowhere_at_one_place_leads_on_at_the_others() -> None:
    offers: list[dict[str, Any]] = [{"product": product("1")}, {}, {"product": product("1")}, {"product": None}]
    tree: dict[str, Any] = {"offers": offers}

    representations, places, whole = collected(tree, PRODUCT, OFFERS)

    assert representations == ['{"__typename":"Product","id":"1"}']
    assert [len(group) for group in places] == [1]
    assert offers[0]["product"] is offers[2]["product"]
    assert whole


def test_where_objects_may_not_become_one_they_do_not() -> None:
    tree = {"products": [product("1"), product("1")]}

    _, places, _ = collected(tree, PRODUCT, PRODUCTS, shared=False)

    assert tree["products"][0] is not tree["products"][1]
    assert [len(group) for group in places] == [2]


def test_an_entity_at_two_paths_is_sent_once_and_its_objects_stay_apart() -> None:
    tree = {"products": [product("1")], "offers": [{"product": product("1")}]}

    representations, places, _ = collected(tree, PRODUCT, PRODUCTS, OFFERS)

    assert representations == ['{"__typename":"Product","id":"1"}']
    assert [len(group) for group in places] == [2]
    assert tree["products"][0] is not tree["offers"][0]["product"]


def test_what_only_python_takes_for_equal_is_told_apart_by_several_fields_too() -> None:
    tree = {"products": [product("1", _p=1), product("1", _p=True), product("1", _p=1.0), product("1", _p=1)]}

    representations, places, _ = collected(tree, PRICED, PRODUCTS)

    assert representations == [f'{{"__typename":"Product","id":"1","price":{price}}}' for price in ("1", "true", "1.0")]
    assert [len(group) for group in places] == [1, 1, 1]
    assert tree["products"][1]["_p"] is True


@pytest.mark.parametrize("spec", [PRODUCT, PRICED])
@pytest.mark.parametrize("other", [product(None, _p=1), {"__typename": "Bundle", "id": "1", "_p": 1}])
@pytest.mark.parametrize("shared", [True, False])
def test_a_null_key_and_another_type_are_left_out_and_that_is_told(
    spec: Representation, other: dict[str, Any], shared: bool
) -> None:
    tree = {"products": [other, None, product("2", _p=1)]}

    _, places, whole = collected(tree, spec, PRODUCTS, shared=shared)

    assert places == [[product("2", _p=1)]]
    assert not whole


@pytest.mark.parametrize("spec", [PRODUCT, PRICED])
@pytest.mark.parametrize("odd", ["text", 7, [], {"id": "1"}, product([])])
def test_what_is_not_as_expected_is_read_with_care(spec: Representation, odd: object) -> None:
    known = product("2", _p=1)
    tree: dict[str, Any] = {"products": [odd, known], "offers": odd}

    representations, places, whole = collected(tree, spec, PRODUCTS, OFFERS)

    assert representations[-1].startswith('{"__typename":"Product","id":"2"')
    assert places[-1] == [known]
    assert not whole


def test_known_objects_need_no_second_walk() -> None:
    tree = {"products": [product("1", _p=5), product("2", _p=6)]}
    collection = compile_collection(EntityTarget((PRODUCTS,), (PRICED,)), {})

    looked = collection.look(tree["products"], {})

    assert looked.representations == collection.walk(tree)[0].representations
    assert looked.places == [[tree["products"][0]], [tree["products"][1]]]


def test_no_names_of_the_plan_can_break_out_of_the_generated_source() -> None:
    spec = Representation(
        frozenset({"A'+x"}), (RepresentationField("a'b", "c\\'d"), RepresentationField("{e}", "%s")), frozenset()
    )
    tree = {"x'y": [{"__typename": "A'+x", "c\\'d": 1, "%s": 2}]}

    representations, _, _ = collected(tree, spec, ("x'y", Items()))

    assert representations == ['{"__typename":"A\'+x","a\'b":1,"{e}":2}']


def fetch(*paths: Path, at: Path = ()) -> Fetch:
    targets = tuple(EntityTarget((path,), (PRODUCT,)) for path in paths)
    return Fetch(id=0, subgraph="a", kind="query", document="{a}", name_offset=5, targets=targets, path=at)


BOOK, SONG = OnTypes(frozenset({"Book"})), OnTypes(frozenset({"Song"}))


HOME = ("all", Items(), SONG, "maker", "home")


@pytest.mark.parametrize(
    ("fetches", "shared"),
    [
        ([fetch(OFFERS), fetch(OFFERS), fetch(MAKERS)], {OFFERS, MAKERS}),
        # The objects of one list, and one alone, are seldom equal
        ([fetch(PRODUCTS), fetch(("maker",)), fetch((*PRODUCTS, BOOK))], set()),
        # One place, told apart by the type of what is above it
        ([fetch(("all", Items(), BOOK, "maker")), fetch(("all", Items(), SONG, "maker"))], set()),
        ([fetch(("all", Items(), "maker")), fetch(("all", Items(), SONG, "maker"))], set()),
        # What is below is told apart so
        ([fetch(("all", Items(), "maker"), HOME)], {HOME}),
        ([fetch(("all", Items(), "maker")), fetch(at=("all", Items(), BOOK, "maker"))], set()),
        # A type that is asked of the objects themselves is nothing above them
        ([fetch((*OFFERS, BOOK))], {(*OFFERS, BOOK)}),
    ],
)
def test_objects_become_one_only_where_every_fetch_takes_them_for_one(fetches: list[Fetch], shared: set[Path]) -> None:
    assert shared_paths(fetches) == dict.fromkeys(shared, "id")
