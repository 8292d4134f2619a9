from __future__ import annotations

from prometheus_client import REGISTRY

from gateway.telemetry.tallies import Distributions, Tallies


def test_a_counter_is_read_by_its_labels_as_prometheus_names_it() -> None:
    counter = Tallies("example_things_total", "Things", ["kind"])
    big = counter.labels("big")

    big.inc()
    counter.labels("big").inc()
    counter.labels("small").inc()

    assert REGISTRY.get_sample_value("example_things_total", {"kind": "big"}) == 2
    assert REGISTRY.get_sample_value("example_things_total", {"kind": "small"}) == 1


def test_a_gauge_goes_down_again() -> None:
    gauge = Tallies("example_open", "Open things", gauge=True).labels()

    gauge.inc()
    gauge.inc()
    gauge.dec()

    assert REGISTRY.get_sample_value("example_open") == 1


def test_a_value_on_a_bound_falls_below_it_and_buckets_add_up() -> None:
    seconds = Distributions("example_seconds", "Time", ["of"], buckets=(0.1, 1.0)).labels("this")

    for value in (0.05, 0.1, 0.5, 7.0):
        seconds.observe(value)

    buckets = [
        REGISTRY.get_sample_value("example_seconds_bucket", {"of": "this", "le": le}) for le in ("0.1", "1.0", "+Inf")
    ]
    assert buckets == [2, 3, 4]
    assert REGISTRY.get_sample_value("example_seconds_count", {"of": "this"}) == 4
    assert REGISTRY.get_sample_value("example_seconds_sum", {"of": "this"}) == 7.65
