"""`python -m tests.performance.gateway`: measure the gateway beside a floor and its peers, in one run on pinned cores."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import uvloop
from jwt.algorithms import OKPAlgorithm

from shared.devstack.ports import free_ports
from shared.register import PROJECT_ROOT
from tests.conformance.access_tokens import ACCOUNTS
from tests.performance.gateway.candidates import Candidate, Scene, ours, peers
from tests.performance.gateway.cold import cold_ms
from tests.performance.gateway.graph import QUERIES, write_supergraph
from tests.performance.gateway.measure import CLIENTS, Entry, WrongAnswer, check, memory, run_rounds, summary
from tests.performance.gateway.planning_bounds import planning_bounds
from tests.performance.gateway.processes import NotStarted, Pinned, cores, start
from tests.performance.gateway.report import between, chart, table

FOLDER = Path(__file__).parent.parent
SCRATCH = PROJECT_ROOT / ".stack" / "bench"
MARKS = ("<!-- figures -->", "<!-- end of figures -->")


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    try:
        results = uvloop.run(_measure(options))
    except (NotStarted, WrongAnswer) as error:
        say(f"bench: {error}")
        return 1
    text = table(results)
    print(f"\n{text}")  # noqa: T201 - the result is for the screen.
    _write(SCRATCH, results)
    if options.record:
        _write(FOLDER / "results", results)
        readme = FOLDER / "README.md"
        readme.write_text(between(readme.read_text(encoding="utf-8"), MARKS, text), encoding="utf-8")
    return 0


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.performance.gateway", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each candidate at each query (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a turn (default 2)")
    parser.add_argument("--memory-requests", type=int, default=100_000, help="requests while memory is watched")
    parser.add_argument(
        "--without-peers", action="store_true", help="the floor and the gateway alone; nothing installed"
    )
    parser.add_argument("--record", action="store_true", help="put the figures into this folder's README and results/")
    return parser


async def _measure(options: argparse.Namespace) -> dict[str, Any]:
    measured_core, other_core = cores()
    os.sched_setaffinity(0, {other_core})
    with ExitStack() as running:
        scene = await _scene(running, other_core)
        candidates = ours(scene) + ([] if options.without_peers else peers(scene, SCRATCH / "peers"))
        absent = {one.name: one.absent for one in candidates if one.absent is not None}
        entries = []
        for candidate in candidates:
            if candidate.absent is None:
                entry = await _start(candidate, scene, measured_core, running)
                if isinstance(entry, Entry):
                    entries.append(entry)
                else:
                    absent[candidate.name] = entry
        await run_rounds(entries, rounds=options.rounds, seconds=options.seconds, say=say)
        bare = next(entry for entry in entries if entry.candidate.name == "gateway")
        say("memory")
        samples = await memory(bare, requests=options.memory_requests)
        reordered = {one.candidate.name: sorted(one.reordered) for one in entries if one.reordered}
    say("cold operations")
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "architecture": platform.machine()},
        "clients": CLIENTS,
        "rounds": options.rounds,
        "seconds_a_turn": options.seconds,
        "queries": {query: {e.candidate.name: summary(e.turns[query]) for e in entries} for query in QUERIES},
        "absent": absent,
        "other_field_order": reordered,
        "cold_ms": cold_ms(),
        "planning_bounds": planning_bounds(),
        "memory": samples,
    }


async def _scene(running: ExitStack, core: int) -> Scene:
    """The subgraphs, served on the core that is not measured."""
    (port,) = free_ports(1)
    key = {**OKPAlgorithm.to_jwk(ACCOUNTS.public_key(), as_dict=True), "kid": "k1"}
    keys = SCRATCH / "jwks.json"
    keys.write_bytes(orjson.dumps({"keys": [key]}))
    command = [sys.executable, "-m", "tests.performance.gateway.subgraph_server", str(port), str(keys)]
    environment = {"PYTHONPATH": str(PROJECT_ROOT)}
    server = start("subgraphs", command, port=port, core=core, directory=SCRATCH, environment=environment)
    running.callback(server.stop)
    await server.listening()
    url = f"http://127.0.0.1:{port}"
    return Scene(SCRATCH, write_supergraph(SCRATCH / "supergraph.graphql", url), url)


async def _start(candidate: Candidate, scene: Scene, core: int, running: ExitStack) -> Entry | str:
    """A candidate that answers right, or why there is none. Only one of ours may not be missing."""
    (port,) = free_ports(1)
    process = start(
        candidate.name.replace(" ", "-").replace(",", ""),
        [part.replace("{port}", str(port)) for part in candidate.command],
        port=port,
        core=core,
        directory=scene.directory,
        environment=candidate.environment,
    )
    running.callback(process.stop)
    try:
        return await _checked(Entry(candidate, process))
    except (NotStarted, WrongAnswer, OSError) as error:
        if not candidate.peer:
            raise
        process.stop()
        return " ".join(str(error).split())


async def _checked(entry: Entry) -> Entry:
    process: Pinned = entry.process
    await process.listening()
    await check(entry)
    say(f"{entry.candidate.name} answers right")
    return entry


def _write(folder: Path, results: dict[str, Any]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "gateway.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "gateway.svg").write_text(chart(results), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
