"""Label values are kept few."""

from __future__ import annotations

from shared.telemetry.labels import Capped


def test_beyond_the_cap_values_are_one_and_those_that_are_known_stay_themselves() -> None:
    label = Capped(2)

    assert [label(value) for value in ("a", "b", "c", "a", "d", "b")] == ["a", "b", "other", "a", "other", "b"]
