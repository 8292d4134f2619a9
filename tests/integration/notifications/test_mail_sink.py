"""The mail sink as people and programs see it."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

from tests.integration.notifications.post import PostOffice


def send(post: PostOffice, subject: str, text: str, to: str) -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "shop@example.org", to, subject
    message.set_content(text)
    with smtplib.SMTP("127.0.0.1", post.notifications.resources.settings.smtp_port) as server:  # type: ignore[attr-defined]
        server.send_message(message)


async def test_the_page_shows_letters_and_runs_nothing_of_them(post: PostOffice) -> None:
    # given a letter that would like to be a page
    send(post, "Grüße <b>", "<script>alert('ü')</script>", "page@example.org")
    # when somebody looks
    page = await post.sink.get("/")
    # then it is text
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h2>Grüße &lt;b&gt;</h2>" in page.text
    assert "&lt;script&gt;alert(&#x27;ü&#x27;)&lt;/script&gt;" in page.text
    assert "<script>" not in page.text


async def test_letters_are_found_by_address_and_can_be_cleared(post: PostOffice) -> None:
    # given letters to two people
    send(post, "One", "first", "ann@example.org")
    send(post, "Two", "second", "ben@example.org")
    # when they are asked for by one address, written differently, and then cleared
    (found,) = await post.letters("ANN@example.org")
    cleared = await post.sink.delete("/messages")
    # then only that one came, and afterwards nothing is left
    assert (found["subject"], found["text"], found["to"], found["from"]) == (
        "One",
        "first\n",
        ["ann@example.org"],
        "shop@example.org",
    )
    assert cleared.status_code == 204
    assert (await post.sink.get("/messages")).json() == {"messages": []}
