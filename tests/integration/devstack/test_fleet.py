"""Services are born, get ready, are seen again and end; a stranger's process is never touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from shared.devstack import fleet
from shared.devstack.errors import StackProblem
from shared.devstack.layout import Layout
from shared.devstack.ports import free_ports
from shared.devstack.services import Service
from shared.register import Register

MODULE = "tests.integration.devstack.echo_service"


def service(name: str, port: int, *extra: str, forked: bool = True) -> Service:
    return Service(
        name=name,
        module=MODULE,
        arguments=("--port", str(port), *extra),
        environment={"GREETING": f"from {name}", "PATH": "/usr/bin"},
        port=port,
        operations_port=None,
        ready_url=f"http://127.0.0.1:{port}/health/ready",
        forked=forked,
    )


@pytest.fixture
def layout(tmp_path: Path) -> Iterator[Layout]:
    stack = Layout(tmp_path, Register(subgraphs=()))
    stack.logs.mkdir()
    yield stack
    fleet.stop(stack, [file.stem for file in (tmp_path / "run").glob("*.json")])


def bring_up(layout: Layout, *wanted: Service) -> list[str]:
    ready: list[str] = []
    absent = fleet.missing(layout, wanted)
    with fleet.nursery_of(layout, absent) as nursery:
        fleet.start(layout, nursery, absent)
        fleet.wait_until_ready(layout, wanted, lambda one: ready.append(one.name))
    return ready


def test_services_run_as_processes_of_their_own_with_their_own_environment_and_log(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "the launcher's own")
    ports = free_ports(2)
    one, two = service("one", ports[0]), service("two", ports[1], forked=False)

    assert sorted(bring_up(layout, one, two)) == ["one", "two"]

    answers = [httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).json() for port in ports]
    assert answers == [
        {"arguments": ["--port", str(ports[0])], "greeting": "from one", "secret": False},
        {"arguments": ["--port", str(ports[1])], "greeting": "from two", "secret": False},
    ]
    processes = [layout.process(name).find() for name in ("one", "two")]
    assert all(process and process.pid != process.parent() for process in processes)
    assert len({process.pid for process in processes if process}) == 2
    assert "echo is listening" in layout.process("one").last_lines(5)


def test_a_second_start_leaves_alone_what_runs_and_starts_what_is_down(layout: Layout) -> None:
    ports = free_ports(2)
    wanted = (service("one", ports[0]), service("two", ports[1]))
    bring_up(layout, *wanted)
    before = [layout.process(one.name).find() for one in wanted]

    assert fleet.stop(layout, ["two"]) == ["two"]
    bring_up(layout, *wanted)

    assert layout.process("one").find() == before[0]
    assert layout.process("two").find() not in (None, before[1])


def test_a_service_that_dies_is_named_with_its_last_words(layout: Layout) -> None:
    (port,) = free_ports(1)

    with pytest.raises(StackProblem, match="the echo service was told to fail") as raised:
        bring_up(layout, service("weak", port, "--fail"))

    assert raised.value.message.startswith("weak ended right after its start")
    assert str(layout.process("weak").log) in raised.value.remedy


def test_a_port_in_use_is_named_with_its_holder_and_what_to_do(layout: Layout) -> None:
    (port,) = free_ports(1)
    holder = subprocess.Popen([sys.executable, "-m", MODULE, "--port", str(port)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        wanted = [service("late", port)]
        with pytest.raises(StackProblem, match=f"Port {port} is in use by .*{holder.pid}.*late needs it") as raised:
            fleet.missing(layout, wanted)
        assert "PORT_OFFSET" in raised.value.remedy
    finally:
        holder.kill()
        holder.communicate()


def test_a_recycled_pid_is_not_taken_for_ours(layout: Layout) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        record = layout.process("gone").run_file
        record.parent.mkdir()
        started = psutil.Process(stranger.pid).create_time() - 3600
        record.write_text(json.dumps({"pid": stranger.pid, "started": started}), encoding="utf-8")

        assert layout.process("gone").find() is None
        assert fleet.stop(layout, ["gone"]) == []
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")
    assert stranger.returncode == 0
