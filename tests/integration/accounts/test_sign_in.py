"""From registration to a session and its end, on a real Postgres and Redis."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import argon2
import pytest

from shared.auth.actor import Actor, Role
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.accounts.people import (
    ME,
    PASSWORD,
    REGISTER,
    a_member_of_staff,
    a_person,
    claims_of,
    keyed,
    login,
    refresh,
    refused,
    register,
    sign_in,
)

LOGOUT = "mutation($input: LogoutInput!) { logout(input: $input) { userErrors { code } } }"
LOGOUT_ALL = "mutation($input: LogoutAllInput!) { logoutAll(input: $input) { userErrors { code } } }"
INVALID = [{"code": "INVALID_CREDENTIALS", "field": None, "message": "Address or password is wrong."}]
STALE = [{"code": "INVALID_REFRESH_TOKEN", "field": ["refreshToken"], "message": "This refresh token is not valid."}]


def codes_of(answer: Any) -> list[str]:
    return [error["code"] for error in answer["userErrors"]]


def verifications(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What argon2id is given to verify from now on: of each the kind and the costs of the hash."""
    seen: list[str] = []
    plain = argon2.PasswordHasher.verify

    def verify(self: argon2.PasswordHasher, hash: str | bytes, password: str | bytes) -> bool:
        seen.append(str(hash).rpartition("$")[0].rpartition("$")[0])
        return plain(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verify)
    return seen


async def test_a_registered_person_signs_in_and_is_me(accounts: SubgraphUnderTest) -> None:
    # given a registration
    user_id, email = await register(accounts, name="Ada Lovelace")
    # when the person signs in, with the address in other letters
    payload = await login(accounts, email.upper())
    person = await sign_in(accounts, email)
    # then the payload says who, and the token's claims are the session's
    assert payload["user"] == {"id": user_id, "email": email, "roles": ["CUSTOMER"], "seller": None}
    assert payload["expiresIn"] == 600
    claims = claims_of(payload["accessToken"])
    assert {name: claims[name] for name in ("iss", "aud", "sub", "roles")} == {
        "iss": "marketplace-accounts",
        "aud": "marketplace",
        "sub": user_id,
        "roles": ["customer"],
    }
    assert claims["exp"] - claims["iat"] == 600
    assert "scopes" not in claims
    # and me is this person, to nobody else
    assert await accounts.data(ME, actor=person.actor) == {
        "me": {
            "id": user_id,
            "displayName": "Ada Lovelace",
            "email": email,
            "emailVerified": False,
            "locale": "en",
            "roles": ["CUSTOMER"],
            "seller": None,
        }
    }
    assert await accounts.data(ME) == {"me": None}


async def test_an_address_is_taken_once_however_it_is_spelled(accounts: SubgraphUnderTest) -> None:
    # given a registered address
    _, email = await register(accounts)
    # when ten others register it at once in capitals
    answers = await asyncio.gather(
        *(accounts.data(REGISTER, keyed(email=email.upper(), password=PASSWORD, displayName="Eve")) for _ in range(10))
    )
    # then all are refused and nothing is kept of them
    assert [answer["register"] for answer in answers] == [
        {
            "user": None,
            "userErrors": [
                {"code": "EMAIL_TAKEN", "field": ["email"], "message": "There is an account with this address."}
            ],
        }
    ] * 10
    assert await accounts.rows("SELECT 1 AS one FROM user_account WHERE lower(email) = :e", e=email) == [{"one": 1}]


async def test_ten_registrations_of_a_new_address_at_once_make_one_account(accounts: SubgraphUnderTest) -> None:
    email = f"{new_id()}@example.test"
    answers = await asyncio.gather(
        *(accounts.data(REGISTER, keyed(email=email, password=PASSWORD, displayName="Ada")) for _ in range(10))
    )
    assert sum(answer["register"]["user"] is not None for answer in answers) == 1
    assert await accounts.rows("SELECT count(*) AS n FROM user_account WHERE lower(email) = :e", e=email) == [{"n": 1}]


async def test_a_key_registers_once(accounts: SubgraphUnderTest) -> None:
    # given a registration with a key
    variables = keyed(email=f"{new_id()}@example.test", password=PASSWORD, displayName="Ada")
    first = await accounts.data(REGISTER, variables)
    # when it is sent again with an emptied Redis, and then with another name
    await accounts.resources.redis.flushall()
    again = await accounts.data(REGISTER, variables)
    variables["input"]["displayName"] = "Eve"
    other = await accounts.execute(REGISTER, variables)
    # then the answer is the same, and other input is an error
    assert again == first
    assert refused(other) == "IDEMPOTENCY_KEY_REUSED"


