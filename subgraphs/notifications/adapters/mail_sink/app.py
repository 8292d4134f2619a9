"""The mail sink's HTTP side: letters as JSON for programs, as a page for people."""

from __future__ import annotations

from html import escape
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from shared.clock import format_timestamp
from subgraphs.notifications.adapters.mail_sink.mailbox import Letter, Mailbox

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<title>Mail sink</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
article {{ border-top: 1px solid #ccc; padding: 1rem 0; }}
h2 {{ font-size: 1.1rem; margin: 0; }}
p {{ margin: 0; color: #555; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: inherit; }}
</style>
</head>
<body>
<h1>Mail sink</h1>
<p>{count} letters, newest first. Nothing here ever leaves this machine.</p>
{letters}
</body>
</html>
"""
_LETTER = """<article>
<h2>{subject}</h2>
<p>to {to} · {received_at}</p>
<pre>{text}</pre>
</article>
"""


def mail_sink_app(mailbox: Mailbox) -> Starlette:
    """`GET /messages?to=`, `DELETE /messages`, `GET /health/ready`, and the page at `/`."""

    async def list_messages(request: Request) -> Response:
        letters = mailbox.list(request.query_params.get("to"))
        return JSONResponse({"messages": [_public(letter) for letter in letters]})

    async def delete_messages(_: Request) -> Response:
        mailbox.clear()
        return Response(status_code=204)

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    async def page(_: Request) -> Response:
        letters = list(reversed(mailbox.list()))
        shown = "".join(_article(letter) for letter in letters)
        return HTMLResponse(_PAGE.format(count=len(letters), letters=shown))

    return Starlette(
        routes=[
            Route("/messages", list_messages),
            Route("/messages", delete_messages, methods=["DELETE"]),
            Route("/health/ready", ready),
            Route("/", page),
        ]
    )


def _public(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "from": letter.sender,
        "to": list(letter.to),
        "subject": letter.subject,
        "text": letter.text,
        "messageId": letter.message_id,
        "receivedAt": format_timestamp(letter.received_at),
    }


def _article(letter: Letter) -> str:
    return _LETTER.format(
        subject=escape(letter.subject),
        to=escape(", ".join(letter.to)),
        received_at=format_timestamp(letter.received_at),
        text=escape(letter.text),
    )
