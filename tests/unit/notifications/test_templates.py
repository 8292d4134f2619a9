"""What notifications say."""

from __future__ import annotations

import pytest

from subgraphs.notifications.domain.templates import WORDINGS, Template, render

EVERYTHING = {
    "order_group_id": "group-1",
    "order_id": "order-1",
    "seller_id": "seller-1",
    "amount": 1_205,
    "currency": "EUR",
    "period": "2026-11",
    "reason": "BUYER",
}


def test_every_template_has_a_wording() -> None:
    assert set(WORDINGS) == set(Template)


@pytest.mark.parametrize("template", Template)
def test_every_wording_can_be_filled(template: Template) -> None:
    # when a letter is made of everything that may be known
    letter = render(template, EVERYTHING)
    # then no place is left open and the subject is one short line
    assert "{" not in letter.title + letter.text
    assert " -" not in letter.text
    assert len(letter.title) <= 60


def test_amounts_are_shown_with_cents_and_currency() -> None:
    data = {"amount": 100_005, "currency": "EUR", "period": "2026-11"}
    assert render(Template.PAYOUT_PAID, data).text == "We have paid out 1000.05 EUR for 2026-11."


def test_a_reason_is_worded_and_a_written_one_stays_as_it_is() -> None:
    cancelled = render(Template.ORDER_CANCELLED, {"order_id": "o", "reason": "OUT_OF_STOCK"})
    suspended = render(Template.SELLER_SUSPENDED, {"reason": "Late parcels."})
    assert cancelled.text == "Your order o was cancelled: something is no longer in stock."
    assert suspended.text == "Your shop is suspended: Late parcels."


def test_a_refund_without_an_order_names_the_group() -> None:
    letter = render(Template.REFUND_SUCCEEDED, {"order_group_id": "g", "amount": 5, "currency": "EUR"})
    assert letter.text == "We have returned 0.05 EUR for your order g to your means of payment."


def test_wiped_words_leave_the_rest_of_the_sentence() -> None:
    assert render(Template.SELLER_SUSPENDED, {}).text == "Your shop is suspended: -"


def test_braces_in_a_reason_are_only_braces() -> None:
    letter = render(Template.SELLER_REJECTED, {"reason": "{amount.__class__}"})
    assert letter.text == "Your application as a seller was rejected: {amount.__class__}"


def test_a_secret_stands_as_one_word_at_the_end() -> None:
    assert render(Template.VERIFY_EMAIL, {}, "abc").text.split()[-1] == "token:abc"
