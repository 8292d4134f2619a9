"""Server-sent events, however their bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.executor.event_stream import EventStreamParser, EventTooLarge, ServerEvent

TEXT = (
    b'\xef\xbb\xbf:hello\n\nevent: next\ndata: {"a":1}\n\n:\n\r\nevent:next\r\nid: 7\r\ndata:one\r\ndata: two\r\n\r\n'
    b"data\rdata:  x\r\revent: complete\n\nretry: 5\n\nevent: complete\ndata:\n\n"
)
EVENTS = [
    ServerEvent(b"next", b'{"a":1}'),
    ServerEvent(b"next", b"one\ntwo"),
    ServerEvent(b"", b"\n x"),
    ServerEvent(b"complete", b""),
    ServerEvent(b"complete", b""),
]


def test_events_are_read_as_the_standard_has_them() -> None:
    assert EventStreamParser(100).feed(TEXT) == EVENTS


@given(st.lists(st.integers(0, len(TEXT)), max_size=20))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    parser, events = EventStreamParser(100), list[ServerEvent]()
    edges = [0, *sorted(cuts), len(TEXT)]
    for start, end in pairwise(edges):
        events += parser.feed(TEXT[start:end])
    assert events == EVENTS


@pytest.mark.parametrize(
    "chunks", [[b"data: " + b"x" * 101 + b"\n"], [b"data: " + b"x" * 60, b"x" * 60], [b"data: x\n"] * 101]
)
def test_an_event_past_the_limit_is_not_kept(chunks: list[bytes]) -> None:
    parser = EventStreamParser(100)
    *before, last = chunks
    for chunk in before:
        assert parser.feed(chunk) == []
    with pytest.raises(EventTooLarge):
        parser.feed(last)


def test_the_limit_is_for_one_event() -> None:
    parser = EventStreamParser(100)
    for _ in range(10):
        assert parser.feed(b"data: " + b"x" * 90 + b"\n\n") == [ServerEvent(b"", b"x" * 90)]
