"""Bodies in and out: bounded in size, before and after unpacking, and in time; compressed where that is wanted."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any

import pytest
from starlette.types import Message

from gateway.errors import RequestRefused
from gateway.http.body import read_body
from gateway.http.compression import Coding, CompressedSend, accepts_gzip, coding_for, decompressed
from gateway.http.config import CompressionConfig
from tests.fixtures.codings import UNPACK

CONFIG = CompressionConfig(minimum_bytes=100)
START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0"), (b"a", b"b")]}


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        (None, False),
        ("", False),
        ("identity", False),
        ("br", False),
        ("gzip", True),
        ("GZIP;q=0.1", True),
        ("br, x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("gzip;q=much", False),
    ],
)
def test_gzip_is_sent_only_to_those_who_take_it(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) == accepted


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, None),
        ("br, deflate", None),
        ("gzip", "gzip"),
        ("*", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("zstd;q=0.5, gzip", "gzip"),
        ("zstd;q=0.5, gzip;q=0.4", "zstd"),
        ("zstd;q=0, gzip;q=0.1", "gzip"),
        ("zstd;q=0, *", "gzip"),
        ("zstd;q=0, gzip;q=0", None),
        ("identity, gzip;q=0.5, zstd;q=0.5", None),
        ("identity;q=0.5, zstd", "zstd"),
    ],
)
def test_of_what_a_client_takes_the_best_liked_is_sent_and_zstd_of_equals(
    header: str | None, coding: str | None
) -> None:
    assert coding_for(header) == coding


async def sent(*messages: Message, coding: Coding = "gzip") -> list[Message]:
    out: list[Message] = []

    async def send(message: Message) -> None:
        out.append(message)

    compressing = CompressedSend(send, coding, CONFIG)
    for message in messages:
        await compressing(message)
    return out


@pytest.mark.parametrize("size", [100, 300_000])
@pytest.mark.parametrize("coding", UNPACK)
async def test_a_long_answer_is_compressed_and_its_length_is_the_new_one(size: int, coding: Coding) -> None:
    body = b"x" * size
    start, content = await sent(START, {"type": "http.response.body", "body": body}, coding=coding)
    assert UNPACK[coding](content["body"]) == body
    assert start["headers"] == [
        (b"a", b"b"),
        (b"content-encoding", coding.encode()),
        (b"content-length", b"%d" % len(content["body"])),
    ]
    assert START["headers"][0] == (b"content-length", b"0")


@pytest.mark.parametrize(
    "messages",
    [
        [{"type": "http.response.body", "body": b"x" * 99}],
        [
            {"type": "http.response.body", "body": b"x" * 500, "more_body": True},
            {"type": "http.response.body", "body": b"y" * 500},
        ],
    ],
)
async def test_short_answers_and_streams_pass_as_they_are(messages: list[Message]) -> None:
    assert await sent(START, *messages) == [START, *messages]


def refusal_of(body: bytes, limit: int) -> tuple[str, int] | None:
    try:
        decompressed(body, limit)
    except RequestRefused as refused:
        return refused.code, refused.status
    return None


def test_a_gzip_body_is_read_up_to_the_limit_exactly() -> None:
    packed = gzip.compress(b"x" * 1000)
    assert decompressed(packed, 1000) == b"x" * 1000
    assert refusal_of(packed, 999) == ("PAYLOAD_TOO_LARGE", 413)


@pytest.mark.parametrize(
    "body", [b"", b"{}", gzip.compress(b"{}")[:-1], gzip.compress(b"{}") + b"x", gzip.compress(b"{}") * 2]
)
def test_what_is_not_one_whole_gzip_stream_is_refused(body: bytes) -> None:
    assert refusal_of(body, 1000) == ("INVALID_ENCODING", 400)


def test_a_bomb_is_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
    tracemalloc.start()
    try:
        assert refusal_of(bomb, 1_000_000) == ("PAYLOAD_TOO_LARGE", 413)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


class Client:
    """Sends `messages`, one a call, and nothing more."""

    def __init__(self, *messages: Any, waits: bool = False) -> None:
        self._messages = list(messages)
        self._waits = waits

    async def receive(self) -> Message:
        if self._waits:
            await asyncio.sleep(0)
        if not self._messages:
            await asyncio.Event().wait()
        chunk, more = self._messages.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": more}


@pytest.mark.parametrize("waits", [False, True])
async def test_a_body_comes_whole_or_in_parts(waits: bool) -> None:
    assert await read_body(Client((b"ab", False), waits=waits).receive, {}, 2, 1) == b"ab"
    assert await read_body(Client((b"a", True), (b"b", False), waits=waits).receive, {}, 2, 1) == b"ab"


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("messages", [[(b"abc", False)], [(b"ab", True), (b"c", False)], [(b"abc", True)]])
async def test_a_body_that_is_too_large_is_refused(messages: list[Any], waits: bool) -> None:
    with pytest.raises(RequestRefused) as refused:
        await read_body(Client(*messages, waits=waits).receive, {}, 2, 1)
    assert refused.value.status == 413


@pytest.mark.parametrize("messages", [[], [(b"a", True)]])
async def test_a_body_that_never_ends_is_not_waited_for_without_end(messages: list[Any]) -> None:
    with pytest.raises(RequestRefused) as refused:
        await read_body(Client(*messages).receive, {}, 2, 0.01)
    assert (refused.value.code, refused.value.status) == ("REQUEST_TIMEOUT", 408)


async def test_a_client_that_is_gone_is_no_bug() -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    with pytest.raises(RequestRefused) as refused:
        await read_body(gone, {}, 2, 1)
    assert refused.value.code == "CLIENT_CLOSED_REQUEST"
