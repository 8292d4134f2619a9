"""The pure rules of accounts: sessions, seller grants, tokens, commands."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from shared.auth.actor import Role
from shared.commands import InvalidFields, validate
from shared.ids import new_id
from subgraphs.accounts.domain.commands import ChangePassword, Register, UpdateProfile, VerifyEmail
from subgraphs.accounts.domain.sessions import SESSION_LIFE, Session
from subgraphs.accounts.domain.tokens import OneTimeToken, TokenKind, account_key, new_token, token_digest
from subgraphs.accounts.domain.users import Rights, SellerGrant, UserAccount

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


def a_session() -> Session:
    return Session.start(new_id(), new_id(), token_digest("first"), NOW)


def a_registration(**changes: Any) -> dict[str, Any]:
    return {
        "idempotency_key": "key-12345",
        "email": "ada@example.test",
        "password": "long enough",
        "display_name": "Ada",
        **changes,
    }


def test_a_session_lives_thirty_days_unless_revoked() -> None:
    session = a_session()
    assert session.is_live(NOW + SESSION_LIFE - MOMENT)
    assert not session.is_live(NOW + SESSION_LIFE)
    session.revoke(NOW)
    assert not session.is_live(NOW)


def test_revoking_twice_keeps_the_first_moment() -> None:
    session = a_session()
    session.revoke(NOW)
    session.revoke(NOW + MOMENT)
    assert session.revoked_at == NOW


def test_a_rotation_spends_the_token_and_prolongs_nothing() -> None:
    session = a_session()
    spent = session.rotate(token_digest("second"), NOW + timedelta(days=1))
    assert (spent.token_hash, spent.session_id) == (token_digest("first"), session.id)
    assert (session.token_hash, session.generation) == (token_digest("second"), 2)
    assert session.expires_at == NOW + SESSION_LIFE


def test_a_spent_token_is_a_replay_only_if_it_arrived_after_the_rotation() -> None:
    spent = a_session().rotate(token_digest("second"), NOW)
    arrivals = (NOW - MOMENT, NOW, NOW + MOMENT)
    assert [spent.is_replayed(arrived_at) for arrived_at in arrivals] == [False, False, True]


@pytest.mark.parametrize(
    ("same_seller", "version", "revoked", "admitted"),
    [
        (True, 4, False, True),
        (True, 3, False, False),
        (True, 2, False, False),
        (True, 4, True, True),
        (True, 3, True, False),
        (False, 9, False, False),
        (False, 1, True, True),
    ],
)
def test_an_approval_counts_if_it_is_newer_or_replaces_a_revoked_one(
    same_seller: bool, version: int, revoked: bool, admitted: bool
) -> None:
    seller_id = new_id()
    held = SellerGrant(seller_id, version=3, revoked=revoked)
    assert held.admits(seller_id if same_seller else new_id(), version) is admitted


def test_rights_cover_what_a_token_claims_or_less() -> None:
    seller_id = new_id()
    rights = Rights(frozenset({Role.CUSTOMER, Role.SELLER}), seller_id)
    assert rights.cover(frozenset({Role.CUSTOMER}), None)
    assert rights.cover(frozenset({Role.CUSTOMER, Role.SELLER}), seller_id)
    assert not rights.cover(frozenset({Role.ADMIN}), None)
    assert not rights.cover(frozenset({Role.SELLER}), new_id())


def test_an_erased_account_keeps_its_id_alone() -> None:
    user = UserAccount(new_id(), "ada@example.test", "Ada", "pt-BR", NOW, None, 4, NOW)
    user.erase(NOW + MOMENT)
    assert (user.email, user.display_name, user.locale, user.email_verified_at) == (None, None, "en", None)
    assert user.erased_at == NOW + MOMENT


def test_an_address_is_verified_once() -> None:
    user = UserAccount(new_id(), "ada@example.test", "Ada", "en", None, None, 1, NOW)
    assert user.verify_email(NOW) is True
    assert user.verify_email(NOW + MOMENT) is False
    assert user.email_verified_at == NOW


def test_a_mailed_token_is_kept_as_its_digest_with_the_life_of_its_kind() -> None:
    lives = {}
    for kind in TokenKind:
        token, secret = OneTimeToken.issue(new_id(), kind, NOW)
        assert token.token_hash == token_digest(secret)
        lives[kind] = token.expires_at - token.created_at
    assert lives == {TokenKind.VERIFY_EMAIL: timedelta(days=3), TokenKind.RESET_PASSWORD: timedelta(hours=1)}


def test_tokens_have_256_bits() -> None:
    assert len(new_token()) == 43
    assert len({new_token() for _ in range(100)}) == 100


def test_attempts_at_an_address_count_together_however_it_is_spelled() -> None:
    assert account_key(" Ada@Example.test") == account_key("ada@example.TEST")
    assert account_key("ada@example.test") != account_key("eve@example.test")


def test_a_fingerprint_holds_no_password_and_of_a_token_the_digest() -> None:
    # given commands with secrets
    registration = validate(Register, a_registration())
    proof = validate(VerifyEmail, {"idempotency_key": "key-12345", "token": "the mailed one"})
    # when they are written down as for a fingerprint, or as text
    written = registration.model_dump(mode="json")
    # then the password is in neither, and the token as its digest
    assert written["password"] == "**********"
    assert proof.model_dump(mode="json")["token"] == token_digest("the mailed one").hex()
    assert "long enough" not in repr(registration)
    assert "the mailed one" not in repr(proof)


@pytest.mark.parametrize(("length", "valid"), [(7, False), (8, True), (128, True), (129, False)])
def test_a_new_password_has_8_to_128_characters(length: int, valid: bool) -> None:
    values = {"idempotency_key": "key-12345", "current_password": "x", "new_password": "x" * length}
    if valid:
        assert validate(ChangePassword, values).new_password.get_secret_value() == "x" * length
    else:
        with pytest.raises(InvalidFields) as caught:
            validate(ChangePassword, values)
        assert caught.value.field == ("newPassword",)


def test_what_was_typed_is_in_no_text_of_an_input_error() -> None:
    with pytest.raises(InvalidFields) as caught:
        validate(Register, a_registration(password="geheim", email="not an address"))
    cause = caught.value.__cause__
    assert isinstance(cause, ValidationError)
    assert "geheim" not in str(cause)
    assert "not an address" not in str(cause)


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@example.test", "a da@example.test", "x" * 250 + "@b.test"])
def test_what_is_no_mail_address_is_refused(email: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        validate(Register, a_registration(email=email))
    assert [problem.field for problem in caught.value.problems] == [("email",)]


def test_a_profile_change_asks_for_something() -> None:
    with pytest.raises(InvalidFields, match=r"Give a display name or a locale\."):
        validate(UpdateProfile, {"idempotency_key": "key-12345"})
