"""What the chart renders, run: pgBouncer, a subgraph and the gateway with its own files, and TLS between all of them.

Only what a cluster gives is put in place: names become addresses of this machine, mounted files lie in a folder.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from shared.devstack.keys import ensure_keys
from shared.devstack.ports import free_ports
from shared.devstack.processes import tie
from shared.devstack.servers.packages import require_package
from shared.devstack.servers.pgbouncer import PROGRAM
from shared.devstack.servers.reachable import NOBODY, reachable_directory, unprivileged
from shared.devstack.services import inherited
from shared.register import PROJECT_ROOT, load_register
from shared.testing.eventually import eventually
from shared.testing.servers import DomainDatabase, Servers
from shared.tls import TlsFiles, client_context
from tests.fixtures.chart.rendering import filled, rendered
from tests.integration.tls.postgres import postgres_with_tls

CHART = rendered("default")
QUERY = {"query": "{ products(first: 1) { edges { node { id } } } }"}


@dataclass
class Cluster:
    """Runs pods on this machine; `addresses` has for what the chart says what is said here."""

    folder: Path
    servers: Servers
    addresses: Mapping[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, pod: str, command: list[str], environment: Mapping[str, str], files: Mapping[str, str]) -> None:
        """With certificate, keys and authorities as mounted; `files` are written beside them, by their place in the pod.

        No root, as in the cluster: who is root here runs pgBouncer, which refuses it, as nobody.
        """
        home = self.folder / pod
        self.mount(pod)
        for place, content in files.items():
            self._write(Path(self._here(place, home)), self._here(content, home))
        given = inherited() | {name: self._here(value, home) for name, value in environment.items()}
        with (self.folder / f"{pod}.log").open("wb") as log:
            prefix = unprivileged() if pod == "pgbouncer" else []
            arguments = [*prefix, *tie(tied=True), *(self._here(part, home) for part in command)]
            self.running.append(
                subprocess.Popen(arguments, cwd=PROJECT_ROOT, env=given, stdout=log, stderr=subprocess.STDOUT)
            )

    def files(self, pod: str) -> TlsFiles:
        """Those that the pod shows and believes."""
        tls = self.folder / pod / "tls"
        return TlsFiles(tls / "tls.crt", tls / "tls.key", authorities=tls / "ca.crt")

    def stop(self) -> None:
        for process in self.running:
            # They would announce their stop to nobody for seconds.
            process.kill()
            process.wait()

    def mount(self, pod: str) -> None:
        """Certificate and keys, anew each time, as a renewal does."""
        home = self.folder / pod
        issued = self.servers.authority.issue(f"chart-{pod}")
        authority = self.servers.authority.file.read_text(encoding="utf-8")
        self._write(home / "tls" / "tls.crt", issued.certificate.read_text(encoding="utf-8"))
        self._write(home / "tls" / "tls.key", issued.key.read_text(encoding="utf-8"))
        for place in ("tls/ca.crt", "authorities/postgres.crt", "authorities/redis.crt", "authorities/rabbitmq.crt"):
            self._write(home / place, authority)
        ensure_keys(self.folder / "keys", load_register())
        shutil.copytree(self.folder / "keys", home / "secrets", dirs_exist_ok=True)

    def _here(self, text: str, home: Path) -> str:
        places = {"/etc/marketplace/": f"{home}/", "/etc/pgbouncer/": f"{home}/"}
        for there, here in (places | dict(self.addresses)).items():
            text = text.replace(there, here)
        return text

    def _write(self, file: Path, content: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        if os.geteuid() == 0:
            os.chown(file, NOBODY, NOBODY)


@pytest.fixture
async def cluster(
    servers: Servers, database_for: Callable[[str], DomainDatabase]
) -> AsyncIterator[tuple[Cluster, dict[str, int]]]:
    """pgBouncer, catalog's API and the gateway, as rendered; and their ports here."""
    require_package("pgbouncer", program=PROGRAM, choices="As an administrator: apt-get install pgbouncer")
    database = database_for("catalog")
    ports = dict(zip(("pgbouncer", "api", "operations", "gateway"), free_ports(4), strict=True))
    addresses = {
        "host=postgres port=5432 dbname=marketplace": (
            f"host=127.0.0.1 port={servers.postgres.port} dbname={database.name}"
        ),
        "listen_port = 6432": f"listen_port = {ports['pgbouncer']}",
        "shop-pgbouncer:6432": f"127.0.0.1:{ports['pgbouncer']}",
        "shop-catalog-api:4103": f"127.0.0.1:{ports['api']}",
        "port: 4000": f"port: {ports['gateway']}",
        "0.0.0.0": "127.0.0.1",
        "sleep 60": "sleep 0.2",
        "exec pgbouncer": f"exec {PROGRAM}",
    }
    word = {"catalog": servers.passwords.postgres["catalog"]}
    there = Cluster(reachable_directory(servers.directory / "chart"), servers, addresses)
    try:
        async with postgres_with_tls(servers, servers.authority.issue("store", hosts=["127.0.0.1"])):
            users = CHART.get("ExternalSecret", "pgbouncer")["spec"]["target"]["template"]["data"]["userlist.txt"]
            settings = CHART.get("ConfigMap", "pgbouncer")["data"]["pgbouncer.ini"]
            there.start(
                "pgbouncer",
                CHART.pods["pgbouncer"]["spec"]["containers"][0]["command"],
                {},
                {"/etc/pgbouncer/pgbouncer.ini": settings, "/etc/pgbouncer/userlist.txt": filled(users, word)},
            )
            api = CHART.environment("catalog-api", postgres_password=word["catalog"])
            moved = {"PORT": str(ports["api"]), "OPERATIONS_PORT": str(ports["operations"])}
            there.start("catalog-api", [sys.executable, *_arguments("catalog-api")], api | moved, {})
            file = {"/etc/marketplace/gateway/gateway.yaml": CHART.get("ConfigMap", "gateway")["data"]["gateway.yaml"]}
            there.start("gateway", [sys.executable, *_arguments("gateway")], CHART.environment("gateway"), file)
            yield there, ports
    finally:
        there.stop()


