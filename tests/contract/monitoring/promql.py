"""The metrics that an expression names."""

from __future__ import annotations

import re

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_BRACES = re.compile(r"\{[^}]*\}")
_RANGE = re.compile(r"\[[^\]]*\]")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()\b(?!\s*\()")
_WORDS = frozenset({"and", "or", "unless", "offset", "bool", "sum", "max", "min", "count", "avg", "topk"})
_DURATION = re.compile(r"\boffset\s+\w+")
_SUFFIXES = ("_bucket", "_sum", "_count")


def metrics_in(expression: str) -> frozenset[str]:
    """Names of series, of histograms their own name."""
    text = _STRING.sub('""', expression)
    for noise in (_BRACES, _RANGE, _GROUPING, _DURATION):
        text = noise.sub(" ", text)
    return frozenset(name for name in _NAME.findall(text) if name not in _WORDS)


def family(name: str) -> str:
    """The name under which a series is declared."""
    return next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), name)
