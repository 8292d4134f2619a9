"""Another planner to compare with, in a Node process of its own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supergraph.node_packages import find_node, install_packages

ROOM = Path(__file__).parent


class NoPlan(Exception):
    """The oracle finds no plan, or breaks down over it."""


class Oracle:
    """Plans one operation after the other over the supergraph that was `read` last."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._supergraph = ""
        self._process = self._start()

    def read(self, supergraph: str) -> None:
        """Plan over another supergraph. Raises NoPlan for one that the oracle cannot read."""
        self._supergraph = supergraph
        answer = self._ask({"supergraph": supergraph})
        if "error" in answer:
            raise NoPlan(answer["error"])

    def plan(self, query: str, labels: Iterable[str] = ()) -> dict[str, Any] | None:
        """The root node of the plan, None where nothing is to be fetched. Raises NoPlan."""
        answer = self._ask({"query": query, "labels": sorted(labels)})
        if "error" in answer:
            raise NoPlan(answer["error"])
        node: dict[str, Any] | None = answer["plan"].get("node")
        return node

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        # A panic in the oracle's native part ends the whole process.
        self.close()
        self._process = self._start()
        self.read(self._supergraph)
        raise NoPlan("the oracle's process ended")

    def _start(self) -> subprocess.Popen[str]:
        command = [self._node, str(ROOM / "plan.mjs")]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )


@contextmanager
def running_oracle() -> Iterator[Oracle]:
    """Raises NodeUnavailable where Node or the package cannot be had."""
    install_packages(ROOM)
    oracle = Oracle(find_node())
    try:
        yield oracle
    finally:
        oracle.close()
