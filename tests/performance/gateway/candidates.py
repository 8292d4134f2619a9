"""Who is measured, and how each is started: as its documentation says, with sharing of requests in flight switched off."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from shared.register import PROJECT_ROOT
from tests.conformance.access_tokens import access_token
from tests.performance.gateway.graph import SDL_FILES

PEERS = Path(__file__).parent / "peers"
INSTALL_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Candidate:
    """`command` holds `{port}` where the port goes. A `peer` may be missing; `absent` says why it is."""

    name: str
    command: Sequence[str] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    peer: bool = False
    absent: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """Where things lie: the run's folder, the supergraph in it, and the subgraphs' URL."""

    directory: Path
    supergraph: Path
    subgraphs_url: str


def ours(scene: Scene) -> list[Candidate]:
    """The gateway twice, and the floor with the gateway's projection and with one written by hand."""
    python = {"PYTHONPATH": str(PROJECT_ROOT)}
    gateway = [sys.executable, "-m", "gateway", "--supergraph", str(scene.supergraph), "--port", "{port}", "--config"]
    floor = [sys.executable, "-m", "tests.performance.gateway.floor"]
    plain: dict[str, Any] = {"traffic": {"all": {"share_in_flight": False}}}
    plenty = {"per_minute": 100_000_000, "burst": 1_000_000}
    guarded = plain | {
        "authentication": {"jwks_url": f"{scene.subgraphs_url}/jwks", "issuer": "accounts", "audience": "shop"},
        "rate_limit": {"requests": plenty, "root_fields": {"topProducts": plenty}},
        # Nobody listens there and nothing is sent: no trace is sampled.
        "tracing": {"otlp_endpoint": scene.subgraphs_url},
    }
    token = {"authorization": f"Bearer {access_token(exp=4_000_000_000)}"}
    return [
        Candidate("floor", [*floor, "projected", "{port}", scene.subgraphs_url], environment=python),
        Candidate("floor, projected by hand", [*floor, "by-hand", "{port}", scene.subgraphs_url], environment=python),
        Candidate("gateway", [*gateway, _settings(scene, "bare", plain)], environment=python),
        Candidate(
            "gateway, guarded",
            [*gateway, _settings(scene, "guarded", guarded)],
            headers=token,
            environment=python | {"OTEL_TRACES_SAMPLER_ARG": "0"},
        ),
    ]


def _settings(scene: Scene, name: str, settings: Mapping[str, Any]) -> str:
    path = scene.directory / f"{name}.yaml"
    path.write_text(yaml.safe_dump(dict(settings)), encoding="utf-8")
    return str(path)


def peers(scene: Scene, installed: Path) -> list[Candidate]:
    """The peers from the npm registry, installed below `installed` first where they are not yet."""
    names = ["grafbase (Rust)", "apollo-gateway", "hive-gateway", "hive-gateway, Rust planner"]
    problem = _install(installed)
    if problem is not None:
        return [Candidate(name, peer=True, absent=problem) for name in names]
    hive = [
        *("node", str(installed / "node_modules/@graphql-hive/gateway/dist/bin.js"), "supergraph"),
        *(str(scene.supergraph), "--host", "127.0.0.1", "--port", "{port}", "--polling", "1h", "--disable-websockets"),
        *("--config-path", str(installed / "hive.config.mjs")),
    ]
    apollo = ["node", str(installed / "apollo.mjs"), "{port}", str(scene.supergraph)]
    production = {"NODE_ENV": "production"}
    return [
        _grafbase(names[0], scene, installed),
        Candidate(names[1], apollo, environment=production, peer=True),
        Candidate(names[2], hive, environment=production, peer=True),
        Candidate(names[3], [*hive, "--hive-router-runtime"], environment=production, peer=True),
    ]


def _grafbase(name: str, scene: Scene, installed: Path) -> Candidate:
    binary = installed / "node_modules/@grafbase/cli-x86_64-unknown-linux-musl/grafbase"
    if not binary.exists():
        return Candidate(name, peer=True, absent=f"its package ships no binary for {platform.machine()}")
    parts = [
        f'[subgraphs.{subgraph}]\nurl = "{scene.subgraphs_url}/{subgraph}"\nschema_path = "{path}"\n'
        for subgraph, path in SDL_FILES.items()
    ]
    config = scene.directory / "grafbase.toml"
    config.write_text("\n".join([*parts, "[traffic_shaping]\ninflight_deduplication = false\n"]), encoding="utf-8")
    home = str(scene.directory / "grafbase-home")
    address = ["--listen-address", "127.0.0.1:{port}"]
    return Candidate(name, [str(binary), "--home", home, "dev", "--config", str(config), *address], peer=True)


def _install(directory: Path) -> str | None:
    """Install the peers; why they cannot be had, or None."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return "node and npm are not on the PATH"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = (PEERS / "package.json").read_bytes()
    manifest = directory / "package.json"
    done = directory / "installed.json"
    for file in PEERS.iterdir():
        shutil.copyfile(file, directory / file.name)
    if done.exists() and done.read_bytes() == wanted:
        return None
    try:
        # No package's own script runs: what is measured is what the registry holds.
        run = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"],
            cwd=directory,
            env=os.environ,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"npm install took longer than {INSTALL_SECONDS} s"
    if run.returncode:
        return f"npm install failed: {run.stderr.strip()[-200:]}"
    done.write_bytes(manifest.read_bytes())
    return None
