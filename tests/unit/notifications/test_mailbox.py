"""What the mail sink keeps."""

from __future__ import annotations

from datetime import UTC, datetime

from subgraphs.notifications.adapters.mail_sink.mailbox import Mailbox

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_the_newest_letters_push_out_the_oldest() -> None:
    # given a mailbox for two letters
    mailbox = Mailbox(lambda: NOW, kept=2)
    # when three arrive
    for number in range(3):
        mailbox.put(f"Subject: {number}\r\n\r\n".encode(), sender="a@example.org", to=["b@example.org"])
    # then the last two are there in order
    assert [letter.subject for letter in mailbox.list()] == ["1", "2"]


def test_a_letter_without_headers_is_kept_all_the_same() -> None:
    letter = Mailbox(lambda: NOW).put(b"\r\nhello", sender="", to=["b@example.org"])
    assert (letter.subject, letter.message_id, letter.text) == ("", "", "hello")
