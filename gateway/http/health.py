"""Alive and ready are two things: a gateway that is about to stop lives on, but wants no more requests."""

from __future__ import annotations


class Readiness:
    """Ready from `open` until `close`."""

    def __init__(self) -> None:
        self.ready = False

    def open(self) -> None:
        self.ready = True

    def close(self) -> None:
        self.ready = False
