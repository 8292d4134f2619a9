"""Every metric of the catalogues is named as Prometheus asks, says what it is, and has labels that something bounds."""

from __future__ import annotations

import re

from tests.contract.monitoring.bounds import bound_of
from tests.contract.monitoring.catalogue import GATEWAY, SERVICES, declared

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)+")
# Base units, as Prometheus names them; its client would take `_created` and `_info` for something of its own.
_ODD_ENDS = ("_ms", "_milliseconds", "_minutes", "_hours", "_kb", "_created", "_bucket", "_sum", "_count")
_OF_THE_TARGET = {"job", "instance", "le", "quantile"}


def test_metrics_are_named_as_prometheus_asks() -> None:
    names = declared().keys()

    assert {name for name in names if not _NAME.fullmatch(name) or name.endswith(_ODD_ENDS)} == set()
    assert {name for name in declared(GATEWAY) if not name.startswith("gateway_")} == set()
    assert {name for name in declared(SERVICES) if name.startswith("gateway_")} == set()


def test_each_label_has_a_bound_and_none_is_one_that_prometheus_sets() -> None:
    labels = {(metric, label) for metric, names in declared().items() for label in names}

    assert {each for each in labels if bound_of(*each) is None} == set()
    assert {label for _, label in labels} & _OF_THE_TARGET == set()
