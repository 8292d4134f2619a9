"""Fields that move from one subgraph to another: at once, or for a share of the requests."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.conformance.federation import federation, sdl
from tests.conformance.subgraph import Subgraph


def override() -> dict[str, Subgraph]:
    def product(source: str) -> dict[str, str | int]:
        return {"__typename": "Product", "id": "1", "stock": 7, "price": {"old": 100, "new": 90}[source]}

    return {
        "old": Subgraph(sdl("override", "old"), {"Query.products": [product("old")]}, {"Product": product("old")}),
        "new": Subgraph(sdl("override", "new"), references={"Product": product("new")}),
    }


async def test_a_field_that_was_taken_over_is_asked_of_the_new_subgraph_alone() -> None:
    async with federation("override", override()) as graph:
        assert await graph.ask("{ products { id stock } }") == {"data": {"products": [{"id": "1", "stock": 7}]}}
        assert graph.counts == {"old": 1, "new": 1}
        assert "stock" not in graph.subgraphs["old"].requests[0]["query"]


@pytest.mark.parametrize(
    ("drawn", "price", "counts"), [(49.9, 90, {"old": 1, "new": 1}), (50.0, 100, {"old": 1})], ids=["on", "off"]
)
async def test_a_label_in_percent_is_on_for_the_requests_that_draw_less(
    monkeypatch: pytest.MonkeyPatch, drawn: float, price: int, counts: dict[str, int]
) -> None:
    # Given what is drawn for the next request
    monkeypatch.setattr("gateway.pipeline.labels._draw", lambda: drawn)

    async with federation("override", override()) as graph:
        assert await graph.ask("{ products { price } }") == {"data": {"products": [{"price": price}]}}
        assert graph.counts == counts


async def test_it_is_drawn_once_a_request_and_holds_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter([10.0, 90.0])
    monkeypatch.setattr("gateway.pipeline.labels._draw", lambda: next(draws))

    async with federation("override", override()) as graph:
        query = "{ a: products { price } b: products { price } }"
        assert await graph.ask(query) == {"data": {"a": [{"price": 90}], "b": [{"price": 90}]}}
        assert await graph.ask(query) == {"data": {"a": [{"price": 100}], "b": [{"price": 100}]}}
        assert next(draws, None) is None


async def test_of_many_requests_about_half_see_the_new_price() -> None:
    async with federation("override", override()) as graph:
        answers = [await graph.ask("{ products { price } }") for _ in range(100)]
        seen = Counter(answer["data"]["products"][0]["price"] for answer in answers)
        # One run in ten thousand million would be outside.
        assert 18 <= seen[90] <= 82
        assert seen[90] + seen[100] == 100


async def test_a_label_can_be_switched_on_by_the_configuration() -> None:
    async with federation("override", override(), {"pipeline": {"override_labels": ["percent(50)"]}}) as graph:
        answers = [await graph.ask("{ products { price } }") for _ in range(20)]
        assert answers == [{"data": {"products": [{"price": 90}]}}] * 20