async def test_every_fault_of_a_registration_is_named_with_its_field(accounts: SubgraphUnderTest) -> None:
    variables = keyed(email="nobody", password="short", displayName="", locale="english")
    answer = await accounts.data(REGISTER, variables)
    errors = answer["register"]["userErrors"]
    assert [(error["code"], error["field"]) for error in errors] == [
        ("INVALID_INPUT", ["email"]),
        ("INVALID_INPUT", ["password"]),
        ("INVALID_INPUT", ["displayName"]),
        ("INVALID_INPUT", ["locale"]),
    ]
    assert errors[1]["message"] == "A password has 8 to 128 characters."


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(accounts: SubgraphUnderTest) -> None:
    _, email = await register(accounts)
    wrong = await login(accounts, email, "not this one")
    unknown = await login(accounts, f"{new_id()}@example.test")
    assert wrong == unknown
    assert wrong["userErrors"] == INVALID
    assert await accounts.rows("SELECT 1 FROM session s JOIN user_account u ON u.id = s.user_id WHERE email = :e", e=email) == []  # fmt: skip  # noqa: E501


async def test_the_sixth_failure_in_a_quarter_of_an_hour_is_refused_unhashed(accounts: SubgraphUnderTest) -> None:
    # given five failures
    _, email = await register(accounts)
    for _ in range(5):
        assert (await login(accounts, email, "not this one"))["userErrors"] == INVALID
    # when a sixth attempt has even the right password
    sixth = await login(accounts, email)
    # then it is refused and not counted
    assert [error["code"] for error in sixth["userErrors"]] == ["TOO_MANY_ATTEMPTS"]
    assert sixth["accessToken"] is None
    # and a quarter of an hour later the door is open again, and forgets
    accounts.clock.advance(timedelta(minutes=15, seconds=1))
    assert (await login(accounts, email))["userErrors"] == []
    assert (await login(accounts, email, "not this one"))["userErrors"] == INVALID


async def test_twenty_guesses_at_once_are_throttled_after_five(accounts: SubgraphUnderTest) -> None:
    _, email = await register(accounts)
    answers = await asyncio.gather(*(login(accounts, email, "not this one") for _ in range(20)))
    codes = sorted(answer["userErrors"][0]["code"] for answer in answers)
    assert codes == ["INVALID_CREDENTIALS"] * 5 + ["TOO_MANY_ATTEMPTS"] * 15


