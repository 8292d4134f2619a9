"""Which ports are free, which are taken and by whom."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import psutil

from shared.devstack.errors import StackProblem

LOOPBACK = "127.0.0.1"


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; held together while they are picked, so that all differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def is_open(port: int) -> bool:
    """Whether something accepts connections on that loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def require_free(port: int, *, wanted_by: str, remedy: str = "") -> None:
    """Raises StackProblem naming the process that has the port, as far as the system tells."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise StackProblem(
                f"Port {port} is in use by {_holder(port)}; {wanted_by} needs it.",
                remedy=f"End that process, then run the command again.{' ' + remedy if remedy else ''}",
            ) from error


def wait_until(ready: Callable[[], bool], *, alive: Callable[[], bool], seconds: float) -> bool:
    """Polls `ready` until it holds. False where `alive` ceases to hold or the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return True
        if not alive():
            return False
        time.sleep(0.05)
    return False


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
            if listens and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        pass
    return "another process"
