"""The catalogue of spans: their names and attributes, after OpenTelemetry's semantic conventions where these know the thing.

Every value is one of few or bounded in length. None is what a person typed: no argument, no parameter, no key, no address.
"""

from __future__ import annotations

from typing import Final

# The gateway.
OPERATION: Final = "GraphQL Operation"
"""A client's request until its type is known; from then on its name is the type: query, mutation, subscription."""
PREPARE: Final = "gateway.prepare"
"""Parsing, validating and planning an operation that is not known yet, with the wait for whoever prepares it already."""
FETCH: Final = "gateway.fetch"
"""One fetch of a plan: a request to a subgraph, its repetitions included."""

# Subgraphs. An HTTP server's span is `{method} {route}`, a client's `{method}`.
SUBGRAPH_REQUEST: Final = "POST /graphql"

# Stores. A statement's span is `{operation} {table}`, a Redis call's is the command alone.
PIPELINE: Final = "PIPELINE"

# Messaging: `{one of these} {event or queue}`.
CREATE: Final = "create"
"""An event is written to the outbox."""
PUBLISH: Final = "publish"
"""The relay hands it to the broker, until the broker has confirmed it."""
PROCESS: Final = "process"
"""A consumer deals with a delivery, all attempts included."""

ATTEMPT_FAILED: Final = "attempt failed"
"""Noted on the span of a delivery, once an attempt."""

# Steps of domains that go on in the trace of a story that has waited.
SETTLE: Final = "payments.settle"
EXPIRE: Final = "orders.expire"
DELIVER: Final = "notifications.deliver"
SEND_MAIL: Final = "notifications.send_mail"

GRAPHQL_TYPE: Final = "graphql.operation.type"
GRAPHQL_NAME: Final = "graphql.operation.name"
SUBGRAPH: Final = "marketplace.subgraph"
CORRELATION: Final = "marketplace.correlation_id"
OUTCOME: Final = "marketplace.outcome"
ATTEMPTS: Final = "marketplace.attempts"
EVENT_ID: Final = "messaging.message.id"

HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
SERVER_ADDRESS: Final = "server.address"

DB_SYSTEM: Final = "db.system.name"
DB_NAMESPACE: Final = "db.namespace"
DB_OPERATION: Final = "db.operation.name"
DB_COLLECTION: Final = "db.collection.name"
DB_BATCH: Final = "db.operation.batch.size"

MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_DESTINATION: Final = "messaging.destination.name"
MESSAGING_CONSUMER: Final = "messaging.consumer.group.name"
ROUTING_KEY: Final = "messaging.rabbitmq.destination.routing_key"

ERROR_TYPE: Final = "error.type"
