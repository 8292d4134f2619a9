"""Reviews from delivery to rating, on a real Postgres and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.servers import DomainDatabase
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test

SUBMIT = """mutation($input: SubmitReviewInput!) {
  submitReview(input: $input) { review { id status rating } userErrors { code field message } }
}"""
MODERATE = """mutation($input: ModerateReviewInput!) {
  moderateReview(input: $input) { review { id status } userErrors { code } }
}"""
MODERATOR = Actor(user_id=new_id(), roles=frozenset({Role.SUPPORT}))


@pytest.fixture(scope="module")
async def reviews(database_for: Callable[[str], DomainDatabase], redis_url: str) -> AsyncIterator[SubgraphUnderTest]:
    async with subgraph_under_test("reviews", database_for("reviews"), redis_url) as subgraph:
        yield subgraph


def a_buyer() -> Actor:
    return Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER}))


def a_review_of(product_id: str, *, rating: int = 5, key: str | None = None) -> dict[str, Any]:
    return {
        "input": {"idempotencyKey": key or str(new_id()), "productId": product_id, "rating": rating, "title": "Good"}
    }


async def test_a_delivery_told_twice_gives_one_right(reviews: SubgraphUnderTest) -> None:
    # given one delivery
    line = {"line_id": str(new_id()), "product_id": str(new_id()), "variant_id": str(new_id()), "quantity": 1}
    delivery = {
        "order_group_id": str(new_id()),
        "order_id": str(new_id()),
        "buyer_id": str(new_id()),
        "seller_id": str(new_id()),
        "delivered_at": reviews.now(),
        "lines": [line],
    }
    # when the event comes twice, and the same is told by another event
    event_id = new_id()
    for told in (event_id, event_id, new_id()):
        await reviews.deliver("order.delivered", delivery, event_id=told)
    # then the line is known once
    rows = await reviews.rows("SELECT product_id FROM delivered_line WHERE line_id = :l", l=line["line_id"])
    assert [str(row["product_id"]) for row in rows] == [line["product_id"]]


async def deliver_order(
    reviews: SubgraphUnderTest, buyer: Actor, product_id: str, seller_id: str | None = None
) -> None:
    line = {"line_id": str(new_id()), "product_id": product_id, "variant_id": str(new_id()), "quantity": 1}
    await reviews.deliver(
        "order.delivered",
        {
            "order_group_id": str(new_id()),
            "order_id": str(new_id()),
            "buyer_id": str(buyer.user_id),
            "seller_id": seller_id or str(new_id()),
            "delivered_at": reviews.now(),
            "lines": [line],
        },
    )


async def publish_review(reviews: SubgraphUnderTest, product_id: str, rating: int, seller_id: str | None = None) -> str:
    buyer = a_buyer()
    await deliver_order(reviews, buyer, product_id, seller_id)
    submitted = await reviews.data(SUBMIT, a_review_of(product_id, rating=rating), actor=buyer)
    review_id: str = submitted["submitReview"]["review"]["id"]
    decision = {"idempotencyKey": str(new_id()), "reviewId": review_id, "verdict": "PUBLISH"}
    moderated = await reviews.data(MODERATE, {"input": decision}, actor=MODERATOR)
    assert moderated["moderateReview"]["userErrors"] == []
    return review_id


async def test_a_review_without_a_delivered_line_is_refused(reviews: SubgraphUnderTest) -> None:
    # given a product that nobody received
    product_id = str(new_id())
    # when somebody reviews it
    answer = await reviews.data(SUBMIT, a_review_of(product_id), actor=a_buyer())
    # then the refusal names the field and nothing is kept
    assert answer["submitReview"]["review"] is None
    assert answer["submitReview"]["userErrors"] == [
        {
            "code": "PRODUCT_NOT_RECEIVED",
            "field": ["productId"],
            "message": "Only a buyer who has received this product may review it.",
        }
    ]
    assert await reviews.rows("SELECT 1 FROM review WHERE product_id = :p", p=product_id) == []


async def test_a_published_review_counts_into_the_ratings_and_is_told(reviews: SubgraphUnderTest) -> None:
    # given two buyers who received a product
    product_id, seller_id = str(new_id()), str(new_id())
    # when both reviews are published
    await publish_review(reviews, product_id, 5, seller_id)
    review_id = await publish_review(reviews, product_id, 4, seller_id)
    # then product and seller show the exact figures
    found = await reviews.entities(
        "... on Product { rating { count average } reviews(first: 1) { totalCount edges { node { id rating } } } }"
        "... on Seller { rating { count average } }",
        {"__typename": "Product", "id": product_id},
        {"__typename": "Seller", "id": seller_id},
    )
    assert found == [
        {
            "rating": {"count": 2, "average": 4.5},
            "reviews": {"totalCount": 2, "edges": [{"node": {"id": review_id, "rating": 4}}]},
        },
        {"rating": {"count": 2, "average": 4.5}},
    ]
    # and the event carries the sums
    published = [e for e in await reviews.events("review.published") if e["payload"]["review_id"] == review_id]
    assert [(e["aggregate_version"], e["payload"]["product_rating"]) for e in published] == [
        (2, {"count": 2, "sum": 9, "version": 2})
    ]


async def test_the_same_key_submits_once_and_other_input_with_it_is_an_error(reviews: SubgraphUnderTest) -> None:
    # given a review that was submitted with a key
    product_id, buyer, key = str(new_id()), a_buyer(), str(new_id())
    await deliver_order(reviews, buyer, product_id)
    first = await reviews.data(SUBMIT, a_review_of(product_id, key=key), actor=buyer)
    # when the request is repeated with an emptied Redis, and then with other stars
    await reviews.resources.redis.flushall()
    again = await reviews.data(SUBMIT, a_review_of(product_id, key=key), actor=buyer)
    other = await reviews.execute(SUBMIT, a_review_of(product_id, rating=1, key=key), actor=buyer)
    # then there is one review, the same answer, and a coded error
    assert again == first
    assert other["errors"][0]["extensions"] == {"code": "IDEMPOTENCY_KEY_REUSED"}
    assert await reviews.rows("SELECT rating FROM review WHERE product_id = :p", p=product_id) == [{"rating": 5}]


async def test_the_same_product_reviewed_twice_at_once_is_one_review(reviews: SubgraphUnderTest) -> None:
    # given a buyer who received a product
    product_id, buyer = str(new_id()), a_buyer()
    await deliver_order(reviews, buyer, product_id)
    # when two reviews with keys of their own come at once
    answers = await asyncio.gather(*[reviews.data(SUBMIT, a_review_of(product_id), actor=buyer) for _ in range(2)])
    # then one is kept and the other is refused by its code
    codes = sorted([error["code"] for error in answer["submitReview"]["userErrors"]] for answer in answers)
    assert codes == [[], ["ALREADY_REVIEWED"]]
    assert len(await reviews.rows("SELECT 1 FROM review WHERE product_id = :p", p=product_id)) == 1


async def test_only_a_published_review_is_answered_and_nobody_decides_about_their_own(
    reviews: SubgraphUnderTest,
) -> None:
    # given a pending review by a member of staff
    product_id, seller_id = str(new_id()), new_id()
    author = Actor(user_id=new_id(), roles=frozenset({Role.CUSTOMER, Role.SUPPORT}))
    seller = Actor(user_id=new_id(), roles=frozenset({Role.SELLER}), seller_id=seller_id)
    await deliver_order(reviews, author, product_id, str(seller_id))
    review_id = (await reviews.data(SUBMIT, a_review_of(product_id), actor=author))["submitReview"]["review"]["id"]
    # when the seller answers and the author publishes
    reply = "mutation($input: ReplyToReviewInput!) { replyToReview(input: $input) { userErrors { code } } }"
    answer = {"idempotencyKey": str(new_id()), "reviewId": review_id, "text": "Thank you"}
    decision = {"idempotencyKey": str(new_id()), "reviewId": review_id, "verdict": "PUBLISH"}
    answered = await reviews.data(reply, {"input": answer}, actor=seller)
    decided = await reviews.data(MODERATE, {"input": decision}, actor=author)
    # then both are refused and the review is as it was
    assert answered["replyToReview"]["userErrors"] == [{"code": "REVIEW_NOT_PUBLISHED"}]
    assert decided["moderateReview"]["userErrors"] == [{"code": "OWN_REVIEW"}]
    rows = await reviews.rows("SELECT status, reply FROM review WHERE product_id = :p", p=product_id)
    assert rows == [{"status": "PENDING", "reply": None}]


async def test_a_pending_review_is_seen_by_its_author_and_staff_only(reviews: SubgraphUnderTest) -> None:
    # given a pending review
    product_id, buyer = str(new_id()), a_buyer()
    await deliver_order(reviews, buyer, product_id)
    submitted = await reviews.data(SUBMIT, a_review_of(product_id), actor=buyer)
    review_id = submitted["submitReview"]["review"]["id"]
    # when each kind of actor asks for it
    query = "query($id: ID!) { review(id: $id) { id } }"
    seen = [
        (await reviews.data(query, {"id": review_id}, actor=actor))["review"]
        for actor in (buyer, MODERATOR, a_buyer(), Actor())
    ]
    # then row-level security hides it from the others
    assert seen == [{"id": review_id}, {"id": review_id}, None, None]


async def test_a_buyer_may_not_moderate(reviews: SubgraphUnderTest) -> None:
    decision = {"idempotencyKey": str(new_id()), "reviewId": str(new_id()), "verdict": "PUBLISH"}
    answer = await reviews.execute(MODERATE, {"input": decision}, actor=a_buyer())
    assert answer["errors"][0]["extensions"] == {"code": "FORBIDDEN"}


async def test_ratings_of_twenty_products_cost_one_statement(reviews: SubgraphUnderTest) -> None:
    # given twenty products
    references = [{"__typename": "Product", "id": str(new_id())} for _ in range(20)]
    reviews.reset_statements()
    # when their ratings are asked for as entities
    found = await reviews.entities("... on Product { rating { count } }", *references)
    # then all come from one statement
    assert found == [{"rating": {"count": 0}}] * 20
    assert len(reviews.statements) == 1