async def test_the_sixth_failure_from_one_address_is_refused_whichever_accounts_it_tried(
    accounts: SubgraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given five failures from one address, at as many accounts, of which one exists
    here, elsewhere = secrets.token_bytes(32), secrets.token_bytes(32)
    _, email = await register(accounts)
    for tried in (email, *(f"{new_id()}@example.test" for _ in range(4))):
        assert (await login(accounts, tried, "not this one", client=here))["userErrors"] == INVALID
    hashed = verifications(monkeypatch)
    # when a sixth attempt from there has even the right password
    sixth = await login(accounts, email, client=here)
    # then it is refused unhashed, and the same from anywhere else is not
    assert codes_of(sixth) == ["TOO_MANY_ATTEMPTS"]
    assert hashed == []
    assert codes_of(await login(accounts, email, client=elsewhere)) == []
    # and who got in forgets the failures at this account alone: the address has four left
    assert codes_of(await login(accounts, f"{new_id()}@example.test", "x" * 8, client=here)) == ["INVALID_CREDENTIALS"]
    assert codes_of(await login(accounts, email, client=here)) == ["TOO_MANY_ATTEMPTS"]
    # and a quarter of an hour later the door is open again
    accounts.clock.advance(timedelta(minutes=15, seconds=1))
    assert codes_of(await login(accounts, email, client=here)) == []


async def test_twenty_guesses_at_once_from_one_address_are_throttled_after_five(accounts: SubgraphUnderTest) -> None:
    here = secrets.token_bytes(32)
    tried = [f"{new_id()}@example.test" for _ in range(20)]
    answers = await asyncio.gather(*(login(accounts, email, "not this one", client=here) for email in tried))
    codes = sorted(code for answer in answers for code in codes_of(answer))
    assert codes == ["INVALID_CREDENTIALS"] * 5 + ["TOO_MANY_ATTEMPTS"] * 15


async def test_a_known_and_an_unknown_account_take_the_same_work_and_end_in_the_same_answer(
    accounts: SubgraphUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = verifications(monkeypatch)
    seen = []
    _, known = await register(accounts)
    for email in (known, f"{new_id()}@example.test"):
        hashed.clear()
        for _ in range(6):
            accounts.reset_statements()
            answer = await login(accounts, email, "not this one", client=secrets.token_bytes(32))
            seen.append((email == known, answer, len(hashed), list(accounts.statements)))
    # One verification for each of five attempts, none for the sixth; the same statements, word for word.
    assert [row[2] for row in seen] == [1, 2, 3, 4, 5, 5] * 2
    assert [row[1:] for row in seen if row[0]] == [row[1:] for row in seen if not row[0]]


async def test_twenty_right_logins_at_once_all_succeed(accounts: SubgraphUnderTest) -> None:
    _, email = await register(accounts)
    answers = await asyncio.gather(*(login(accounts, email) for _ in range(20)))
    assert [answer["userErrors"] for answer in answers] == [[]] * 20


async def test_a_refresh_token_is_good_for_one_trade(accounts: SubgraphUnderTest) -> None:
    # given a session
    person = await a_person(accounts)
    # when its token is traded in twice in a row, each for the next
    second = await refresh(accounts, person.refresh_token)
    third = await refresh(accounts, second["refreshToken"])
    # then the session is the same and each token new
    assert claims_of(third["accessToken"])["sid"] == claims_of(person.access_token)["sid"]
    assert len({person.refresh_token, second["refreshToken"], third["refreshToken"]}) == 3
    assert await accounts.rows("SELECT generation FROM session WHERE id = :s", s=person.actor.session_id) == [
        {"generation": 3}
    ]


async def test_a_copy_of_a_traded_refresh_token_ends_the_family(accounts: SubgraphUnderTest) -> None:
    # given a traded refresh token, and its session known to Redis
    person = await a_person(accounts)
    successor = await refresh(accounts, person.refresh_token)
    assert (await accounts.data(ME, actor=person.actor))["me"]["id"] == person.user_id
    # when somebody shows it again
    replayed = await refresh(accounts, person.refresh_token)
    # then it is refused, its successor is dead too, and so is the access token
    assert replayed["userErrors"] == STALE
    assert (await refresh(accounts, successor["refreshToken"]))["userErrors"] == STALE
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    # and it is told once, however often the copy is shown
    await refresh(accounts, person.refresh_token)
    told = [e for e in await accounts.events("user.session_family_revoked") if str(e["aggregate_id"]) == person.user_id]
    assert [event["payload"] for event in told] == [
        {"user_id": person.user_id, "session_id": str(person.actor.session_id)}
    ]
    assert [event["aggregate_version"] for event in told] == [2]


async def test_twenty_copies_and_the_real_token_at_once_end_the_family_once(accounts: SubgraphUnderTest) -> None:
    # given a traded refresh token
    person = await a_person(accounts)
    successor = await refresh(accounts, person.refresh_token)
    # when copies of it are shown from all sides, while the client refreshes and logs out everywhere
    copies = asyncio.gather(*(refresh(accounts, person.refresh_token) for _ in range(20)))
    trade = refresh(accounts, successor["refreshToken"])
    logout = accounts.execute(LOGOUT_ALL, keyed(), actor=person.actor)
    shown, _, ended = await asyncio.gather(copies, trade, logout)
    # then no copy is good and the session is over, ended once, either way
    assert [answer["userErrors"] for answer in shown] == [STALE] * 20
    assert "errors" not in ended or refused(ended) == "UNAUTHENTICATED"
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    told = [e for e in await accounts.events("user.session_family_revoked") if str(e["aggregate_id"]) == person.user_id]
    assert len(told) <= 1


async def test_another_session_survives_the_end_of_a_family(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    elsewhere = await sign_in(accounts, person.email)
    await refresh(accounts, person.refresh_token)
    await refresh(accounts, person.refresh_token)
    assert (await refresh(accounts, elsewhere.refresh_token))["userErrors"] == []


async def test_twenty_refreshes_at_once_have_one_successor_that_lives(accounts: SubgraphUnderTest) -> None:
    # given one refresh token
    person = await a_person(accounts)
    token = person.refresh_token
    # when it is traded in twenty times at once, and so is each successor
    for _ in range(5):
        answers = await asyncio.gather(*(refresh(accounts, token) for _ in range(20)))
        # then exactly one succeeds, and racing is no theft: the successor is good
        (token,) = [answer["refreshToken"] for answer in answers if answer["refreshToken"]]
        assert [answer["userErrors"] for answer in answers if not answer["refreshToken"]] == [STALE] * 19
    assert (await refresh(accounts, token))["userErrors"] == []


async def test_an_unknown_refresh_token_is_refused(accounts: SubgraphUnderTest) -> None:
    assert (await refresh(accounts, "x" * 43))["userErrors"] == STALE


async def test_a_session_ends_after_thirty_days_however_often_it_is_refreshed(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    offset = accounts.clock.offset
    accounts.clock.advance(timedelta(days=29))
    fresh = await refresh(accounts, person.refresh_token)
    accounts.clock.advance(timedelta(days=1))
    late = await refresh(accounts, fresh["refreshToken"])
    accounts.clock.offset = offset
    assert fresh["userErrors"] == []
    assert late["userErrors"] == STALE


async def test_logging_out_ends_the_session_at_once_and_again_with_the_same_answer(accounts: SubgraphUnderTest) -> None:
    # given a session that Redis knows
    person = await a_person(accounts)
    elsewhere = await sign_in(accounts, person.email)
    await accounts.data(ME, actor=person.actor)
    # when it logs out, and the request is sent again
    variables = keyed()
    first = await accounts.data(LOGOUT, variables, actor=person.actor)
    again = await accounts.data(LOGOUT, variables, actor=person.actor)
    # then it is over, for reads, writes and refreshing, with and without Redis
    assert first == again == {"logout": {"userErrors": []}}
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    await accounts.resources.redis.flushall()
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    assert refused(await accounts.execute(LOGOUT, keyed(), actor=person.actor)) == "UNAUTHENTICATED"
    assert (await refresh(accounts, person.refresh_token))["userErrors"] == STALE
    # and the other session goes on
    assert (await accounts.data(ME, actor=elsewhere.actor))["me"]["id"] == person.user_id


async def test_logging_out_everywhere_ends_every_session(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    elsewhere = await sign_in(accounts, person.email)
    await accounts.data(LOGOUT_ALL, keyed(), actor=elsewhere.actor)
    assert [refused(await accounts.execute(ME, actor=p.actor)) for p in (person, elsewhere)] == ["UNAUTHENTICATED"] * 2


async def test_a_visitor_may_not_log_out(accounts: SubgraphUnderTest) -> None:
    assert refused(await accounts.execute(LOGOUT, keyed())) == "UNAUTHENTICATED"


async def test_a_token_for_another_users_session_is_refused(accounts: SubgraphUnderTest) -> None:
    person, other = await a_person(accounts), await a_person(accounts)
    mixed = Actor(other.actor.user_id, person.actor.session_id, frozenset({Role.CUSTOMER}))
    without = Actor(other.actor.user_id, None, frozenset({Role.CUSTOMER}))
    assert [refused(await accounts.execute(ME, actor=a)) for a in (mixed, without)] == ["UNAUTHENTICATED"] * 2


async def test_a_live_session_is_asked_of_postgres_once(accounts: SubgraphUnderTest) -> None:
    # given a session that Redis does not know
    person = await a_person(accounts)
    await accounts.resources.redis.flushall()
    # when me is asked for twice
    counts = []
    for _ in range(2):
        accounts.reset_statements()
        await accounts.data(ME, actor=person.actor)
        counts.append(len([s for s in accounts.statements if "FROM session" in s]))
    # then the second is answered from the cache
    assert counts == [1, 0]


async def test_seeding_a_user_twice_makes_one_verified_account(accounts: SubgraphUnderTest) -> None:
    # given staff, seeded
    person = await a_member_of_staff(accounts, Role.SUPPORT)
    told = [e["event_name"] for e in await accounts.events() if e["aggregate_id"] == UUID(person.user_id)]
    assert told == ["user.registered", "user.email_verified", "user.role_granted"]
    assert (await accounts.data(ME, actor=person.actor))["me"]["roles"] == ["CUSTOMER", "SUPPORT"]
