"""`task partner:new` lets a partner's program in, `task partner:publish` says what it may ask. Both speak to a person."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from gateway.persisted.manifest import ManifestError, read_manifest
from supergraph.composition import SUPERGRAPH_FILE
from supergraph.demo.client import Client, StoryBroken
from supergraph.manifests import OPERATIONS, misfits, publish

_DOWN = "The marketplace does not answer. Start it: ./task up\n"


async def new(name: str, scopes: list[str], limits: Mapping[str, int | None]) -> str:
    """The key of a new API client. Raises StoryBroken where the graph refuses it."""
    logins = json.loads((Path(os.environ["SECRETS_DIRECTORY"]) / "logins.json").read_text(encoding="utf-8"))
    admin = next(login for login in logins if login["role"] == "admin")
    base = os.environ["GATEWAY_URL"].removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=base, trust_env=False, timeout=30) as http:
        client = Client(http, "The admin")
        await client.sign_in(admin["email"], admin["password"])
        key: str = (await client.do("createApiClient", "key", name=name, scopes=scopes, **limits))["key"]
        return key


def publish_file(file: Path, client: str, directory: Path = OPERATIONS) -> int:
    """Exit status 0 where the manifest is in force, 1 with one line for each thing that is wrong with it."""
    try:
        content = file.read_bytes()
        manifest = read_manifest(client, content)
    except (OSError, ManifestError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = misfits([manifest], SUPERGRAPH_FILE.read_text(encoding="utf-8"))
    if found:
        sys.stderr.write("Nothing is published: the graph cannot serve all of it.\n")
        sys.stderr.writelines(f"  {misfit}\n" for misfit in found)
        return 1
    published = publish(manifest, content, directory)
    sys.stdout.write(
        f"{len(manifest.operations)} operations of {client} are published in {published.parent.name}/{published.name}.\n"
        "A running gateway takes them up within seconds; commit the file to keep them.\n"
    )
    return 0


def main() -> int:
    arguments = _parser().parse_args()
    if arguments.command == "publish":
        return publish_file(arguments.file, arguments.client)
    if not {"GATEWAY_URL", "SECRETS_DIRECTORY"} <= os.environ.keys():
        sys.stderr.write(_DOWN)
        return 2
    limits = {
        "requestsPerMinute": arguments.per_minute,
        "operationsPerDay": arguments.per_day,
        "operationsPerMonth": arguments.per_month,
    }
    try:
        key = asyncio.run(new(arguments.name, arguments.scopes, limits))
    except StoryBroken as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    except httpx.TransportError:
        sys.stderr.write(_DOWN)
        return 1
    sys.stdout.write(
        f"{arguments.name} may ask with this key, which is shown this once:\n\n  {key}\n\n"
        f"Send it as `x-api-key`. What it may ask: ./task partner:publish FILE --client {arguments.name}\n"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="task partner", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    let_in = commands.add_parser("new", help="let a partner's program in and show its key")
    let_in.add_argument("name", help="lower-case letters, digits and dashes; given once")
    let_in.add_argument("--scopes", nargs="*", default=[], metavar="SCOPE", help="what it may read beyond everybody's")
    let_in.add_argument("--per-minute", type=int, default=600, help="requests a minute (600)")
    let_in.add_argument("--per-day", type=int, help="operations a day (no quota)")
    let_in.add_argument("--per-month", type=int, help="operations a month (no quota)")
    put = commands.add_parser("publish", help="check a manifest against the graph and put it in force")
    put.add_argument("file", type=Path, help="Apollo's manifest version 1, or a JSON map of ids to texts")
    put.add_argument("--client", required=True, help="whose manifest it is")
    return parser


if __name__ == "__main__":
    sys.exit(main())
