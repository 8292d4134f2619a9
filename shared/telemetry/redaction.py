"""What a log line may hold of a value: the one place where secrets and personal data are taken out.

Names decide first (`password`, `email`, …), then what a text looks like. The text of a foreign exception is never logged: it
repeats what was typed (`invalid literal: '…'`). Its type, its codes and where it was raised are.
"""

from __future__ import annotations

import errno
import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from shared.register import PROJECT_ROOT

REDACTED = "[redacted]"
_MOST_TEXT = 1000
_MOST_ITEMS = 50
_MOST_DEPTH = 5
_MOST_FRAMES = 30

_SECRET_NAME = re.compile(
    r"pass(word|wd|phrase)|secret|token|authorization|cookie|api[_-]?key|credential|signature"
    r"|card|iban|cvc|payment_?method|e?mail|phone|address|street|display_?name|birth",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?P<login>(?<=://)[^/\s@]+(?=@))"
    r"|(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)*)"
    r"|(?P<jwt>\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?)"
    r"|(?P<scheme>(?<=Bearer )\S+|(?<=Basic )\S+)"
    r"|(?P<api_key>\bmkp_[\w-]{16,})"
    r"|(?P<card>\b\d(?:[ -]?\d){12,18}\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_SCHEMA_NAME = re.compile(r"\w{1,63}")


def redacted(name: str, value: object, depth: int = 0) -> Any:
    """A value as a log line may hold it under this name, ready for JSON."""
    if depth > _MOST_DEPTH or _SECRET_NAME.search(name):
        return REDACTED
    match value:
        case None | bool() | int() | float():
            return value
        case BaseException():
            return summary(value)
        case Mapping():
            pairs = list(value.items())[:_MOST_ITEMS]
            return {str(key): redacted(str(key), item, depth + 1) for key, item in pairs}
        case list() | tuple() | set() | frozenset():
            return [redacted(name, item, depth + 1) for item in list(value)[:_MOST_ITEMS]]
        case _:
            return scrubbed(str(value))


def scrubbed(text: str) -> str:
    """The text without what looks like a login, an e-mail address, a token, a key or a card's number; of bounded length."""
    return _SECRET_TEXT.sub(_mark, text)[:_MOST_TEXT]


def foreign(text: str) -> str:
    """A library's message: its first line, without what it quotes."""
    return _QUOTED.sub(REDACTED, scrubbed(text.partition("\n")[0]))


def summary(error: BaseException) -> str:
    """An exception in one line: its type, and its codes where it has some."""
    facts = ", ".join(str(fact) for fact in _facts(error).values())
    name = _type_name(error)
    return f"{name}({facts})" if facts else name


def told(error: BaseException, depth: int = 0) -> dict[str, Any]:
    """An exception with its codes, where it was raised, and what it came from; without its text."""
    frames = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    found: dict[str, Any] = {"type": _type_name(error), **_facts(error)}
    found["stack"] = [f"{_place(frame.filename)}:{frame.lineno} in {frame.name}" for frame in frames]
    if depth == _MOST_DEPTH:
        return found
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        found["cause"] = told(cause, depth + 1)
    if isinstance(error, BaseExceptionGroup):
        found["of"] = [told(each, depth + 1) for each in error.exceptions[:_MOST_DEPTH]]
    return found


def _place(filename: str) -> str:
    """Without the folder that the project, or the library, happens to lie in."""
    return filename.rpartition("site-packages/")[2].removeprefix(f"{PROJECT_ROOT}/")


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _facts(error: BaseException) -> dict[str, str]:
    return dict(_codes(error))


def _codes(error: BaseException) -> Iterator[tuple[str, str]]:
    """What is ours or the schema's to name, never a client's."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and _CODE.fullmatch(code):
        yield "code", code
    for name in ("sqlstate", "table_name", "constraint_name"):
        value = getattr(error, name, None)
        if isinstance(value, str) and _SCHEMA_NAME.fullmatch(value):
            yield name, value
    if isinstance(error, OSError) and error.errno is not None:
        yield "errno", errno.errorcode.get(error.errno, str(error.errno))


def _mark(match: re.Match[str]) -> str:
    if match.lastgroup == "card" and not _is_card_number(match[0]):
        return match[0]
    return REDACTED


def _is_card_number(text: str) -> bool:
    """By its check digit (Luhn, ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(text) if digit.isdigit()]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0
