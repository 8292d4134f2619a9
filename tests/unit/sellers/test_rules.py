"""The rules of sellers: every step from every status, names in addresses, accounts, inputs."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import pytest

from shared.commands import Input, InvalidFields, validate
from shared.db.idempotency import fingerprint
from shared.ids import new_id
from subgraphs.sellers import events
from subgraphs.sellers.domain import commands
from subgraphs.sellers.domain.sellers import Seller, SellerStatus, Step, slug_candidates, slug_of
from subgraphs.sellers.domain.terms import CommissionRule, mask_account, normalise_account
from subgraphs.sellers.errors import InvalidSellerStatus

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
IBAN = "DE89370400440532013000"

LEADS_TO = {
    ("APPLIED", "SUBMIT"): "IN_REVIEW",
    ("CHANGES_REQUESTED", "SUBMIT"): "IN_REVIEW",
    ("IN_REVIEW", "REQUEST_CHANGES"): "CHANGES_REQUESTED",
    ("IN_REVIEW", "APPROVE"): "APPROVED",
    ("APPLIED", "REJECT"): "REJECTED",
    ("IN_REVIEW", "REJECT"): "REJECTED",
    ("CHANGES_REQUESTED", "REJECT"): "REJECTED",
    ("APPROVED", "SUSPEND"): "SUSPENDED",
    ("SUSPENDED", "REINSTATE"): "APPROVED",
    ("APPLIED", "CLOSE"): "CLOSED",
    ("IN_REVIEW", "CLOSE"): "CLOSED",
    ("CHANGES_REQUESTED", "CLOSE"): "CLOSED",
    ("APPROVED", "CLOSE"): "CLOSED",
    ("REJECTED", "CLOSE"): "CLOSED",
    ("SUSPENDED", "CLOSE"): "CLOSED",
}
"""Written out a second time, so that a change of the machine is a change of this test."""


def a_seller(status: SellerStatus) -> Seller:
    return Seller(
        id=UUID("6f1e62a0-0f0c-4a57-9a39-7f0f3ad3c001"),
        owner_id=new_id(),
        name="Ada's Mugs",
        slug="ada-s-mugs",
        description="Mugs.",
        status=status,
        version=4,
        created_at=NOW,
        approved_at=None,
    )


@pytest.mark.parametrize("status", SellerStatus)
@pytest.mark.parametrize("step", Step)
def test_each_step_leads_on_from_its_statuses_only(status: SellerStatus, step: Step) -> None:
    # given a seller that stands anywhere
    seller = a_seller(status)
    target = LEADS_TO.get((status.value, step.value))
    # when any step is taken, then it leads on as written above or changes nothing
    if target is None:
        with pytest.raises(InvalidSellerStatus) as refused:
            seller.take(step)
        assert (refused.value.code, seller.status, seller.version) == ("INVALID_SELLER_STATUS", status, 4)
    else:
        seller.take(step)
        assert (seller.status, seller.version) == (target, 5)


@pytest.mark.parametrize("status", SellerStatus)
def test_a_profile_changes_only_where_it_is_not_reviewed_suspended_or_ended(status: SellerStatus) -> None:
    seller = a_seller(status)
    if status in {SellerStatus.APPLIED, SellerStatus.CHANGES_REQUESTED, SellerStatus.APPROVED}:
        seller.change_profile(name="Ada", slug=None, description=None)
        assert (seller.name, seller.slug, seller.description, seller.version) == ("Ada", "ada-s-mugs", "Mugs.", 5)
    else:
        with pytest.raises(InvalidSellerStatus):
            seller.change_profile(name="Ada", slug=None, description=None)
        assert (seller.name, seller.version) == ("Ada's Mugs", 4)


@pytest.mark.parametrize("status", SellerStatus)
def test_only_a_seller_that_sells_takes_members(status: SellerStatus) -> None:
    seller = a_seller(status)
    if status is SellerStatus.APPROVED:
        seller.add_member()
        assert seller.version == 5
    else:
        with pytest.raises(InvalidSellerStatus):
            seller.add_member()
        assert seller.version == 4


def test_an_erased_seller_keeps_its_ids_and_nothing_that_names_it() -> None:
    seller = a_seller(SellerStatus.APPROVED)
    seller.erase(slug="closed-1")
    assert (seller.status, seller.name, seller.slug, seller.description, seller.version) == (
        SellerStatus.CLOSED,
        "Closed seller",
        "closed-1",
        "",
        5,
    )


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Ada's Mugs", "ada-s-mugs"),
        ("  Café  Zoë & Co. ", "cafe-zoe-co"),
        ("北京", "seller"),
        ("x" * 120, "x" * 80),
        ("a" * 79 + " b", "a" * 79),
    ],
)
def test_a_slug_is_made_of_the_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_the_last_slug_to_try_holds_the_whole_id_and_fits() -> None:
    seller_id = UUID("6f1e62a0-0f0c-4a57-9a39-7f0f3ad3c001")
    assert list(islice(slug_candidates("x" * 120, seller_id), 4)) == [
        "x" * 80,
        "x" * 73 + "-6f1e62",
        "x" * 47 + "-6f1e62a00f0c4a579a397f0f3ad3c001",
    ]


@pytest.mark.parametrize(
    ("given", "kept"), [("de89 3704 0044 0532 0130 00", IBAN), ("12-345-678", "12345678"), (IBAN, IBAN)]
)
def test_an_account_number_is_kept_without_its_spaces(given: str, kept: str) -> None:
    assert normalise_account(given) == kept


@pytest.mark.parametrize("given", ["12345", "DE88370400440532013000", "a b", "1" * 35, "DE89 3704/0044"])
def test_an_account_number_that_cannot_be_one_is_refused_unnamed(given: str) -> None:
    with pytest.raises(ValueError, match=r"^(An account has|The check digits)") as refused:
        normalise_account(given)
    assert given not in str(refused.value)


def test_an_account_shows_its_last_four_characters() -> None:
    assert mask_account(IBAN) == "•••• 3000"


def test_an_account_number_is_in_no_text_error_or_fingerprint_of_its_command() -> None:
    # given a command with an account number
    values = {"idempotency_key": "12345678", "seller_id": str(new_id()), "holder_name": "Ada"}
    command = validate(commands.SetPayoutAccount, values | {"account_reference": IBAN})
    # then neither its text nor what is hashed of it holds more than the end
    assert IBAN[:-4] not in repr(command)
    assert command.model_dump(mode="json")["account_reference"] == "•••• 3000"
    other = validate(commands.SetPayoutAccount, values | {"account_reference": "12343000"})
    assert fingerprint(command.model_dump(mode="json")) == fingerprint(other.model_dump(mode="json"))
    # and an invalid one is refused without being repeated
    with pytest.raises(InvalidFields) as refused:
        validate(commands.SetPayoutAccount, values | {"account_reference": "DE88370400440532013000"})
    assert [(p.field, p.message) for p in refused.value.problems] == [
        (("accountReference",), "The check digits of this IBAN are wrong.")
    ]


@pytest.mark.parametrize(
    ("model", "values", "field"),
    [
        (commands.ApplyAsSeller, {"name": " a "}, ("name",)),
        (commands.UpdateSellerProfile, {"seller_id": str(new_id()), "slug": "Not-A-Slug"}, ("slug",)),
        (commands.UpdateSellerProfile, {"seller_id": str(new_id()), "slug": "-ab"}, ("slug",)),
        (commands.SetCommissionRule, {"rate_bps": 10_001}, ("rateBps",)),
        (commands.SetCommissionRule, {"rate_bps": -1}, ("rateBps",)),
        (commands.RejectSeller, {"seller_id": str(new_id()), "reason": "  "}, ("reason",)),
        (commands.InviteMember, {"seller_id": str(new_id()), "user_id": "somebody"}, ("userId",)),
    ],
)
def test_what_is_out_of_bounds_is_refused_with_its_field(
    model: type[Input], values: dict[str, Any], field: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidFields) as refused:
        validate(model, {"idempotency_key": "12345678", **values})
    assert [problem.field for problem in refused.value.problems] == [field]


def test_a_default_rule_is_told_without_a_seller() -> None:
    rule = CommissionRule(id=new_id(), seller_id=None, rate_bps=900, version=2, effective_from=NOW, set_by=new_id())
    actor_id = new_id()
    told = events.commission_rule_changed(rule, actor_id=actor_id)
    assert (told.name, told.aggregate_id, told.aggregate_version) == ("commission_rule.changed", rule.id, 2)
    assert told.payload == {
        "rule_id": str(rule.id),
        "seller_id": None,
        "rate_bps": 900,
        "version": 2,
        "actor_id": str(actor_id),
    }
