"""The demo data of `./task up`: staff, two shops with a full window, a buyer. Prints the demo logins as JSON.

Staff cannot register: they are made where accounts are kept. Everything else comes in as clients bring it, through the
gateway, so that every event is told and every projection filled.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import httpx

from shared.auth.actor import Role
from shared.db.scope import Scope
from shared.devstack.addresses import with_login
from shared.devstack.bootstrap import DATABASE
from shared.devstack.passwords import load_passwords
from shared.register import load_register
from shared.runtime.resources import open_resources
from supergraph.demo.acts import Offer, become_seller, list_product, open_location, receive, register
from supergraph.demo.client import Client

PASSWORD = "marketplace-demo"  # noqa: S105 — the demo's, printed on the screen.
STAFF = {
    "admin": ("admin@demo.example", "Ada Admin", Role.ADMIN),
    "support": ("support@demo.example", "Sam Support", Role.SUPPORT),
    "finance": ("finance@demo.example", "Fay Finance", Role.FINANCE),
}
SHOPS = {
    "Potters' Yard": (
        "potter@demo.example",
        "Home",
        ["Mug", "Bowl", "Plate", "Teapot", "Vase", "Jug", "Cup", "Dish", "Pot", "Lantern", "Tile", "Candle holder"],
    ),
    "Paper Mill": (
        "paper@demo.example",
        "Office",
        [
            "Notebook",
            "Sketchbook",
            "Envelope",
            "Letter paper",
            "Calendar",
            "Planner",
            "Poster",
            "Card",
            "Album",
            "Folder",
        ],
    ),
}
BUYER = ("buyer@demo.example", "Bea Buyer")


async def seed() -> list[dict[str, str]]:
    """Play everything in; the logins by role."""
    await _ensure_staff()
    url = os.environ["GATEWAY_URL"].removesuffix("/graphql")
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as http:
        admin = Client(http, "Ada Admin")
        await admin.sign_in(STAFF["admin"][0], PASSWORD)
        buyer = Client(http, BUYER[1])
        await asyncio.gather(
            register(buyer, BUYER[0], PASSWORD),
            *[_open_shop(http, admin, name, *shop) for name, shop in SHOPS.items()],
        )
    logins = [(role, email) for role, (email, _, _) in STAFF.items()]
    logins += [(f"seller, {name}", shop[0]) for name, shop in SHOPS.items()]
    logins.append(("buyer", BUYER[0]))
    return [{"role": role, "email": email, "password": PASSWORD} for role, email in logins]


async def _open_shop(
    http: httpx.AsyncClient, admin: Client, name: str, email: str, category: str, titles: Sequence[str]
) -> None:
    owner = Client(http, f"The owner of {name}")
    await register(owner, email, PASSWORD)
    await become_seller(owner, admin, name, email, PASSWORD)
    made = await admin.do("createCategory", "category { id }", name=category)
    location_id = await open_location(owner, "Warehouse")
    for number, title in enumerate(titles):
        offer = Offer(title, f"A fine {title.lower()}, made by hand.", (900 + 150 * number, 1400 + 150 * number), 25)
        listed = await list_product(owner, offer, category_id=made["category"]["id"])
        await receive(owner, location_id, listed.variants, offer.units)


async def _ensure_staff() -> None:
    accounts = importlib.import_module("subgraphs.accounts.app")
    secrets = Path(os.environ["SECRETS_DIRECTORY"])
    password = load_passwords(secrets / "passwords.json", load_register()).postgres["accounts"]
    settings = accounts.SETTINGS(
        postgres_url=with_login(os.environ["POSTGRES_ADMIN_URL"], "accounts", password, path=DATABASE),
        redis_url=os.environ["REDIS_URL"],
        rabbitmq_url=os.environ["RABBITMQ_ADMIN_URL"],
        gateway_jwks_file=secrets / "gateway.jwks.json",
        access_token_key_file=secrets / "accounts.pem",
        sealing_public_key_file=secrets / "sealing.pub",
    )
    async with open_resources("accounts", settings) as resources:
        service = accounts.build_service(resources)
        for email, name, role in STAFF.values():
            async with resources.database.unit_of_work(Scope.ALL) as uow:
                await service.ensure_user(uow, email, PASSWORD, name, [role])


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(seed())))
