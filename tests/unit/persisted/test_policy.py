"""Who may send what: the table of clients' modes, and the codes of what is refused."""

from __future__ import annotations

import hashlib

import pytest

from gateway.errors import RequestRefused
from gateway.persisted.manifest import KnownOperation, Manifest
from gateway.persisted.policy import Lists, Mode, Reference, Rules, judge


def known(client: str, id_: str, text: str) -> KnownOperation:
    return KnownOperation(client, id_, id_, (), text, hashlib.sha256(text.encode()).hexdigest())


HERE, ORDERS, STOCK = (
    known("web", "here", "{ here }"),
    known("parcels", "orders", "{ orders }"),
    known("depot", "stock", "{ stock }"),
)
LISTS = Lists(
    {name: Manifest(name, (o,)) for name, o in (("web", HERE), ("parcels", ORDERS), ("depot", STOCK))}, ["web"]
)
ANY, LISTED, LOGGED = Rules(Mode.ANY), Rules(Mode.LISTED), Rules(Mode.LOG_UNKNOWN)
AUTOMATIC, ID_ONLY = Rules(Mode.ANY, automatic=True), Rules(Mode.LISTED, require_id=True)
HASHED = Reference("0" * 64, automatic=True)


def outcome(rules: Rules, reference: Reference | None, text: str, partner: str | None = "parcels") -> str:
    """The text that runs (None: to be looked up), with marks; or the code of the refusal."""
    listed = LISTS.first_party if partner is None else LISTS.of_partner(partner)
    try:
        verdict = judge(listed, rules, reference, text)
    except RequestRefused as refusal:
        return refusal.code
    marks = [name for name in ("unknown", "keep") if getattr(verdict, name)]
    return " ".join([str(verdict.text), *(["listed"] if verdict.operation else []), *marks])


@pytest.mark.parametrize(
    ("rules", "reference", "text", "expected"),
    [
        (LISTED, Reference("orders"), "", "{ orders } listed"),
        (LISTED, Reference(ORDERS.sha256), "", "{ orders } listed"),
        (LISTED, Reference(ORDERS.sha256, automatic=True), "", "{ orders } listed"),
        (LISTED, Reference(ORDERS.sha256, automatic=True), "{ orders }", "{ orders } listed"),
        (LISTED, None, "{ orders }", "{ orders } listed"),
        (LISTED, Reference("unheard-of"), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (LISTED, Reference("stock"), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (LISTED, Reference("here"), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (LISTED, Reference(STOCK.sha256, automatic=True), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (LISTED, None, "{  orders  }", "QUERY_NOT_IN_SAFELIST"),
        (LISTED, None, "{ orders }\n", "QUERY_NOT_IN_SAFELIST"),
        (LISTED, None, "{ stock }", "QUERY_NOT_IN_SAFELIST"),
        (LISTED, Reference(STOCK.sha256, automatic=True), "{ stock }", "QUERY_NOT_IN_SAFELIST"),
        (LISTED, Reference(STOCK.sha256, automatic=True), "{ orders }", "PERSISTED_QUERY_HASH_MISMATCH"),
        (ID_ONLY, None, "{ orders }", "PERSISTED_QUERY_ID_REQUIRED"),
        (ID_ONLY, None, "{ stock }", "PERSISTED_QUERY_ID_REQUIRED"),
        (ID_ONLY, Reference("orders"), "", "{ orders } listed"),
        (LOGGED, None, "{ orders }", "{ orders } listed"),
        (LOGGED, None, "{ stock }", "{ stock } unknown"),
        (LOGGED, Reference("unheard-of"), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (LOGGED, HASHED, "{ stock }", "PERSISTED_QUERY_HASH_MISMATCH"),
        (ANY, None, "{ stock }", "{ stock }"),
        (ANY, HASHED, "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (ANY, HASHED, "{ stock }", "{ stock }"),
        (AUTOMATIC, HASHED, "", "None"),
        (AUTOMATIC, Reference("0" * 64), "", "PERSISTED_QUERY_NOT_IN_LIST"),
        (AUTOMATIC, Reference(STOCK.sha256, automatic=True), "{ stock }", "{ stock } keep"),
        (AUTOMATIC, HASHED, "{ stock }", "PERSISTED_QUERY_HASH_MISMATCH"),
        (AUTOMATIC, Reference("orders", automatic=True), "", "{ orders } listed"),
    ],
)
def test_what_a_partner_may_send(rules: Rules, reference: Reference | None, text: str, expected: str) -> None:
    assert outcome(rules, reference, text) == expected


def test_first_party_clients_share_their_manifests_and_reach_no_partners() -> None:
    assert outcome(LISTED, Reference("here"), "", partner=None) == "{ here } listed"
    assert outcome(LISTED, Reference("orders"), "", partner=None) == "PERSISTED_QUERY_NOT_IN_LIST"
    assert outcome(LISTED, None, "{ orders }", partner=None) == "QUERY_NOT_IN_SAFELIST"


def test_a_partner_without_a_manifest_or_with_a_first_party_clients_name_may_run_nothing() -> None:
    for name in ("nobody", "web"):
        assert outcome(LISTED, Reference("here"), "", partner=name) == "PERSISTED_QUERY_NOT_IN_LIST"
        assert outcome(LISTED, None, "{ here }", partner=name) == "QUERY_NOT_IN_SAFELIST"
