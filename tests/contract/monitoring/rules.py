"""The rule files, as they lie in the chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from shared.devstack.monitoring import RULES

FILES = sorted(RULES.glob("*.yaml"))


def rules() -> list[dict[str, Any]]:
    """Every rule of every file."""
    documents = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in FILES]
    return [rule for document in documents for group in document["groups"] for rule in group["rules"]]


def alerts() -> Mapping[str, dict[str, Any]]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}
