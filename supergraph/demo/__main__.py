"""`./task demo`: the whole story through the gateway, as clients play it. Exit status 0 only if every figure balances."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import httpx
from rich.console import Console

from supergraph.demo.client import StoryBroken
from supergraph.demo.story import Story
from supergraph.demo.timeline import Timeline


async def play() -> bool:
    """True where the story came to its end and every figure balances."""
    console = Console(width=120 if not sys.stdout.isatty() else None)
    timeline = Timeline(console)
    logins = json.loads((Path(os.environ["SECRETS_DIRECTORY"]) / "logins.json").read_text(encoding="utf-8"))
    staff = {login["role"]: (login["email"], login["password"]) for login in logins}
    async with (
        httpx.AsyncClient(
            base_url=os.environ["GATEWAY_URL"].removesuffix("/graphql"), trust_env=False, timeout=30
        ) as graph,
        httpx.AsyncClient(base_url=os.environ["MAIL_SINK_URL"], trust_env=False, timeout=30) as mail,
    ):
        story = Story(graph, mail, timeline, staff)
        try:
            await story.play()
        except StoryBroken as broken:
            console.print(f"\n[red]The story broke off:[/red] {broken}", markup=True)
            return False
        except httpx.TransportError as error:
            console.print(f"\n[red]The marketplace does not answer:[/red] {error}\nWhat is down: ./task status")
            return False
    return timeline.end()


def main() -> int:
    missing = [name for name in ("GATEWAY_URL", "MAIL_SINK_URL", "SECRETS_DIRECTORY") if name not in os.environ]
    if missing:
        sys.stderr.write("Start the marketplace first: ./task up. Then: ./task demo\n")
        return 2
    if not (Path(os.environ["SECRETS_DIRECTORY"]) / "logins.json").exists():
        sys.stderr.write("There is no demo data yet. Bring it in: ./task up. Then: ./task demo\n")
        return 2
    return 0 if asyncio.run(play()) else 1


if __name__ == "__main__":
    sys.exit(main())
