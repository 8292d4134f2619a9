"""Reads server-sent events from bytes as they come (HTML Living Standard, section 9.2.6)."""

from __future__ import annotations

import re
from typing import NamedTuple

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class ServerEvent(NamedTuple):
    """`name` is empty where the stream gave none."""

    name: bytes
    data: bytes


class EventTooLarge(Exception):
    """An event has more bytes than it may."""


class EventStreamParser:
    """Fed with chunks that end anywhere; never keeps more than `limit` bytes of an event that is not yet whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._unread = bytearray()
        self._searched = 0
        self._skips_newline = False
        self._started = False
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that are whole now. Raises EventTooLarge."""
        unread = self._unread
        unread += chunk
        if self._skips_newline and unread:
            # The line ended with the last chunk's carriage return; a line feed after it belongs to the same end.
            self._skips_newline = False
            if unread[0] == 0x0A:
                del unread[0]
        events: list[ServerEvent] = []
        start = 0
        while (end := _LINE_END.search(unread, max(start, self._searched))) is not None:
            self._take(bytes(unread[start : end.start()]), events)
            start = end.end()
            self._skips_newline = start == len(unread) and unread[-1] == 0x0D
            self._searched = 0
        del unread[:start]
        # What holds no line end is not searched again, however many chunks a long line comes in.
        self._searched = len(unread)
        self._check(len(unread))
        return events

    def _take(self, line: bytes, events: list[ServerEvent]) -> None:
        if not self._started:
            self._started = True
            line = line.removeprefix(_BYTE_ORDER_MARK)
        if not line:
            # The standard drops events without data. GraphQL's `complete` may come without any.
            if self._name or self._data:
                events.append(ServerEvent(self._name, b"\n".join(self._data)))
            self._name, self._data, self._size = b"", [], 0
            return
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value)
            self._check(0)
            self._data.append(value)
        elif name == b"event":
            self._name = value

    def _check(self, unread: int) -> None:
        if self._size + unread > self._limit:
            raise EventTooLarge
