"""The direct lane: a plain POST goes from its connection to the pipeline and back, with no ASGI in between.

What depends on the headers alone is worked out once for a connection that keeps sending the same ones. Whatever is not
plain (batches, streams, compressed or refused requests) goes by ASGI; both ways end in the same pipeline.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

import orjson

from gateway.errors import RequestRefused
from gateway.http.compression import Coding, coding_for, compressed
from gateway.http.config import CompressionConfig, HttpConfig
from gateway.http.correlation import is_correlated, new_correlation_id
from gateway.http.cors import cors_headers
from gateway.http.framing import incremental_framing, stream_framing
from gateway.http.load import Load
from gateway.http.negotiation import negotiate
from gateway.http.protocol import RawHeaders
from gateway.http.request import check_content_type, client_address, graphql_request, header_map
from gateway.http.response import head_of, render
from gateway.http.streams import TOKEN_HEADER
from gateway.pipeline.identify import CORRELATION
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.request import GraphQLRequest, GraphQLResponse, refused
from gateway.security.csrf import check_origin
from gateway.telemetry.spans import Spans
from shared.telemetry.context import Correlation, begin

_BY_ASGI = frozenset({"content-encoding", "if-none-match", TOKEN_HEADER})
"""Headers of requests that are not plain."""

_TRACE_CONTEXT = frozenset({"traceparent", "tracestate"})


@dataclass(frozen=True, slots=True)
class Sender:
    """What the headers of a request say: `headers` as the pipeline takes them, `head` the beginning of a usual answer.

    `told_as_they_are`: nobody on the way needs them with the id of the request's story in them.
    """

    headers: dict[str, str]
    client: str
    media_type: str
    head: bytes
    coding: Coding | None
    correlated: bool
    passes_nothing: bool
    told_as_they_are: bool


class DirectLane:
    """Serves `path`. `vary` are the request headers by which an answer differs that others may keep."""

    def __init__(
        self,
        config: HttpConfig,
        pipeline: Pipeline,
        load: Load,
        spans: Spans,
        *,
        body_limit: int,
        vary: tuple[str, ...],
    ) -> None:
        self.path = config.path.encode()
        self.body_limit = body_limit
        self._config = config
        self._compression: CompressionConfig = config.compression
        self._pipeline = pipeline
        self._load = load
        self._spans = spans
        self._vary = vary

    def close(self) -> None:
        """From now on every request goes by ASGI, whose answers can tell that the connection ends with them."""
        self.path = b""

    def sender(self, raw: RawHeaders, peer: tuple[str, int] | None) -> Sender | None:
        """What the headers say, or None where the request has to go by ASGI."""
        headers = header_map(raw)
        accept = headers.get("accept")
        media_type = negotiate(accept)
        if media_type is None or _takes_streams(accept or "") or not _BY_ASGI.isdisjoint(headers):
            return None
        try:
            check_content_type(headers)
            if self._config.cross_site_protection:
                check_origin(headers, self._config.cors.allow_origins)
        except RequestRefused:
            return None
        usual = {
            **cors_headers(self._config.cors, headers),
            "content-type": f"{media_type}; charset=utf-8",
            "cache-control": "private, no-store",
        }
        correlated = is_correlated(headers, trusts_trace=self._spans.trusts_clients)
        coding = coding_for(headers.get("accept-encoding")) if self._compression.responses else None
        client = client_address(peer, headers, self._config.trusted_proxies)
        passes_nothing = self._pipeline.passes_nothing_of(headers)
        return Sender(
            headers,
            client,
            media_type,
            head_of(200, usual),
            coding,
            correlated,
            passes_nothing=passes_nothing,
            told_as_they_are=passes_nothing and not self._spans.is_on and _TRACE_CONTEXT.isdisjoint(headers),
        )

    def answer(self, sender: Sender, body: bytes) -> Awaitable[bytes] | None:
        """The whole HTTP response to a body, later; None where the request has to go by ASGI."""
        story = sender.headers[CORRELATION] if sender.correlated else new_correlation_id()
        headers = sender.headers if sender.told_as_they_are else {**sender.headers, CORRELATION: story}
        try:
            parameters = orjson.loads(body)
            if parameters.__class__ is not dict:
                return None
            request = graphql_request(parameters, headers, sender.client, read_only=False)
            request.passes_nothing = sender.passes_nothing
        except (orjson.JSONDecodeError, RequestRefused):
            return None
        return self._respond(sender, request, headers, story)

    async def _respond(self, sender: Sender, request: GraphQLRequest, headers: dict[str, str], story_id: str) -> bytes:
        # As `Correlation(…)`, which takes several times as long.
        begin(tuple.__new__(Correlation, (story_id, None, headers.get("traceparent"))))
        # The line that tells the client is the one that tells the subgraphs.
        story = request.story = b"x-correlation-id: %b\r\n" % story_id.encode()
        try:
            entered = self._load.enter()
        except RequestRefused as refusal:
            head, body = self._rendered(sender, refused(refusal))
            return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, story, len(body), body)
        try:
            span = self._spans.start(headers) if self._spans.is_on else None
            if span is None:
                response = await self._pipeline.answer(request)
            else:
                with self._spans.within(span):
                    response = await self._pipeline.answer(request)
        finally:
            self._load.leave(entered, request.meter)
        if response.refusal is None and response.freshness is None and not response.headers:
            head, body = sender.head, orjson.dumps(response.payload)
        else:
            head, body = self._rendered(sender, response)
        if sender.coding is not None and len(body) >= self._compression.minimum_bytes:
            body = await compressed(body, sender.coding, self._compression)
            head += b"content-encoding: %b\r\n" % sender.coding.encode()
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, story, len(body), body)

    def _rendered(self, sender: Sender, response: GraphQLResponse) -> tuple[bytes, bytes]:
        """The beginning and the body of an answer that is not a usual one."""
        outgoing = cors_headers(self._config.cors, sender.headers)
        if response.freshness is not None:
            outgoing["vary"] = f"{outgoing['vary']}, {', '.join(self._vary)}"
        status, lines, body = render(response, sender.media_type, outgoing)
        return head_of(status, lines, response.headers), body


def _takes_streams(accept: str) -> bool:
    return stream_framing(accept) is not None or incremental_framing(accept) is not None
