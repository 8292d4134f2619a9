from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import pytest

from shared.errors import Conflict
from shared.telemetry.context import Correlation, bind
from shared.telemetry.logs import JsonFormatter, configure_logging
from tests.fixtures.recorded import a_root, place_of

TRACE = "0af7651916cd43dd8448eb211c80319c"
CANARY = "canary-7f3d"


def written(
    message: Any, *arguments: Any, name: str = "shared.test", error: BaseException | None = None, **extra: Any
) -> Any:
    """The line of a record."""
    error_info = (type(error), error, error.__traceback__) if error else None
    record = logging.getLogger(name).makeRecord(
        name, logging.ERROR, "file", 1, message, arguments, error_info, extra=extra
    )
    return json.loads(JsonFormatter("orders-api").format(record))


def raised(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def test_a_line_tells_who_what_and_which_request_and_trace() -> None:
    with bind(Correlation("story", None, f"00-{TRACE}-b7ad6b7169203331-00")):
        line = written("relay round failed", domain="orders", attempts=3)
    assert line.pop("at").endswith("Z")
    assert line == {
        "level": "ERROR",
        "service": "orders-api",
        "logger": "shared.test",
        "message": "relay round failed",
        "correlation_id": "story",
        "trace_id": TRACE,
        "domain": "orders",
        "attempts": 3,
    }
    with a_root() as root:
        line = written("recorded")
    assert (line["trace_id"], line["span_id"]) == (f"{place_of(root).trace_id:032x}", f"{place_of(root).span_id:016x}")
    assert not {"correlation_id", "trace_id", "span_id"} & written("at the start").keys()


@pytest.mark.parametrize(
    "text",
    [
        "mail to jane.doe+x@example.com failed",
        "Bearer abc.def",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJqYW5lIn0.c2lnbmF0dXJl",
        "postgresql://orders:s3cret@127.0.0.1:5432/marketplace",
        "amqp://orders@127.0.0.1",
        "key mkp_q5NfQ2tUhV0Yx7cD1eLrBw3o",
        "paid with 4111 1111 1111 1111",
    ],
)
def test_what_looks_like_a_secret_or_a_person_is_taken_out_of_any_text(text: str) -> None:
    for line in (written(text), written("it failed", detail=text), written("it failed", parts=[{"inner": text}])):
        logged = json.dumps(line)
        assert "[redacted]" in logged
        secrets = ("jane", "abc", "eyJ", "s3cret", "orders@", "orders:", "mkp_", "4111")
        assert not [secret for secret in secrets if secret in logged]


@pytest.mark.parametrize(
    "name", ["password", "refresh_token", "Authorization", "cookie", "apiKey", "email", "address", "card"]
)
def test_what_is_named_as_a_secret_is_taken_out_whatever_it_looks_like(name: str) -> None:
    extra: dict[str, Any] = {name: CANARY}
    assert written("it failed", **extra)[name] == "[redacted]"
    assert written("it failed", input={name: [CANARY]})["input"] == {name: "[redacted]"}


def test_ids_and_figures_stay_as_they_are() -> None:
    order, digits = "7f9c24e8-3b12-4fef-91e0-56a2d5a1b2c3", "1732662000123456789"
    assert written("moved", order=order, figure=digits, ratio=0.5, none=None, on=True)["order"] == order
    assert written("moved", figure=digits)["figure"] == digits


def test_an_exception_is_told_by_type_code_and_place_and_never_by_its_text() -> None:
    def work() -> None:
        try:
            int(CANARY)
        except ValueError as error:
            raise Conflict("SKU_TAKEN", f"{CANARY} is taken") from error

    line = written("resolver failed", error=raised(work))
    assert CANARY not in json.dumps(line)
    found = line["exception"]
    assert (found["type"], found["code"], found["cause"]["type"]) == (
        "shared.errors.Conflict",
        "SKU_TAKEN",
        "ValueError",
    )
    assert found["stack"][-1].startswith("tests/unit/shared/test_logs.py:")
    assert found["stack"][-1].endswith(" in work")


def test_an_exception_beside_a_message_is_one_word_and_its_code() -> None:
    assert (
        written("away", reason=ConnectionRefusedError(111, CANARY))["reason"] == "ConnectionRefusedError(ECONNREFUSED)"
    )
    assert written("away", reason=KeyError(CANARY))["reason"] == "KeyError"


def test_a_librarys_message_is_its_first_line_without_what_it_quotes() -> None:
    asked = ("Uvicorn running on %s://%s:%d", "http", "127.0.0.1", 4101)
    assert written(*asked, name="uvicorn.error")["message"] == "Uvicorn running on http://127.0.0.1:4101"
    told = written(f"Task exception was never retrieved\nfuture: <exception=ValueError({CANARY})>", name="asyncio")
    assert told["message"] == "Task exception was never retrieved"
    assert CANARY not in json.dumps(written("failed with %s", ValueError(CANARY), name="aiormq"))
    assert CANARY not in json.dumps(written(f"bad value '{CANARY}'", name="library"))
    assert written("no %d", "number", name="library")["message"] == "no %d"


def test_whatever_ends_a_process_or_a_task_is_such_a_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a configured process, whose settings are put back afterwards
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers[:])
    monkeypatch.setattr(root, "level", root.level)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    configure_logging("orders-worker")
    try:
        # when an exception ends it, and another one is met by the loop alone
        error = raised(lambda: int(CANARY))
        sys.excepthook(type(error), error, error.__traceback__)
        loop = asyncio.new_event_loop()
        loop.call_exception_handler({"message": f"lost\n{CANARY}", "exception": error})
        loop.close()
    finally:
        logging.captureWarnings(False)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["logger"], line["exception"]["type"]) for line in lines] == [
        ("CRITICAL", "shared.telemetry.logs", "ValueError"),
        ("ERROR", "asyncio", "ValueError"),
    ]
    assert CANARY not in json.dumps(lines)