def _arguments(pod: str) -> list[str]:
    command: list[str] = CHART.pods[pod]["spec"]["containers"][0]["command"]
    assert command[0] == "python"
    return command[1:]


async def test_a_query_goes_by_tls_from_the_client_to_postgres_with_the_charts_own_files(
    cluster: tuple[Cluster, dict[str, int]],
) -> None:
    there, ports = cluster
    believing = client_context(TlsFiles(authorities=there.files("gateway").authorities))
    async with httpx.AsyncClient(verify=believing, trust_env=False, timeout=10) as client:
        # as kubelet probes and clients call
        await eventually("ready", lambda: _ready(client, ports["operations"], ports["gateway"]), patience=60)

        answer = await client.post(f"https://127.0.0.1:{ports['gateway']}/graphql", json=QUERY)

        assert answer.json() == {"data": {"products": {"edges": []}}}
        assert answer.status_code == 200
        # and the subgraph speaks neither with who has no certificate of the gateway's nor in plain text
        with pytest.raises((httpx.TransportError, ssl.SSLError)):
            await client.post(f"https://127.0.0.1:{ports['api']}/graphql", json=QUERY)
        with pytest.raises(httpx.TransportError):
            await client.post(f"http://127.0.0.1:{ports['api']}/graphql", json=QUERY)
    async with httpx.AsyncClient(verify=client_context(there.files("gateway")), trust_env=False) as caller:
        refused = await caller.post(f"https://127.0.0.1:{ports['api']}/graphql", json=QUERY)
        assert refused.json()["errors"][0]["extensions"]["code"] == "INTERNAL_TOKEN_REQUIRED"


async def test_a_pooler_shows_a_renewed_certificate_without_a_restart(
    cluster: tuple[Cluster, dict[str, int]],
) -> None:
    there, ports = cluster
    await eventually("pooling", lambda: _certificate(ports["pgbouncer"]), patience=30)
    before = await _certificate(ports["pgbouncer"])

    there.mount("pgbouncer")

    async def renewed() -> bool:
        return await _certificate(ports["pgbouncer"]) not in {None, before}

    await eventually("the renewed certificate", renewed, patience=30)


async def _certificate(port: int) -> bytes | None:
    """What the pooler shows whoever wants TLS (PostgreSQL's protocol, SSLRequest); None while it does not listen."""
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return None
    try:
        writer.write(bytes((0, 0, 0, 8, 4, 210, 22, 47)))
        if await reader.read(1) != b"S":
            return None
        await writer.start_tls(anybody)
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown
    finally:
        writer.close()


async def _ready(client: httpx.AsyncClient, *ports: int) -> bool:
    try:
        found = [await client.get(f"https://127.0.0.1:{port}/health/ready") for port in ports]
    except httpx.TransportError:
        return False
    return all(answer.status_code == 200 for answer in found)
