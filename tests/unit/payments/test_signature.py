"""Webhook signatures: the scheme, its tolerance, and that nothing else is believed."""

from __future__ import annotations

import pytest

from subgraphs.payments.adapters.provider import UnsignedNotice
from subgraphs.payments.adapters.signature import sign, verify

SECRET, BODY, AT = b"whsec_test", b'{"id":"evt_1"}', 1_700_000_000
DIGEST = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925"


def test_a_signature_is_the_hmac_of_time_and_body() -> None:
    # The digest of "1700000000." and the body, computed with openssl.
    assert sign(SECRET, BODY, AT) == f"t=1700000000,v1={DIGEST}"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_is_believed_for_five_minutes(seconds: int) -> None:
    verify(SECRET, BODY, sign(SECRET, BODY, AT), now=AT + seconds)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_signature_and_one_from_the_future_are_refused(seconds: int) -> None:
    with pytest.raises(UnsignedNotice, match="too long ago"):
        verify(SECRET, BODY, sign(SECRET, BODY, AT), now=AT + seconds)


def test_one_of_several_signatures_is_enough_while_a_secret_is_rolled() -> None:
    old, new = sign(b"old", BODY, AT), sign(SECRET, BODY, AT)
    verify(SECRET, BODY, f"{old},{new.partition(',')[2]}", now=AT)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "t=1700000000",
        "v1=00",
        "t=x,v1=00",
        "t=1700000000,t=1700000000,v1=00",
        "t=1700000000,v1=é",
        "t=1700000000,v0=" + "0" * 64,
    ],
)
def test_a_header_that_makes_no_sense_is_refused(header: str | None) -> None:
    with pytest.raises(UnsignedNotice):
        verify(SECRET, BODY, header, now=AT)


def test_another_body_and_another_secret_are_refused() -> None:
    with pytest.raises(UnsignedNotice, match="no matching"):
        verify(SECRET, BODY + b" ", sign(SECRET, BODY, AT), now=AT)
    with pytest.raises(UnsignedNotice, match="no matching"):
        verify(b"other", BODY, sign(SECRET, BODY, AT), now=AT)
