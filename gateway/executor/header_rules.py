"""Which headers go from the client to the subgraphs and back: rules in order, for all subgraphs and then for one.

Set-Cookie is the one header that must never be joined with commas (RFC 6265 section 3): every cookie stays a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

SET_COOKIE = "set-cookie"

HeaderLines = Sequence[tuple[str, str]]
"""Names in lower case, with their values; a name may stand several times."""

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")

_CONNECTION = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "content-type",
    "content-encoding",
}
_TRACING = {"x-correlation-id", "traceparent", "tracestate"}
_REQUEST_OWN = _CONNECTION | _TRACING | {"host", "accept", "accept-encoding", "expect"}
_RESPONSE_OWN = _CONNECTION | _TRACING | {"cache-control", "vary", "retry-after", "www-authenticate", "allow"}
"""What belongs to one connection or is the gateway's own to say; no rule reaches it."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Names(_Strict):
    """The headers a rule speaks of: one that is `named`, or all whose whole name is `matching` a regular expression."""

    named: str | None = None
    matching: re.Pattern[str] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.named is None) == (self.matching is None):
            raise ValueError("needs either named or matching")
        return self

    @field_validator("named")
    @classmethod
    def _is_name(cls, named: str | None) -> str | None:
        return None if named is None else _name(named)

    def covers(self, name: str) -> bool:
        """Whether a header, its name in lower case, is meant."""
        if self.matching is not None:
            return re.fullmatch(self.matching.pattern, name, re.IGNORECASE) is not None
        return name == self.named


class Propagate(Names):
    """Pass headers on, a named one as `rename`, or with the value `default` where it is missing."""

    rename: str | None = None
    default: str | None = None

    @model_validator(mode="after")
    def _renames_one(self) -> Self:
        if self.matching is not None and (self.rename is not None or self.default is not None):
            raise ValueError("rename and default need named")
        return self

    @field_validator("rename")
    @classmethod
    def _is_other_name(cls, rename: str | None) -> str | None:
        return None if rename is None else _name(rename)

    @field_validator("default")
    @classmethod
    def _is_default(cls, default: str | None) -> str | None:
        return None if default is None else _value(default)


class PropagateBack(Propagate):
    """`merge` says what becomes of a header that several subgraphs answer with. Cookies are all kept, always."""

    merge: Literal["append", "first", "last"] = "append"


class Insert(_Strict):
    """Set a header, in place of whatever it was."""

    name: str
    value: str

    @field_validator("name")
    @classmethod
    def _is_name(cls, name: str) -> str:
        return _name(name)

    @field_validator("value")
    @classmethod
    def _is_value(cls, value: str) -> str:
        return _value(value)


class RequestRule(_Strict):
    """Exactly one of its three members."""

    propagate: Propagate | None = None
    insert: Insert | None = None
    remove: Names | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_rule((self.propagate, self.insert, self.remove), _REQUEST_OWN)
        return self


class ResponseRule(_Strict):
    """Exactly one of its three members."""

    propagate: PropagateBack | None = None
    insert: Insert | None = None
    remove: Names | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_rule((self.propagate, self.insert, self.remove), _RESPONSE_OWN)
        return self


class HeaderRulesOf(_Strict):
    """The rules towards and from a subgraph, applied from first to last."""

    request: tuple[RequestRule, ...] = ()
    response: tuple[ResponseRule, ...] = ()


class HeaderRulesConfig(_Strict):
    """The rules of `all` come first, then those of the one subgraph."""

    all: HeaderRulesOf = HeaderRulesOf()
    subgraphs: Mapping[str, HeaderRulesOf] = Field(default_factory=dict)


def _check_rule(members: Sequence[Propagate | Insert | Names | None], own: set[str]) -> None:
    given = [member for member in members if member is not None]
    if len(given) != 1:
        raise ValueError("needs exactly one of propagate, insert, remove")
    rule = given[0]
    names = (rule.name,) if isinstance(rule, Insert) else (rule.named, getattr(rule, "rename", None))
    for name in names:
        if name in own or (name or "").startswith("access-control-"):
            raise ValueError(f"{name} is the gateway's own to set")


def _name(text: str) -> str:
    if _TOKEN.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no header name")
    return text.lower()


def _value(text: str) -> str:
    if _VALUE.fullmatch(text) is None:
        raise ValueError("a header value is one line of Latin-1")
    return text


