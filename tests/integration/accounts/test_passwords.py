"""Changing and resetting a password, and proving an address, with the tokens that are mailed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from tests.integration.accounts.conftest import Keys
from tests.integration.accounts.people import (
    ME,
    PASSWORD,
    Person,
    a_person,
    keyed,
    login,
    refresh,
    refused,
    register,
    sign_in,
)

NEW = "another battery staple"
VERIFY = """mutation($input: VerifyEmailInput!) {
  verifyEmail(input: $input) { user { id } userErrors { code field } }
}"""
REQUEST = "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { userErrors { code } } }"
RESET = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) { userErrors { code field } } }"
CHANGE = """mutation($input: ChangePasswordInput!) {
  changePassword(input: $input) { user { id } userErrors { code field message } }
}"""
INVALID_TOKEN = [{"code": "INVALID_TOKEN", "field": ["token"]}]


async def told(accounts: SubgraphUnderTest, name: str, user_id: str) -> list[dict[str, Any]]:
    return [event["payload"] for event in await accounts.events(name) if str(event["aggregate_id"]) == user_id]


async def mailed_reset_token(accounts: SubgraphUnderTest, keys: Keys, person: Person) -> str:
    answer = await accounts.data(REQUEST, keyed(email=person.email))
    assert answer == {"requestPasswordReset": {"userErrors": []}}
    requested = await told(accounts, "user.password_reset_requested", person.user_id)
    return keys.unseal(requested[-1]["sealed_token"])


async def test_the_mailed_token_verifies_the_address_once(accounts: SubgraphUnderTest, keys: Keys) -> None:
    # given a registration, whose event carries address and token sealed
    user_id, email = await register(accounts)
    (registered,) = await told(accounts, "user.registered", user_id)
    assert keys.unseal(registered["sealed_email"]) == email
    token = keys.unseal(registered["sealed_verification_token"])
    # when the token is shown, twice at once and once more
    answers = await asyncio.gather(*(accounts.data(VERIFY, keyed(token=token)) for _ in range(2)))
    third = await accounts.data(VERIFY, keyed(token=token))
    # then one verifies, the others are refused, and it is told once
    outcomes = sorted((a["verifyEmail"] for a in answers), key=lambda payload: payload["user"] is None)
    assert outcomes == [
        {"user": {"id": user_id}, "userErrors": []},
        {"user": None, "userErrors": INVALID_TOKEN},
    ]
    assert third["verifyEmail"] == {"user": None, "userErrors": INVALID_TOKEN}
    assert await told(accounts, "user.email_verified", user_id) == [{"user_id": user_id}]
    person = await sign_in(accounts, email)
    assert (await accounts.data(ME, actor=person.actor))["me"]["emailVerified"] is True


async def test_a_verification_token_resets_no_password(accounts: SubgraphUnderTest, keys: Keys) -> None:
    user_id, email = await register(accounts)
    (registered,) = await told(accounts, "user.registered", user_id)
    token = keys.unseal(registered["sealed_verification_token"])
    answer = await accounts.data(RESET, keyed(token=token, newPassword=NEW))
    assert answer["resetPassword"]["userErrors"] == INVALID_TOKEN
    assert (await login(accounts, email))["userErrors"] == []


async def test_a_burst_of_requests_mails_one_token_which_stays_good(accounts: SubgraphUnderTest, keys: Keys) -> None:
    # given a person who has asked for a reset
    person = await a_person(accounts)
    token = await mailed_reset_token(accounts, keys, person)
    # when somebody asks for it again and again
    again = await asyncio.gather(*(accounts.data(REQUEST, keyed(email=person.email)) for _ in range(5)))
    # then each is answered alike, nothing more is mailed, and the mailed token works
    assert again == [{"requestPasswordReset": {"userErrors": []}}] * 5
    assert len(await told(accounts, "user.password_reset_requested", person.user_id)) == 1
    answer = await accounts.data(RESET, keyed(token=token, newPassword=NEW))
    assert answer["resetPassword"]["userErrors"] == []


async def test_a_reset_sets_the_password_and_ends_every_session(accounts: SubgraphUnderTest, keys: Keys) -> None:
    # given a person with two sessions, locked out by guesses
    person = await a_person(accounts)
    await sign_in(accounts, person.email)
    token = await mailed_reset_token(accounts, keys, person)
    for _ in range(5):
        await login(accounts, person.email, "a guess")
    # when the password is reset, and the request sent again
    variables = keyed(token=token, newPassword=NEW)
    first = await accounts.data(RESET, variables)
    again = await accounts.data(RESET, variables)
    # then only the new password opens the door, which is open again
    assert first == again == {"resetPassword": {"userErrors": []}}
    assert (await login(accounts, person.email, NEW))["userErrors"] == []
    assert [e["code"] for e in (await login(accounts, person.email))["userErrors"]] == ["INVALID_CREDENTIALS"]
    # and the old sessions are over
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    assert (await refresh(accounts, person.refresh_token))["refreshToken"] is None
    assert await told(accounts, "user.password_changed", person.user_id) == [{"user_id": person.user_id}]
    # and the token is used up
    used = await accounts.data(RESET, keyed(token=token, newPassword="yet another one"))
    assert used["resetPassword"]["userErrors"] == INVALID_TOKEN


async def test_a_reset_token_lives_an_hour_and_until_the_next_one(accounts: SubgraphUnderTest, keys: Keys) -> None:
    # given two requests with more than a burst's pause between them
    person, offset = await a_person(accounts), accounts.clock.offset
    older = await mailed_reset_token(accounts, keys, person)
    accounts.clock.advance(timedelta(minutes=1))
    newer = await mailed_reset_token(accounts, keys, person)
    # when the older is shown, and the newer after an hour
    superseded = await accounts.data(RESET, keyed(token=older, newPassword=NEW))
    accounts.clock.advance(timedelta(hours=1))
    late = await accounts.data(RESET, keyed(token=newer, newPassword=NEW))
    accounts.clock.offset = offset
    # then neither is good and the password is as it was
    assert superseded["resetPassword"]["userErrors"] == late["resetPassword"]["userErrors"] == INVALID_TOKEN
    assert (await login(accounts, person.email))["userErrors"] == []


async def test_asking_for_a_reset_does_not_tell_who_has_an_account(accounts: SubgraphUnderTest) -> None:
    before = len(await accounts.events())
    answer = await accounts.data(REQUEST, keyed(email=f"{new_id()}@example.test"))
    assert answer == {"requestPasswordReset": {"userErrors": []}}
    assert len(await accounts.events()) == before


async def test_a_change_of_password_keeps_this_session_and_ends_the_others(accounts: SubgraphUnderTest) -> None:
    # given two sessions
    person = await a_person(accounts)
    elsewhere = await sign_in(accounts, person.email)
    # when the password is changed in one of them, and the request sent again
    variables = keyed(currentPassword=PASSWORD, newPassword=NEW)
    first = await accounts.data(CHANGE, variables, actor=person.actor)
    again = await accounts.data(CHANGE, variables, actor=person.actor)
    # then it is changed once, this session goes on, the other is over
    assert first == again == {"changePassword": {"user": {"id": person.user_id}, "userErrors": []}}
    assert await told(accounts, "user.password_changed", person.user_id) == [{"user_id": person.user_id}]
    assert (await accounts.data(ME, actor=person.actor))["me"]["id"] == person.user_id
    assert refused(await accounts.execute(ME, actor=elsewhere.actor)) == "UNAUTHENTICATED"
    assert (await login(accounts, person.email, NEW))["userErrors"] == []


async def test_a_wrong_present_password_changes_nothing_and_is_throttled(accounts: SubgraphUnderTest) -> None:
    # given five wrong guesses from within a session
    person = await a_person(accounts)
    for _ in range(5):
        answer = await accounts.data(CHANGE, keyed(currentPassword="a guess", newPassword=NEW), actor=person.actor)
        assert answer["changePassword"]["userErrors"] == [
            {
                "code": "INVALID_CREDENTIALS",
                "field": ["currentPassword"],
                "message": "The present password is wrong.",
            }
        ]
    # when a sixth is right
    sixth = await accounts.data(CHANGE, keyed(currentPassword=PASSWORD, newPassword=NEW), actor=person.actor)
    # then it is refused, and nothing has happened
    assert [error["code"] for error in sixth["changePassword"]["userErrors"]] == ["TOO_MANY_ATTEMPTS"]
    assert await told(accounts, "user.password_changed", person.user_id) == []


async def test_only_one_of_two_changes_at_once_is_made(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    answers = await asyncio.gather(
        *(
            accounts.data(CHANGE, keyed(currentPassword=PASSWORD, newPassword=new), actor=person.actor)
            for new in ("the first one", "the second one")
        )
    )
    made = [answer["changePassword"]["user"] is not None for answer in answers]
    assert sorted(made) == [False, True]
    right = ("the first one", "the second one")[made.index(True)]
    assert (await login(accounts, person.email, right))["userErrors"] == []


async def test_a_visitor_may_not_change_a_password(accounts: SubgraphUnderTest) -> None:
    answer = await accounts.execute(CHANGE, keyed(currentPassword=PASSWORD, newPassword=NEW))
    assert refused(answer) == "UNAUTHENTICATED"


async def test_no_raw_secret_lies_in_any_column(accounts: SubgraphUnderTest, keys: Keys) -> None:
    # given a life with every kind of secret in it
    person = await a_person(accounts)
    successor = await refresh(accounts, person.refresh_token)
    (registered,) = await told(accounts, "user.registered", person.user_id)
    verification = keys.unseal(registered["sealed_verification_token"])
    await accounts.data(VERIFY, keyed(token=verification))
    reset = await mailed_reset_token(accounts, keys, person)
    await accounts.data(RESET, keyed(token=reset, newPassword=NEW))
    fresh = await sign_in(accounts, person.email, NEW)
    secrets = [
        PASSWORD,
        NEW,
        verification,
        reset,
        person.refresh_token,
        successor["refreshToken"],
        fresh.refresh_token,
        fresh.access_token,
    ]
    # when every row of every table is read as text, and every key of Redis
    tables = await accounts.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'accounts'")
    found = [
        (table["table_name"], row["line"])
        for table in tables
        for row in await accounts.rows(f'SELECT t::text AS line FROM "{table["table_name"]}" t')
    ]
    redis = accounts.resources.redis
    stored = [str(key) + str(await redis.get(key)) for key in await redis.keys("*")]
    # then none is there, neither in clear nor as the bytes of it
    assert len(found) > 20
    assert stored
    for secret in secrets:
        forms = (secret, secret.encode().hex())
        assert [name for name, line in found if any(form in line for form in forms)] == []
        assert [entry for entry in stored if secret in entry] == []
    # and no address lies in what is sent to others
    outbox = [line for name, line in found if name in {"outbox", "event_log", "idempotency_record"}]
    assert [line for line in outbox if person.email in line] == []


async def test_the_password_hash_is_argon2id_of_the_stated_cost(accounts: SubgraphUnderTest) -> None:
    user_id, _ = await register(accounts)
    (row,) = await accounts.rows("SELECT password_hash FROM credential WHERE user_id = :u", u=user_id)
    assert row["password_hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
