"""What happens before the first request: what is imported, what is refused and how it is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli import main
from gateway.settings import Settings
from tests.conformance.federation import FIXTURES

ROOT = Path(__file__).parents[3]
SUPERGRAPH = FIXTURES / "requires" / "supergraph.graphql"
GOOD = SUPERGRAPH.read_text()

_PROBE = """
import sys
from pathlib import Path
import gateway.cli
from gateway.app import build_gateway
from gateway.settings import Settings
build_gateway(Path(sys.argv[1]).read_text(), Settings())
heavy = {"strawberry", "sqlalchemy", "asyncpg", "faststream", "aio_pika", "redis", "subgraphs", "httpx"}
print(sorted(heavy & {name.partition(".")[0] for name in sys.modules}))
"""


def test_a_gateway_that_is_ready_has_imported_no_store_no_broker_and_no_domain() -> None:
    command = [sys.executable, "-c", _PROBE, str(SUPERGRAPH)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# Conditions that multiply.
HOSTILE = (
    f"query({', '.join(f'$a{n}: Boolean!, $b{n}: Boolean!' for n in range(20))}) {{ parcels {{ "
    + " ".join(f"... @include(if: $a{n}) {{ id @include(if: $b{n}) }}" for n in range(20))
    + " } }"
)

PLAN = """\
query: 2 requests

[0] goods
    {
      parcels {
        __typename
        id
        weight
        size {
          height
        }
      }
    }

[1] shipping after 0
  $representations from parcels.@
    Parcel { id weight size { height } } (key id)
    query ($representations: [_Any!]!, $k: Int!) {
      _entities(representations: $representations) {
        ... on Parcel {
          cost(perKilo: $k)
        }
      }
    }
"""


def change(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Line 1, column 1: Syntax Error: Unexpected <EOF>."),
        ("type Query {\n  a: }", "Line 2, column 6: Syntax Error: Expected Name, found '}'."),
        ("type Query { a: String }", "The file has no enum join__Graph: it is no supergraph."),
        (
            change("carrier: String", "carrier: Carrier"),
            "Parcel.carrier refers to the type Carrier, which the supergraph does not define.",
        ),
        (
            change("perKilo: Int!", "perKilo: Weight!"),
            "Parcel.cost.perKilo refers to the type Weight, which the supergraph does not define.",
        ),
        (
            change('requires: "weight size{height}"', 'requires: "weight size{depth}"'),
            "Parcel.cost (@requires in shipping) names the field Size.depth, which does not exist.",
        ),
        (
            change('requires: "weight size{height}"', 'requires: "weight {"'),
            'Parcel.cost (@requires): "weight {" is no field set: Syntax Error: Expected Name, found <EOF>.',
        ),
        (
            change('@join__type(graph: GOODS, key: "id")', '@join__type(graph: GOODS, key: "sku")'),
            "Parcel (@key in goods) names the field Parcel.sku, which does not exist.",
        ),
        (
            change("width: Int @join__field(graph: GOODS)", "width: Int @join__field(graph: MOON)"),
            "Size.width names the graph MOON, which join__Graph does not have.",
        ),
        (change('name: "goods", url', "url"), "A directive of it lacks the argument 'name'."),
        (
            change("type Parcel ", "interface Sized { size: Int }\ntype Parcel implements Sized "),
            "What clients see is no valid schema: Interface field Sized.size expects type Int but Parcel.size is type Size.",
        ),
        (
            change("http://goods.test/graphql", "goods.test/graphql"),
            "The subgraph goods cannot be called: not an absolute http(s) URL: 'goods.test/graphql'",
        ),
        (
            change(
                "{\n  query: Query",
                '@link(url: "https://specs.apollo.dev/connect/v0.2", for: EXECUTION) {\n  query: Query',
            ),
            "The supergraph needs https://specs.apollo.dev/connect/v0.2 (for: EXECUTION), which is not served here.",
        ),
        (
            change("specs.apollo.dev/join/v0.5", "specs.apollo.dev/join/v0.6"),
            "The supergraph is written in https://specs.apollo.dev/join/v0.6; join v0.5 is the newest that is served here.",
        ),
    ],
)
def test_a_supergraph_that_cannot_be_served_is_one_clear_line_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    file = tmp_path / "supergraph.graphql"
    file.write_text(text)
    assert main(["--supergraph", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err in {f"gateway: {file}: {message}\n", f"gateway: {message}\n"}


def test_an_unknown_key_in_the_configuration_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text("trafic: {}\nhttp: {prot: 1}\n")
    assert main(["--supergraph", str(SUPERGRAPH), "--config", str(config)]) == 1
    printed = capsys.readouterr().err
    assert "trafic" in printed
    assert "http.prot" in printed
    assert printed.count("\n") == 1


def test_the_help_names_every_section_and_key_of_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    printed = capsys.readouterr().out
    for section in Settings.model_fields:
        assert f"\n  {section} " in printed
    for word in ("max_in_flight", "policy_claims", "/health/ready", "exit status", "plan --supergraph"):
        assert word in printed


def test_several_mistakes_in_an_operation_to_plan_are_told_by_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operation = tmp_path / "operation.graphql"
    operation.write_text("{ parcels { wrong } nothing }")
    assert main(["plan", "--supergraph", str(SUPERGRAPH), "--operation", str(operation)]) == 1
    assert capsys.readouterr().err == "gateway: Cannot query field 'wrong' on type 'Parcel'.\n"


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ("{ parcels { cost } }", "The subgraphs cannot answer Parcel.cost at this place."),
        (HOSTILE, "Planning the operation takes more than 10000 steps."),
        (
            "query One { __typename } query Two { __typename }",
            "The document needs an operation name, since the document holds",
        ),
        ("{ parcels { ", "Syntax Error: Expected Name, found <EOF>."),
    ],
)
def test_an_operation_that_has_no_plan_is_one_clear_line_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], operation: str, message: str
) -> None:
    # Given a subgraph that can no longer be entered
    supergraph = tmp_path / "supergraph.graphql"
    supergraph.write_text(change('graph: SHIPPING, key: "id"', 'graph: SHIPPING, key: "id", resolvable: false'))
    file = tmp_path / "operation.graphql"
    file.write_text(operation)

    assert main(["plan", "--supergraph", str(supergraph), "--operation", str(file)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"gateway: {message}")
    assert printed.err.count("\n") == 1


def test_plan_prints_what_is_deferred_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operation = tmp_path / "operation.graphql"
    operation.write_text('query($later: Boolean!) { parcels { id ... @defer(if: $later, label: "dear") { cost } } }')

    assert main(["plan", "--supergraph", str(SUPERGRAPH), "--operation", str(operation)]) == 0

    requests, _, deferred = capsys.readouterr().out.partition('\n\ndeferred 1 "dear" at parcels\n\n')
    assert requests.startswith("query: 2 requests, 1 of them deferred\n\n[0] goods\n")
    assert deferred.startswith("[1] shipping after 0\n")


def test_what_plan_prints_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    operation = tmp_path / "operation.graphql"
    operation.write_text("query Costs($k: Int!) { parcels { cost(perKilo: $k) } } query Other { __typename }")

    assert main(["plan", "--supergraph", str(SUPERGRAPH), "--operation", str(operation), "--name", "Costs"]) == 0

    assert capsys.readouterr().out == PLAN
