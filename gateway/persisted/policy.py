"""What a client may send: anything, or only what its manifest lists. Pure; the codes are those that clients know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from gateway.errors import RequestRefused
from gateway.persisted.manifest import KnownOperation, Manifest, sha256_of


class Mode(StrEnum):
    """`log_unknown` lets through what is not listed, but counts and logs it: for the time before `listed`."""

    ANY = "any"
    LOG_UNKNOWN = "log_unknown"
    LISTED = "listed"


@dataclass(frozen=True, slots=True)
class Reference:
    """An operation named by an id. `automatic` is Apollo's form, whose id is a hash and may come with the text itself."""

    id: str
    automatic: bool = False


class Verdict(NamedTuple):
    """What to run. `text` None is to be looked up by its hash among the automatic ones; `keep` is to be kept there.

    `unknown` says that it is let through though no manifest lists it.
    """

    text: str | None
    operation: KnownOperation | None = None
    unknown: bool = False
    keep: bool = False


class Listed:
    """Operations by every id that they go by, and by their exact text: another spacing is another text."""

    def __init__(self, operations: Iterable[KnownOperation] = ()) -> None:
        by_id: dict[str, KnownOperation] = {}
        by_text: dict[str, KnownOperation] = {}
        for operation in operations:
            by_id.setdefault(operation.id, operation)
            by_text.setdefault(operation.text, operation)
        for operation in by_text.values():
            by_id.setdefault(operation.sha256, operation)
        self.by_id: Mapping[str, KnownOperation] = by_id
        self.by_text: Mapping[str, KnownOperation] = by_text


@dataclass(frozen=True, slots=True)
class Rules:
    """For one kind of client. `automatic` says whether texts may be kept by their hash at a client's wish."""

    mode: Mode
    require_id: bool = False
    automatic: bool = False


def judge(listed: Listed, rules: Rules, reference: Reference | None, text: str) -> Verdict:
    """Whether an operation may run that is named by `reference`, given as `text` (empty where it is not), or both.

    Raises RequestRefused.
    """
    if reference is None:
        return _judge_text(listed, rules, text)
    if not text:
        return _judge_id(listed, rules, reference)
    operation = listed.by_text.get(text)
    if operation is not None:
        _check_hash(operation.sha256, reference.id)
        return Verdict(operation.text, operation)
    if rules.mode is Mode.LISTED:
        raise _not_listed()
    if rules.automatic or rules.mode is Mode.LOG_UNKNOWN:
        _check_hash(sha256_of(text), reference.id)
    return Verdict(text, unknown=rules.mode is Mode.LOG_UNKNOWN, keep=rules.automatic)


def _judge_id(listed: Listed, rules: Rules, reference: Reference) -> Verdict:
    operation = listed.by_id.get(reference.id)
    if operation is not None:
        return Verdict(operation.text, operation)
    if reference.automatic and rules.automatic:
        return Verdict(None)
    raise _refusal("PERSISTED_QUERY_NOT_IN_LIST", "No operation of this client has this id.")


def _judge_text(listed: Listed, rules: Rules, text: str) -> Verdict:
    operation = listed.by_text.get(text)
    if rules.mode is Mode.LISTED:
        if rules.require_id:
            raise _refusal("PERSISTED_QUERY_ID_REQUIRED", "Name a listed operation by its id.")
        if operation is None:
            raise _not_listed()
    if operation is not None:
        return Verdict(operation.text, operation)
    return Verdict(text, unknown=rules.mode is Mode.LOG_UNKNOWN)


def _check_hash(known: str, given: str) -> None:
    if known != given:
        raise _refusal("PERSISTED_QUERY_HASH_MISMATCH", "The hash is not the SHA-256 of the query.")


def _not_listed() -> RequestRefused:
    return _refusal("QUERY_NOT_IN_SAFELIST", "This operation, letter for letter, is not listed for this client.")


def _refusal(code: str, message: str) -> RequestRefused:
    return RequestRefused(code, message, well_formed=True)


def not_found() -> RequestRefused:
    """A client that keeps operations by their hash sends the text next, by this code or these words."""
    return _refusal("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")


def not_supported() -> RequestRefused:
    """A client that would keep operations by their hash sends texts from now on, by this code or these words."""
    return _refusal("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported")


class Lists:
    """The manifests by who may use them. First-party clients share theirs: a name that anybody may claim proves nothing.

    A partner has the manifest of its name, unless that is a first-party client's.
    """

    def __init__(self, manifests: Mapping[str, Manifest], first_party: Iterable[str]) -> None:
        ours = frozenset(first_party)
        self.operations = tuple(operation for name in sorted(manifests) for operation in manifests[name].operations)
        self.first_party = Listed(operation for operation in self.operations if operation.client in ours)
        self._of_partner = {name: Listed(manifests[name].operations) for name in manifests if name not in ours}

    def of_partner(self, name: str) -> Listed:
        """Empty for a partner without a manifest."""
        return self._of_partner.get(name) or _NOTHING


_NOTHING = Listed()