class RequestHeaders:
    """What subgraphs are sent of a client's headers. `passed` are names that all of them get without a rule."""

    def __init__(self, config: HeaderRulesConfig, passed: Iterable[str] = (), withheld: Iterable[str] = ()) -> None:
        names = dict.fromkeys(name.lower() for name in passed)
        first = tuple(RequestRule(propagate=Propagate(named=name)) for name in names if name not in _REQUEST_OWN)
        self._all = (*first, *config.all.request)
        self._own = {name: (*self._all, *rules.request) for name, rules in config.subgraphs.items() if rules.request}
        self._withheld = frozenset(withheld) | _REQUEST_OWN
        # Where nothing but listed headers is passed on, looking whether any of them is there is all there is to do.
        named = [rule.propagate.named for rule in self._all if rule.propagate is not None]
        plain = not self._own and not any(_may_add(rule.propagate) for rule in self._all)
        self._listed = frozenset(name for name in named if name) if plain else None

    def pass_nothing_of(self, headers: Mapping[str, str]) -> bool:
        """Whether it is plain that no subgraph gets anything."""
        return self._listed is not None and self._listed.isdisjoint(headers)

    def group(self, subgraph: str) -> str:
        """Subgraphs of one group get the same headers: those without rules of their own are in `""`."""
        return subgraph if subgraph in self._own else ""

    def of(self, group: str, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers for a group of subgraphs; those of the client have names in lower case."""
        sent: dict[str, str] = {}
        for rule in self._own.get(group, self._all):
            if rule.propagate is not None:
                sent |= _propagated(rule.propagate, headers)
            elif rule.insert is not None:
                sent[rule.insert.name] = rule.insert.value
            elif rule.remove is not None:
                sent = {name: value for name, value in sent.items() if not rule.remove.covers(name)}
        return {name: value for name, value in sent.items() if name not in self._withheld}


def _may_add(rule: Propagate | None) -> bool:
    """Whether a rule may pass on something that is not the one header it names."""
    return rule is None or rule.named is None or rule.default is not None


def _propagated(rule: Propagate, headers: Mapping[str, str]) -> dict[str, str]:
    if rule.named is None:
        return {name: value for name, value in headers.items() if rule.covers(name)}
    value = headers.get(rule.named, rule.default)
    return {} if value is None else {rule.rename or rule.named: value}


class ResponseHeaders:
    """What clients are sent of the headers of subgraphs' answers."""

    def __init__(self, config: HeaderRulesConfig | None = None) -> None:
        config = config or HeaderRulesConfig()
        self._all = config.all.response
        self._own = {name: (*self._all, *rules.response) for name, rules in config.subgraphs.items()}

    def concerns(self, subgraph: str) -> bool:
        """Whether any rule speaks of a subgraph's answers."""
        return bool(self._own.get(subgraph, self._all))

    def passes_cookies(self, subgraph: str) -> bool:
        """Whether cookies of a subgraph may reach a client: then an answer is one client's alone."""
        rules = self._own.get(subgraph, self._all)
        return any(rule.propagate is not None and rule.propagate.covers(SET_COOKIE) for rule in rules)

    def of(self, answers: Iterable[tuple[str, HeaderLines]]) -> list[tuple[str, str]]:
        """The lines for the client from the answers of subgraphs, by their names, in the order of the plan."""
        cookies: dict[str, None] = {}
        merged: dict[str, str] = {}
        for subgraph, lines in answers:
            for name, value, merge in self._selected(subgraph, lines):
                if name == SET_COOKIE:
                    cookies[value] = None
                elif name not in merged or merge == "last":
                    merged[name] = value
                elif merge == "append" and value not in merged[name].split(", "):
                    merged[name] = f"{merged[name]}, {value}"
        return [*merged.items(), *((SET_COOKIE, value) for value in cookies)]

    def _selected(self, subgraph: str, lines: HeaderLines) -> list[tuple[str, str, str]]:
        """The lines of one answer that pass its rules, each with the way it is merged."""
        chosen: list[tuple[str, str, str]] = []
        for rule in self._own.get(subgraph, self._all):
            if rule.propagate is not None:
                chosen += _propagated_back(rule.propagate, lines)
            elif rule.insert is not None:
                name = rule.insert.name
                chosen = [line for line in chosen if line[0] != name]
                chosen.append((name, rule.insert.value, "append" if name == SET_COOKIE else "last"))
            elif rule.remove is not None:
                chosen = [line for line in chosen if not rule.remove.covers(line[0])]
        return [line for line in chosen if line[0] not in _RESPONSE_OWN and not line[0].startswith("access-control-")]


def _propagated_back(rule: PropagateBack, lines: HeaderLines) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = [
        (rule.rename or name, value, rule.merge) for name, value in lines if rule.covers(name)
    ]
    if not found and rule.named is not None and rule.default is not None:
        return [(rule.rename or rule.named, rule.default, rule.merge)]
    return found
