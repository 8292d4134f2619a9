"""What a row of the table of guards says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """`line` occurs once in `file`; with `without` in its place the test has to fail."""

    concern: str
    file: str
    line: str
    without: str
    test: str
