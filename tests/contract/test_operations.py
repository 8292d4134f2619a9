"""What clients have listed keeps working: each manifest fits the composed supergraph, and what would break one is named."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import yaml
from graphql import build_schema, parse, validate

from gateway.persisted.manifest import read_manifest
from supergraph import partner, schema_diff
from supergraph.composition import API_FILE, SUPERGRAPH_FILE
from supergraph.manifests import SETTINGS_FILE, misfits, read_all

SUPERGRAPH = SUPERGRAPH_FILE.read_text(encoding="utf-8")
SCHEMA = """
  enum Level { LOW HIGH }
  type Product { id: ID! title: String! level: Level }
  type Query { product(id: ID!, old: Boolean): Product }
  directive @defer(label: String) on INLINE_FRAGMENT
"""


def tampered(old: str, new: str) -> str:
    assert old in SUPERGRAPH
    return SUPERGRAPH.replace(old, new)


def test_every_listed_operation_fits_the_composed_supergraph() -> None:
    manifests = read_all()
    assert {manifest.client for manifest in manifests} >= {"storefront", "seller-portal", "price-scout"}
    assert [str(misfit) for misfit in misfits(manifests, SUPERGRAPH)] == []


def test_every_operation_is_listed_by_the_hash_of_its_text() -> None:
    assert [o.name for m in read_all() for o in m.operations if o.id != o.sha256] == []


def test_a_schema_change_that_breaks_an_operation_names_the_client_the_operation_and_the_field() -> None:
    # given a supergraph without a field, and with one argument less
    changed = tampered("  trackingCode: String!", "  parcelCode: String!")
    # when the manifests are held against it
    found = misfits(read_all(), changed)
    # then whoever asks for it is named
    assert [(m.client, m.operation, m.problem) for m in found] == [
        (
            "storefront",
            "OrderUpdated",
            "Cannot query field 'trackingCode' on type 'Shipment'.",
        )
    ]


def test_a_change_that_breaks_several_clients_names_each_of_them() -> None:
    changed = tampered("  priceRange: PriceRange!", "  prices: PriceRange!")
    found = misfits(read_all(), changed)
    assert {(misfit.client, misfit.operation) for misfit in found} == {
        ("price-scout", "ScoutCatalogue"),
        ("storefront", "BrowseProducts"),
        ("storefront", "SearchProducts"),
    }
    assert all("'priceRange' on type 'Product'" in misfit.problem for misfit in found)


def test_an_operation_past_the_gateways_limits_is_named_too() -> None:
    aliased = " ".join(f"a{number}: categories(first: 1) {{ totalCount }}" for number in range(60))
    manifest = read_manifest("greedy", orjson.dumps({"1": f"query Greedy {{ {aliased} }}"}))
    assert [(m.client, m.operation, m.problem) for m in misfits([manifest], SUPERGRAPH)] == [
        ("greedy", "Greedy", "The document has more than 30 root fields.")
    ]


def test_the_stacks_settings_speak_of_clients_and_operations_that_there_are() -> None:
    persisted = yaml.safe_load(SETTINGS_FILE.read_text(encoding="utf-8"))["persisted"]
    manifests = {manifest.client: manifest for manifest in read_all()}
    assert set(persisted["clients"]) <= set(manifests)
    queries = {o.name for client in persisted["clients"] for o in manifests[client].operations if o.text[:5] == "query"}
    assert set(persisted["max_age"]) <= queries


def test_a_manifest_is_published_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published = tmp_path / "operations"
    published.mkdir()
    file = tmp_path / "mine.json"
    file.write_bytes(orjson.dumps({"1": "query Mine { categories { totalCount } }"}))
    assert partner.publish_file(file, "parcels", published) == 0
    assert (published / "parcels.json").read_bytes() == file.read_bytes()
    # when another one asks for what the graph does not have, or is no manifest
    for content, problem in (
        (orjson.dumps({"1": "query Mine { category { colour } }"}), "Cannot query field 'colour' on type 'Category'."),
        (b"[]", "The manifest of parcels cannot be used: it is no JSON object."),
    ):
        capsys.readouterr()
        (tmp_path / "worse.json").write_bytes(content)
        assert partner.publish_file(tmp_path / "worse.json", "parcels", published) == 1
        assert problem in capsys.readouterr().err
    # then the one before is in force, and nothing else lies there
    assert [entry.name for entry in published.iterdir()] == ["parcels.json"]
    assert (published / "parcels.json").read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ("title: String!", "", ("breaking", "Field Product.title was removed.")),
        ("title: String!", "title: String", ("breaking", "Field Product.title changed type from String! to String.")),
        ("old: Boolean)", "old: Boolean!)", ("breaking", "")),
        ("LOW HIGH", "LOW HIGH HIGHEST", ("dangerous", "Enum value Level.HIGHEST was added.")),
        ("level: Level", "level: Level more: String", ("safe", "Field Product.more was added.")),
        ("@defer(label: String)", "@defer", ("breaking", "")),
        ("@defer(label: String)", "@defer(label: String, if: Boolean! = true)", ("safe", "")),
    ],
)
def test_a_change_is_told_by_what_it_means_for_clients(old: str, new: str, change: tuple[str, str]) -> None:
    found = schema_diff.changes(build_schema(SCHEMA), build_schema(SCHEMA.replace(old, new)))
    assert [kind for kind, _ in found] == [change[0]]
    assert change[1] in found[0][1]


def test_clients_see_how_they_may_defer() -> None:
    schema = build_schema(API_FILE.read_text(encoding="utf-8"))
    document = parse('query($l: Boolean!) { products(first: 1) { ... @defer(if: $l, label: "x") { totalCount } } }')
    assert validate(schema, document) == []


def test_the_worst_change_stands_first_and_a_breaking_one_is_exit_status_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, after = tmp_path / "before.graphql", tmp_path / "after.graphql"
    before.write_text(SCHEMA)
    monkeypatch.setattr(schema_diff, "API_FILE", after)
    monkeypatch.setattr("sys.argv", ["schema_diff", "--base", str(before)])
    statuses = []
    for changed in (
        SCHEMA.replace("level: Level", "level: Level more: String").replace("title: String!", ""),
        SCHEMA.replace("level: Level", "level: Level more: String"),
        SCHEMA.replace("level: Level", 'level: Level @deprecated(reason: "Use more.")'),
    ):
        after.write_text(changed)
        statuses.append(schema_diff.main())
    printed = capsys.readouterr().out
    assert statuses == [1, 0, 1]
    assert printed.index("Field Product.title was removed.") < printed.index("Field Product.more was added.")
    assert "Product.level is deprecated without the date of its end" in printed


def test_an_unknown_base_is_said_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["schema_diff", "--base", "no-such-revision"])
    assert schema_diff.main() == 2
    assert "no-such-revision is neither a file nor a revision with api.graphql" in capsys.readouterr().err


def test_every_deprecation_says_until_when() -> None:
    assert schema_diff.undated(build_schema(API_FILE.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("reason", "place", "named"),
    [
        ("Use title. Gone after 2027-03-31.", "title: String!", []),
        ("Use title.", "title: String!", ["Product.title"]),
        ("Use title, gone in 2027-13-01.", "title: String!", ["Product.title"]),
        ("Use none.", "old: Boolean", ["Query.product(old:)"]),
        ("Use HIGH.", "LOW", ["Level.LOW"]),
    ],
)
def test_a_deprecation_without_a_date_is_named(reason: str, place: str, named: list[str]) -> None:
    schema = build_schema(SCHEMA.replace(place, f'{place} @deprecated(reason: "{reason}")'))
    assert schema_diff.undated(schema) == named
