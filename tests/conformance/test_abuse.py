"""Abuse is refused with a code, by every way in, without a bug and without asking any subgraph."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError
from websockets.typing import Subprotocol

from tests.conformance.federation import Federation, federation, sdl
from tests.conformance.subgraph import Subgraph
from tests.fixtures.abuse import DOCUMENTS, LIMITS, REQUESTS, AbusiveRequest
from tests.fixtures.samples import total

GRAPHQL_JSON = {"accept": "application/graphql-response+json"}
LONGEST_URL = 15_000
LONGEST_MESSAGE = 90_000
each_document = pytest.mark.parametrize(("text", "code"), DOCUMENTS.values(), ids=DOCUMENTS.keys())


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Federation]:
    """Batches are on, and every document is listed, so that it can come in by each way."""
    folder = tmp_path_factory.mktemp("manifests")
    _publish(folder)
    settings = {
        "limits": LIMITS,
        "http": {"batch_operations": 2},
        "persisted": {"directory": str(folder), "clients": ["web"]},
    }
    async with federation("costs", {"people": Subgraph(sdl("costs", "people"))}, settings) as graph:
        failed = _failed()
        yield graph
        assert graph.counts == {}
        assert _failed() == failed


def _publish(folder: Path) -> None:
    listed = {f"d{index}": text for index, (text, _) in enumerate(DOCUMENTS.values()) if text}
    (folder / "web.json").write_bytes(orjson.dumps(listed))


def _failed() -> float:
    return total("gateway_requests_total", outcome="failed")


def codes(payload: Any) -> set[str]:
    assert "data" not in payload
    return {error["extensions"]["code"] for error in payload["errors"]}


@each_document
async def test_a_document_is_refused_by_post(served: Federation, text: str, code: str) -> None:
    answer = await served.client.post("/graphql", json={"query": text}, headers=GRAPHQL_JSON)
    assert len(answer.content) < 5000
    assert (answer.status_code, codes(answer.json())) == (400, {code})


@pytest.mark.parametrize("name", [name for name, (text, _) in DOCUMENTS.items() if 0 < len(text) < LONGEST_URL])
async def test_a_document_is_refused_by_get(served: Federation, name: str) -> None:
    text, code = DOCUMENTS[name]
    answer = await served.client.get("/graphql", params={"query": text}, headers=GRAPHQL_JSON)
    assert (answer.status_code, codes(answer.json())) == (400, {code})


@each_document
async def test_a_document_is_refused_in_a_batch(served: Federation, text: str, code: str) -> None:
    batch = [{"query": text}, {"query": "{ __typename }"}]
    first, second = (await served.client.post("/graphql", json=batch)).json()
    assert codes(first) == {code}
    assert second == {"data": {"__typename": "Query"}}


@each_document
async def test_a_document_is_refused_where_an_event_stream_is_asked_for(
    served: Federation, text: str, code: str
) -> None:
    answer = await served.client.post("/graphql", json={"query": text}, headers={"accept": "text/event-stream"})
    if answer.status_code == 400:
        assert codes(answer.json()) == {code}
        return
    # What is no operation of the schema is told in the stream, as all answers are.
    (event,) = (event for event in answer.text.split("\n\n") if event.startswith("event: next\ndata: "))
    assert codes(orjson.loads(event.partition("data: ")[2])) == {code}


async def test_documents_are_refused_over_a_websocket_which_lives_on(served: Federation) -> None:
    url = str(served.client.base_url.join("/graphql")).replace("http", "ws", 1)
    async with connect(url, subprotocols=[Subprotocol("graphql-transport-ws")], max_size=None) as ws:
        await ws.send('{"type": "connection_init"}')
        assert orjson.loads(await ws.recv())["type"] == "connection_ack"
        heard, expected = {}, {name: code for name, (text, code) in DOCUMENTS.items() if len(text) < LONGEST_MESSAGE}
        for name in expected:
            text, _ = DOCUMENTS[name]
            await ws.send(orjson.dumps({"id": name, "type": "subscribe", "payload": {"query": text}}).decode())
            message = orjson.loads(await ws.recv())
            assert (message["id"], message["type"]) == (name, "error")
            heard[name] = message["payload"][0]["extensions"]["code"]
        assert heard == expected
        # What is larger than any message ends the connection.
        await ws.send("x" * 2 * LONGEST_MESSAGE)
        with pytest.raises(ConnectionClosedError) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@pytest.mark.parametrize("index", range(len(DOCUMENTS)), ids=DOCUMENTS.keys())
async def test_a_listed_document_is_refused_all_the_same(served: Federation, index: int) -> None:
    text, code = list(DOCUMENTS.values())[index]
    answer = await served.client.post("/graphql", json={"documentId": f"d{index}"}, headers=GRAPHQL_JSON)
    assert 400 <= answer.status_code < 500
    assert not text or codes(answer.json()) == {code}


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
async def test_a_request_is_refused_with_a_code(served: Federation, request_: AbusiveRequest) -> None:
    sent = served.client.build_request(
        request_.method, request_.path, content=request_.content, headers=GRAPHQL_JSON | dict(request_.headers)
    )
    answer = await served.client.send(sent)
    assert (answer.status_code, codes(answer.json())) == (request_.status, {request_.code})
