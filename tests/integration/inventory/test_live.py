"""What may be promised to buyers, watched live by anybody."""

from __future__ import annotations

from typing import Any

import pytest

from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.inventory.test_stock import Checkout, a_shop

WATCH = """subscription($ids: [ID!]!) {
  stockChanged(variantIds: $ids) { id availability { available level } } }"""
SET_THRESHOLD = """mutation($input: SetLowStockThresholdInput!) {
  setLowStockThreshold(input: $input) { userErrors { code } } }"""


def figure(variant_id: str, available: int, level: str) -> dict[str, Any]:
    return {"stockChanged": {"id": variant_id, "availability": {"available": available, "level": level}}}


async def test_anybody_sees_the_figure_of_a_watched_variant_change(inventory: SubgraphUnderTest) -> None:
    # given two variants of which one is watched
    shop = await a_shop(inventory)
    watched, other = await shop.variant(10), await shop.variant(10)
    async with inventory.subscribed(WATCH, {"ids": [watched]}) as next_data:
        # when units arrive, are held, given back, and count as few
        await shop.receive(other, 1)
        await shop.receive(watched, 5)
        seen = [await next_data()]
        checkout = Checkout(inventory, [(watched, 12), (other, 1)])
        await checkout.created()
        seen.append(await next_data())
        await checkout.expired()
        seen.append(await next_data())
        few = {"idempotencyKey": str(new_id()), "variantId": watched, "threshold": 20}
        await inventory.data(SET_THRESHOLD, {"input": few}, actor=shop.seller)
        seen.append(await next_data())
    # then each is told as it is read then, past what an earlier event has read
    assert seen == [
        figure(watched, 15, "IN_STOCK"),
        figure(watched, 3, "LOW"),
        figure(watched, 15, "IN_STOCK"),
        figure(watched, 15, "LOW"),
    ]


async def test_a_checkout_that_is_refused_tells_nothing(inventory: SubgraphUnderTest) -> None:
    shop = await a_shop(inventory)
    plenty, short = await shop.variant(10), await shop.variant(1)
    async with inventory.subscribed(WATCH, {"ids": [plenty, short]}) as next_data:
        # when a checkout asks for more than there is of one, and another comes after it
        await Checkout(inventory, [(plenty, 1), (short, 2)]).created()
        await Checkout(inventory, [(short, 1)]).created()
        # then only the second has changed anything
        assert await next_data() == figure(short, 0, "OUT")


@pytest.mark.parametrize("ids", [[], [str(new_id())] * 51, ["1"], ["\0"]], ids=["none", "51", "no UUID", "NUL"])
async def test_too_many_or_malformed_ids_are_refused(inventory: SubgraphUnderTest, ids: list[str]) -> None:
    answer = await inventory.open(WATCH, {"ids": ids})
    assert isinstance(answer, dict)
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["INVALID_INPUT"]
    assert inventory.resources.hub.open_streams == 0
