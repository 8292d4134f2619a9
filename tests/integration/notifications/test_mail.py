"""Mail from the event that causes it to the mailbox, through real SMTP."""

from __future__ import annotations

import json
from datetime import timedelta

from shared.clock import format_timestamp
from shared.ids import new_id
from tests.integration.notifications.post import PostOffice, a_person


async def test_a_registration_mails_the_token_once_and_leaves_no_trace_of_it(post: PostOffice) -> None:
    # given somebody who registers with an address that only the seal's holder can read
    person = a_person()
    # when the event and the mail's message come, each twice
    await post.register(person, token="s3cret-token")
    await post.carry(person)
    # then one mail holds the token as one word
    (letter,) = await post.letters(person.email)
    assert letter["subject"] == "Verify your email address"
    assert "token:s3cret-token" in letter["text"].split()
    (row,) = await post.notifications.rows("SELECT * FROM notification WHERE user_id = :u", u=person.id)
    assert letter["messageId"] == f"<{row['id']}@marketplace.example>"
    assert (row["status"], row["sealed_secret"], row["attempts"]) == ("SENT", None, 1)
    assert await post.published(person) == ["notifications.email", "notification.sent"]
    # and no table says address or token in clear
    tables = await post.notifications.rows(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'notifications' ORDER BY tablename"
    )
    assert {"notification", "recipient", "outbox", "inbox", "delivery"} <= {row["tablename"] for row in tables}
    for table in tables:
        rows = await post.notifications.rows(f"SELECT row_to_json(t)::text AS line FROM {table['tablename']} t")
        for line in (row["line"] for row in rows):
            assert "s3cret-token" not in line
            assert person.email not in line


async def test_a_reset_mails_its_token_and_not_once_it_has_expired(post: PostOffice) -> None:
    # given a user who asks twice for a new password
    person = a_person()
    await post.register(person)
    payload = {
        "user_id": person.id,
        "sealed_token": post.sealer.seal("reset-1"),
        "expires_at": format_timestamp(post.notifications.clock() + timedelta(minutes=30)),
    }
    await post.tell("user.password_reset_requested", payload, person.id, version=2)
    await post.carry(person)
    late = payload | {"sealed_token": post.sealer.seal("reset-2"), "expires_at": post.notifications.now()}
    await post.tell("user.password_reset_requested", late, person.id, version=3)
    # when the second one's token has ended before its mail goes out
    await post.carry(person)
    # then only the first was sent, and the second failed for that reason
    letters = await post.letters(person.email)
    assert [letter["text"].split()[-1] for letter in letters] == ["token:verify-me", "token:reset-1"]
    failed = [e["payload"]["reason"] for e in await post.notifications.events("notification.failed")]
    assert failed == ["EXPIRED"]
    secrets = await post.notifications.rows("SELECT sealed_secret FROM notification WHERE user_id = :u", u=person.id)
    assert [row["sealed_secret"] for row in secrets] == [None, None, None]


async def test_a_confirmed_order_tells_the_buyer_and_each_sellers_owner(post: PostOffice) -> None:
    # given a buyer and two sellers whose owners are known
    buyer, owners, sellers = a_person(), (a_person(), a_person()), (str(new_id()), str(new_id()))
    for person in (buyer, *owners):
        await post.register(person)
    for seller_id, owner in zip(sellers, owners, strict=True):
        await post.approve(seller_id, owner)
    # when the buyer's group over both is confirmed
    group = await post.confirm(buyer, sellers)
    for person in (buyer, *owners):
        await post.carry(person)
    # then the buyer reads the total and each owner of their own order
    (letter,) = [found for found in await post.letters(buyer.email) if "confirmed" in found["subject"]]
    assert f"Your order {group['order_group_id']} over 123.05 EUR" in " ".join(letter["text"].split())
    for order_id, owner in zip(group["order_ids"], owners, strict=True):
        assert await post.subjects(owner) == [
            "Verify your email address",
            "You may sell now",
            "You have a new order",
        ]
        assert order_id in (await post.letters(owner.email))[-1]["text"]


async def test_what_comes_before_the_recipient_waits_and_leaves_once(post: PostOffice) -> None:
    # given orders of a buyer nobody has told us of, sold by a seller nobody has told us of
    buyer, owner, seller_id = a_person(), a_person(), str(new_id())
    await post.confirm(buyer, (seller_id,))
    await post.ship(buyer)
    assert await post.told(buyer) == [("ORDER_CONFIRMED", "WAITING_RECIPIENT"), ("ORDER_SHIPPED", "WAITING_RECIPIENT")]
    assert await post.published(buyer) == []
    # when first the seller's owner, then both registrations become known
    await post.approve(seller_id, owner)
    assert await post.told(owner) == [
        ("NEW_ORDER", "WAITING_RECIPIENT"),
        ("SELLER_APPROVED", "WAITING_RECIPIENT"),
    ]
    for person in (buyer, owner):
        await post.register(person)
        await post.carry(person)
    # then everything has left, each mail once
    assert sorted(await post.subjects(buyer)) == [
        "Verify your email address",
        "Your order is confirmed",
        "Your order was shipped",
    ]
    assert sorted(await post.subjects(owner)) == [
        "Verify your email address",
        "You have a new order",
        "You may sell now",
    ]


async def test_the_newest_address_wins_whichever_comes_first(post: PostOffice) -> None:
    # given a change of address that overtakes the registration
    person, later = a_person(), a_person()
    await post.change_address(person, later.email, version=3)
    await post.register(person, version=1)
    # when mail is sent
    await post.ship(person)
    await post.carry(person)
    # then all of it goes to the newer address
    assert await post.letters(person.email) == []
    assert sorted(await post.subjects(later)) == [
        "Verify your email address",
        "Your email address was changed",
        "Your order was shipped",
    ]


