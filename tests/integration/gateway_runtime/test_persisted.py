"""Operations named by an id, over real HTTP: prepared before they are asked for, replaced while they are served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from gateway.persisted.manifest import sha256_of
from gateway.supergraph.source import SupergraphFile
from tests.conformance.federation import FIXTURES, Federation, federation, sdl
from tests.conformance.subgraph import Subgraph

SUPERGRAPH = (FIXTURES / "shared_roots" / "supergraph.graphql").read_text()
WITHOUT_HERE = SUPERGRAPH.replace("  here: String\n", "  there: String @join__field(graph: ONE)\n")
HERE = "query Here { here }"
VERSIONS = "query Versions { version { one two } }"
TWO = "query A { here } query B { version { major } }"
WEB = {"here": HERE, "versions": VERSIONS, "both": TWO}
GRAPHQL_JSON = {"accept": "application/graphql-response+json"}


@asynccontextmanager
async def served(
    folder: Path,
    manifests: Mapping[str, Any],
    *,
    watched: bool = False,
    sections: Mapping[str, Any] | None = None,
    **persisted: Any,
) -> AsyncIterator[Federation]:
    (folder / "supergraph.graphql").write_text(SUPERGRAPH)
    for client, manifest in manifests.items():
        publish(folder, client, manifest)
    one = sdl("shared_roots", "one").replace("here: String", "there: String here: String")
    subgraphs = {
        "one": Subgraph(one, {"Query.version": {"major": 1, "one": "1"}, "Query.here": "here", "Query.there": "there"}),
        "two": Subgraph(sdl("shared_roots", "two"), {"Query.version": {"major": 1, "two": "2"}, "Query.here": "two"}),
    }
    config = {"directory": str(folder), "clients": ["web"], "interval": 0.01, **persisted}
    settings = {"persisted": config, "watch": {"interval": 0.01}, **(sections or {})}
    file = SupergraphFile(folder / "supergraph.graphql") if watched else None
    async with federation("shared_roots", subgraphs, settings, file=file) as graph:
        yield graph


def publish(folder: Path, client: str, manifest: Any) -> None:
    draft = folder / f"{client}.draft"
    draft.write_bytes(manifest if isinstance(manifest, bytes) else orjson.dumps(manifest))
    draft.rename(folder / f"{client}.json")


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def until(name: str, value: float, **labels: str) -> None:
    for _ in range(1000):
        if sample(name, **labels) == value:
            return
        await asyncio.sleep(0.01)
    pytest.fail(f"{name} stayed at {sample(name, **labels)}")


def misses() -> float:
    return sample("gateway_operation_cache_total", result="miss")


def prepared() -> float:
    return sample("gateway_prepare_seconds_count")


def code_of(answer: httpx.Response) -> str:
    (error,) = answer.json()["errors"]
    code: str = error["extensions"]["code"]
    return code


async def test_an_operation_runs_by_its_id_wherever_the_id_stands_and_nothing_is_prepared_for_it(
    tmp_path: Path,
) -> None:
    digest = sha256_of(HERE)
    async with served(tmp_path, {"web": WEB}) as graph:
        before, extension = (misses(), prepared()), {"persistedQuery": {"version": 1, "sha256Hash": digest}}
        asked = [
            await graph.client.post("/graphql", json={"documentId": "here"}),
            await graph.client.post("/graphql", json={"documentId": f"sha256:{digest}", "operationName": "Here"}),
            await graph.client.post("/graphql", json={"doc_id": "here", "variables": {}}),
            await graph.client.post("/graphql", json={"extensions": extension}),
            await graph.client.post("/graphql", json={"extensions": extension, "query": HERE}),
            await graph.client.post("/graphql/here", json={}),
            await graph.client.get("/graphql/here"),
            await graph.client.get(f"/graphql/sha256:{digest}", params={"operationName": "Here"}),
            await graph.client.get("/graphql", params={"documentId": "here"}),
            await graph.client.get("/graphql", params={"extensions": orjson.dumps(extension).decode()}),
            await graph.client.post("/graphql", json={"query": HERE}),
        ]
        assert [(answer.status_code, answer.json()) for answer in asked] == [(200, {"data": {"here": "here"}})] * 11
        named = {"documentId": "both", "operationName": "B"}
        assert (await graph.client.post("/graphql", json=named)).json() == {"data": {"version": {"major": 1}}}
        # The first request pays nothing: neither these nor any that was looked up had to be prepared.
        assert (misses(), prepared()) == before
        assert sample("gateway_known_operations_total", client="web", operation="Here") >= 11


async def test_ids_stand_in_batches_and_on_websockets_as_they_do_in_single_requests(tmp_path: Path) -> None:
    async with served(tmp_path, {"web": WEB}, sections={"http": {"batch_operations": 2}}) as graph:
        batch = [{"documentId": "here"}, {"documentId": "nothing"}]
        first, second = (await graph.client.post("/graphql", json=batch)).json()
        assert first == {"data": {"here": "here"}}
        assert second["errors"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_IN_LIST"}
        assert code_of(await graph.client.post("/graphql/here", json=batch)) == "BAD_REQUEST"
        url = str(graph.client.base_url.join("/graphql")).replace("http", "ws", 1)
        async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], proxy=None) as socket:
            await socket.send('{"type":"connection_init"}')
            assert orjson.loads(await socket.recv())["type"] == "connection_ack"
            for id_, payload in (("here", {"documentId": "here"}), ("nothing", {"documentId": "nothing"})):
                await socket.send(orjson.dumps({"type": "subscribe", "id": id_, "payload": payload}).decode())
            got = [orjson.loads(await socket.recv()) for _ in range(3)]
        found = {(message["type"], message["id"]): message.get("payload") for message in got}
        assert found.keys() == {("next", "here"), ("complete", "here"), ("error", "nothing")}
        assert found["next", "here"] == {"data": {"here": "here"}}
        assert found["error", "nothing"][0]["extensions"] == {"code": "PERSISTED_QUERY_NOT_IN_LIST"}


async def test_an_unknown_id_a_mismatch_and_an_id_beside_a_query_are_refused(tmp_path: Path) -> None:
    wrong = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    async with served(tmp_path, {"web": WEB}) as graph:
        unknown = await graph.client.post("/graphql", json={"documentId": "nothing"}, headers=GRAPHQL_JSON)
        assert (unknown.status_code, code_of(unknown)) == (400, "PERSISTED_QUERY_NOT_IN_LIST")
        old = await graph.client.get("/graphql/nothing")
        assert (old.status_code, code_of(old), "data" in old.json()) == (200, "PERSISTED_QUERY_NOT_IN_LIST", False)
        mismatch = await graph.client.post("/graphql", json={"query": HERE, "extensions": wrong})
        assert code_of(mismatch) == "PERSISTED_QUERY_HASH_MISMATCH"
        both = await graph.client.post("/graphql", json={"documentId": "here", "query": HERE})
        assert (both.status_code, code_of(both)) == (400, "CANNOT_SEND_PQ_ID_AND_BODY")
        assert graph.counts == {}


async def test_without_the_feature_an_id_is_not_supported_and_a_text_beside_a_hash_runs() -> None:
    subgraphs = {name: Subgraph(sdl("shared_roots", name), {"Query.here": name}) for name in ("one", "two")}
    extension = {"persistedQuery": {"version": 1, "sha256Hash": sha256_of(HERE)}}
    async with federation("shared_roots", subgraphs) as graph:
        refused = await graph.client.post("/graphql", json={"extensions": extension})
        assert (code_of(refused), refused.json()["errors"][0]["message"]) == (
            "PERSISTED_QUERY_NOT_SUPPORTED",
            "PersistedQueryNotSupported",
        )
        assert (
            code_of(await graph.client.post("/graphql", json={"documentId": "here"})) == "PERSISTED_QUERY_NOT_SUPPORTED"
        )
        answer = await graph.client.post("/graphql", json={"extensions": extension, "query": HERE})
        assert answer.json() == {"data": {"here": "one"}}
        assert (await graph.client.get("/graphql/here")).status_code == 404


async def test_first_party_clients_may_be_held_to_their_lists_too_and_unknown_ones_logged_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(tmp_path, {"web": WEB}, first_party="listed", require_id=True) as graph:
        assert code_of(await graph.client.post("/graphql", json={"query": HERE})) == "PERSISTED_QUERY_ID_REQUIRED"
        assert (await graph.client.post("/graphql", json={"documentId": "here"})).json() == {"data": {"here": "here"}}
    async with served(tmp_path, {"web": WEB}, first_party="listed") as graph:
        assert await graph.ask(HERE) == {"data": {"here": "here"}}
        assert code_of(await graph.client.post("/graphql", json={"query": "{ here }"})) == "QUERY_NOT_IN_SAFELIST"
    let_through = sample("gateway_unknown_operations_total", client="(first party)")
    async with served(tmp_path, {"web": WEB}, first_party="log_unknown") as graph:
        with caplog.at_level(logging.WARNING, logger="gateway.pipeline.persisted"):
            assert await graph.ask("{ here }") == {"data": {"here": "here"}}
            assert await graph.ask(HERE) == {"data": {"here": "here"}}
        (entry,) = [record for record in caplog.records if record.name == "gateway.pipeline.persisted"]
        assert (entry.__dict__["client"], entry.__dict__["sha256"]) == ("(first party)", sha256_of("{ here }"))
        assert sample("gateway_unknown_operations_total", client="(first party)") == let_through + 1


async def test_a_published_manifest_is_in_force_without_a_restart_and_ready_before_it_is(tmp_path: Path) -> None:
    async with served(tmp_path, {"web": WEB}) as graph:
        taken = sample("gateway_manifest_loads_total", outcome="taken")
        publish(tmp_path, "web", {"major": "query Major { version { major } }", "here": HERE})
        await until("gateway_manifest_loads_total", taken + 1, outcome="taken")
        before = misses()
        answer = await graph.client.get("/graphql/major")
        assert answer.json() == {"data": {"version": {"major": 1}}}
        assert (await graph.client.get("/graphql/here")).json() == {"data": {"here": "here"}}
        assert misses() == before
        # What is gone from the manifest is gone, and its figures with it.
        assert code_of(await graph.client.get("/graphql/versions")) == "PERSISTED_QUERY_NOT_IN_LIST"
        assert (
            REGISTRY.get_sample_value("gateway_known_operations_total", {"client": "web", "operation": "Versions"})
            is None
        )
        (tmp_path / "web.json").unlink()
        await until("gateway_manifest_loads_total", taken + 2, outcome="taken")
        assert code_of(await graph.client.get("/graphql/here")) == "PERSISTED_QUERY_NOT_IN_LIST"


@pytest.mark.parametrize("broken", [b"{", orjson.dumps({"format": "x", "version": 7, "operations": []})])
async def test_a_broken_file_leaves_its_clients_old_manifest_in_force_and_shows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    async with served(tmp_path, {"web": WEB}) as graph:
        refused = sample("gateway_manifest_loads_total", outcome="refused")
        with caplog.at_level(logging.ERROR, logger="gateway.pipeline.manifest_watch"):
            publish(tmp_path, "web", broken)
            await until("gateway_manifest_loads_total", refused + 1, outcome="refused")
        (entry,) = [record for record in caplog.records if record.name == "gateway.pipeline.manifest_watch"]
        assert (entry.__dict__["client"], entry.__dict__["detail"][:23]) == ("web", "The manifest of web can")
        assert sample("gateway_manifest_refused", client="web") == 1
        assert (await graph.client.get("/graphql/here")).json() == {"data": {"here": "here"}}
        publish(tmp_path, "web", WEB)
        await until("gateway_manifest_refused", 0, client="web")


async def test_a_directory_that_is_gone_is_told_once_and_what_was_in_force_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, aside = tmp_path / "operations", tmp_path / "aside"
    folder.mkdir()
    async with served(folder, {"web": WEB}) as graph:
        refused = sample("gateway_manifest_loads_total", outcome="refused")
        taken = sample("gateway_manifest_loads_total", outcome="taken")
        with caplog.at_level(logging.ERROR, logger="gateway.pipeline.manifest_watch"):
            folder.rename(aside)
            await until("gateway_manifest_loads_total", refused + 1, outcome="refused")
            assert (await graph.client.get("/graphql/here")).json() == {"data": {"here": "here"}}
            publish(aside, "web", {"major": "query Major { version { major } }"})
            aside.rename(folder)
            await until("gateway_manifest_loads_total", taken + 1, outcome="taken")
        assert (await graph.client.get("/graphql/major")).json() == {"data": {"version": {"major": 1}}}
        assert len([record for record in caplog.records if record.name == "gateway.pipeline.manifest_watch"]) == 1
        assert sample("gateway_manifest_loads_total", outcome="refused") == refused + 1


async def test_a_broken_file_at_the_start_keeps_nobody_else_from_being_served(tmp_path: Path) -> None:
    async with served(tmp_path, {"web": WEB, "broken": b"{"}) as graph:
        assert (await graph.client.get("/graphql/here")).json() == {"data": {"here": "here"}}
        assert sample("gateway_manifest_refused", client="broken") == 1


async def test_known_operations_are_ready_for_a_new_supergraph_and_one_that_no_longer_fits_is_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = {"here": HERE, "versions": VERSIONS, "there": "query There { there }"}
    async with served(tmp_path, {"web": manifest}, watched=True) as graph:
        assert sample("gateway_manifest_operations", client="web", state="unfit") == 1
        swapped = sample("gateway_supergraph_loads_total", outcome="swapped")
        caplog.clear()
        with caplog.at_level(logging.ERROR, logger="gateway.persisted.figures"):
            (tmp_path / "supergraph.graphql").write_text(WITHOUT_HERE)
            await until("gateway_supergraph_loads_total", swapped + 1, outcome="swapped")
        (entry,) = [record for record in caplog.records if record.name == "gateway.persisted.figures"]
        told = {name: entry.__dict__[name] for name in ("client", "operation", "detail")}
        assert told == {
            "client": "web",
            "operation": "Here",
            "detail": "Cannot query field 'here' on type 'Query'.",
        }
        before = misses()
        assert (await graph.client.get("/graphql/versions")).json() == {"data": {"version": {"one": "1", "two": "2"}}}
        assert (await graph.client.get("/graphql/there")).json() == {"data": {"there": "there"}}
        assert misses() == before
        assert code_of(await graph.client.get("/graphql/here")) == "GRAPHQL_VALIDATION_FAILED"


async def test_known_operations_are_never_pushed_out_by_others(tmp_path: Path) -> None:
    async with served(tmp_path, {"web": WEB}, sections={"pipeline": {"operations_kept": 1}}) as graph:
        for number in range(3):
            await graph.ask(f"{{ a{number}: here }}")
        before = misses()
        assert (await graph.client.get("/graphql/versions")).status_code == 200
        assert misses() == before


async def test_the_limits_are_those_of_any_other_document(tmp_path: Path) -> None:
    deep = {"aliased": "{ a: here b: here c: here }", "here": HERE}
    limits = {"limits": {"aliases": 2}, "rate_limit": {"root_fields": {"here": {"per_minute": 1, "burst": 1}}}}
    async with served(tmp_path, {"web": deep}, sections=limits) as graph:
        for answer in (
            await graph.client.post("/graphql", json={"documentId": "aliased"}),
            await graph.client.get("/graphql/aliased"),
            await graph.client.post("/graphql", json={"query": deep["aliased"]}),
        ):
            assert (answer.status_code, code_of(answer)) == (400, "ALIAS_LIMIT_EXCEEDED")
        assert (await graph.client.get("/graphql/here")).status_code == 200
        assert code_of(await graph.client.get("/graphql/here")) == "RATE_LIMITED"
        long = await graph.client.post(
            "/graphql/here", content=b'{"a":"' + b"x" * 2**20 + b'"}', headers={"content-type": "application/json"}
        )
        assert (long.status_code, code_of(long)) == (413, "PAYLOAD_TOO_LARGE")


async def test_a_public_query_by_get_may_be_kept_by_others_and_is_not_sent_twice(tmp_path: Path) -> None:
    async with served(tmp_path, {"web": WEB}, max_age={"Here": 30}) as graph:
        first = await graph.client.get("/graphql/here", headers={"origin": "https://shop.test", "host": "shop.test"})
        assert first.headers["cache-control"] == "public, max-age=30"
        assert first.headers["vary"] == "Accept, Accept-Encoding, Origin, Authorization, Accept-Language"
        again = await graph.client.get("/graphql/here", headers={"if-none-match": f'"x", {first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        # What is sent by POST, is not said to be public, or has an error, is nobody else's.
        for answer in (
            await graph.client.post("/graphql/here", json={}),
            await graph.client.get("/graphql/versions"),
            await graph.client.get("/graphql/nothing"),
        ):
            assert (answer.headers["cache-control"], "etag" in answer.headers) == ("private, no-store", False)
        graph.subgraphs["one"].broken = True
        failed = await graph.client.get("/graphql/here")
        assert ("errors" in failed.json(), failed.headers["cache-control"]) == (True, "private, no-store")