async def test_an_erasure_deletes_the_address_and_stops_every_mail(post: PostOffice) -> None:
    # given a registered user whose mail is queued
    person = a_person()
    await post.register(person)
    # when they are erased before it is sent, and more is told of them afterwards, the old registration too
    await post.erase(person)
    await post.carry(person)
    await post.ship(person)
    await post.change_address(person, person.email, version=10)
    await post.carry(person)
    # then nothing was sent, nothing waits, and no address is left
    assert await post.letters(person.email) == []
    assert {status for _, status in await post.told(person)} == {"FAILED"}
    (row,) = await post.notifications.rows("SELECT * FROM recipient WHERE user_id = :u", u=person.id)
    assert row["sealed_email"] is None
    rows = await post.notifications.rows("SELECT sealed_secret FROM notification WHERE user_id = :u", u=person.id)
    assert [row["sealed_secret"] for row in rows] == [None, None, None]
    failed = [e["payload"] for e in await post.notifications.events("notification.failed")]
    assert [p["reason"] for p in failed if p["user_id"] == person.id] == ["RECIPIENT_ERASED"] * 3


async def test_an_erasure_takes_the_words_of_a_person_with_it(post: PostOffice) -> None:
    # given an owner who was told in somebody's words why their application failed
    owner, seller_id = a_person(), str(new_id())
    await post.register(owner)
    payload = {
        "seller_id": seller_id,
        "version": 2,
        "owner_id": owner.id,
        "actor_id": str(new_id()),
        "reason": "Your passport, Mr Miller, is not valid.",
    }
    await post.tell("seller.rejected", payload, seller_id, version=2)
    await post.carry(owner)
    assert "Mr Miller" in (await post.letters(owner.email))[-1]["text"]
    # when the owner is erased
    await post.erase(owner)
    # then the words are gone from what they were told
    rows = await post.notifications.rows("SELECT data::text FROM notification WHERE user_id = :u", u=owner.id)
    assert not any("Miller" in json.dumps(row) for row in rows)


async def test_a_busy_server_gets_the_mail_at_the_next_attempt(post: PostOffice) -> None:
    # given a server that says to come back
    person = a_person("+busy")
    await post.register(person)
    await post.carry(person)
    assert await post.letters(person.email) == []
    # when the job runs before and after the retry is due
    await post.job()
    assert await post.letters(person.email) == []
    post.notifications.clock.advance(timedelta(minutes=1))
    await post.job()
    # then the second attempt has sent it
    assert await post.subjects(person) == ["Verify your email address"]
    attempts = await post.notifications.rows(
        "SELECT d.attempt, d.outcome, d.reply_code FROM delivery d JOIN notification n ON n.id = d.notification_id"
        " WHERE n.user_id = :u ORDER BY d.attempt",
        u=person.id,
    )
    assert attempts == [
        {"attempt": 1, "outcome": "UNAVAILABLE", "reply_code": 451},
        {"attempt": 2, "outcome": "SENT", "reply_code": None},
    ]


async def test_a_refused_mail_fails_at_once(post: PostOffice) -> None:
    # given a mailbox that does not exist
    person = a_person("+refuse")
    await post.register(person)
    # when its mail is sent
    await post.carry(person)
    # then it has failed for good, and its secret is gone
    (row,) = await post.notifications.rows("SELECT * FROM notification WHERE user_id = :u", u=person.id)
    assert (row["status"], row["failure"], row["sealed_secret"], row["due_at"]) == ("FAILED", "REFUSED", None, None)
    assert await post.published(person) == ["notifications.email", "notification.failed"]


async def test_a_cut_answer_sends_again_under_the_same_message_id(post: PostOffice) -> None:
    # given a server that takes the mail and dies before it says so
    person = a_person("+cut")
    await post.register(person)
    await post.carry(person)
    # when the next attempt is due
    post.notifications.clock.advance(timedelta(minutes=1))
    await post.job()
    # then the mail came twice as one message, and it was told as sent once
    first, second = await post.letters(person.email)
    assert first["messageId"] == second["messageId"]
    assert await post.published(person) == ["notifications.email", "notification.sent"]


async def test_a_server_that_stays_away_is_given_up_after_six_attempts(post: PostOffice) -> None:
    # given a mail that no attempt could hand over, the last of which died
    person = a_person()
    await post.register(person)
    await post.notifications.rows(
        "UPDATE notification SET attempts = 6, due_at = now() - interval '1 minute' WHERE user_id = :u", u=person.id
    )
    # when it falls due again
    await post.job()
    # then it has failed without another try
    assert await post.letters(person.email) == []
    (row,) = await post.notifications.rows("SELECT status, failure FROM notification WHERE user_id = :u", u=person.id)
    assert row == {"status": "FAILED", "failure": "UNDELIVERABLE"}


async def test_a_secret_sealed_for_another_key_fails_without_sending(post: PostOffice) -> None:
    # given a token that we cannot open
    person = a_person()
    payload = {
        "user_id": person.id,
        "sealed_email": post.sealer.seal(person.email),
        "sealed_verification_token": "bm90IHNlYWxlZCBmb3IgdXM=",
    }
    await post.tell("user.registered", payload, person.id, version=1)
    # when the mail is due
    await post.carry(person)
    # then nothing leaves
    assert await post.letters(person.email) == []
    (row,) = await post.notifications.rows("SELECT failure FROM notification WHERE user_id = :u", u=person.id)
    assert row == {"failure": "UNREADABLE"}
