"""The demo data of `./task up`: staff, two shops with a full window, a buyer. Prints the demo logins as JSON.

Staff cannot register: they are made where accounts are kept. Everything else comes in as clients bring it, through the
gateway, so that every event is told and every projection filled. Run again, it adds what is missing: an interrupted seed goes on.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx

from shared.auth.actor import Role
from shared.db.scope import Scope
from shared.devstack.addresses import with_login
from shared.devstack.bootstrap import DATABASE
from shared.devstack.passwords import load_passwords
from shared.register import load_register
from shared.runtime.resources import open_resources
from supergraph.demo.acts import (
    Offer,
    approve,
    become_seller,
    create_product,
    open_location,
    publish,
    receive,
    sign_in_as_seller,
    submit_documents,
)
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
            _ensure_registered(buyer, BUYER[0]),
            *[_open_shop(http, admin, name, *shop) for name, shop in SHOPS.items()],
        )
    return demo_logins()


def demo_logins() -> list[dict[str, str]]:
    """Who may sign in once everything is played in."""
    logins = [(role, email) for role, (email, _, _) in STAFF.items()]
    logins += [(f"seller, {name}", shop[0]) for name, shop in SHOPS.items()]
    logins.append(("buyer", BUYER[0]))
    return [{"role": role, "email": email, "password": PASSWORD} for role, email in logins]


async def _open_shop(
    http: httpx.AsyncClient, admin: Client, name: str, email: str, category: str, titles: Sequence[str]
) -> None:
    owner = Client(http, f"The owner of {name}")
    await _ensure_registered(owner, email)
    seller_id = await _ensure_seller(owner, admin, name, email)
    category_id, location_id = await _ensure_category(admin, category), await _ensure_location(owner)
    listed = await _listed(owner, seller_id)
    for number, title in enumerate(titles):
        offer = Offer(title, f"A fine {title.lower()}, made by hand.", (900 + 150 * number, 1400 + 150 * number), 25)
        product = listed.get(title) or await create_product(owner, offer, category_id=category_id)
        await publish(owner, product)
        empty = [v["id"] for v in product["variants"] if not (v.get("availability") or {}).get("available")]
        await receive(owner, location_id, empty, offer.units)


async def _ensure_registered(person: Client, email: str) -> None:
    """A seed that was interrupted goes on: who is there already signs in."""
    values = {"email": email, "password": PASSWORD, "displayName": person.name}
    await person.retry("register", "user { id }", "EMAIL_TAKEN", **values)
    await person.sign_in(email, PASSWORD)


async def _ensure_seller(owner: Client, admin: Client, shop: str, email: str) -> str:
    """The seller's id; it is approved, and its owner's token says so."""
    found = (await owner.ask("{ mySeller { id status } }"))["mySeller"]
    if found is None:
        return await become_seller(owner, admin, shop, email, PASSWORD)
    seller_id: str = found["id"]
    if found["status"] == "APPLIED":
        await submit_documents(owner, seller_id)
    if found["status"] in {"APPLIED", "IN_REVIEW"}:
        await approve(admin, seller_id)
    await sign_in_as_seller(owner, email, PASSWORD)
    return seller_id


async def _ensure_category(admin: Client, name: str) -> str:
    found = (await admin.ask("query($slug: String!) { category(slug: $slug) { id } }", {"slug": name.lower()}))[
        "category"
    ]
    made = found or (await admin.do("createCategory", "category { id }", name=name))["category"]
    category_id: str = made["id"]
    return category_id


async def _ensure_location(owner: Client) -> str:
    edges = (await owner.ask("{ stockLocations(first: 1) { edges { node { id } } } }"))["stockLocations"]["edges"]
    return edges[0]["node"]["id"] if edges else await open_location(owner, "Warehouse")


async def _listed(owner: Client, seller_id: str) -> dict[str, Any]:
    """The shop's products by title, drafts included."""
    query = """query($filter: ProductFilter!) { products(first: 100, filter: $filter) { edges { node {
        id title status variants { id availability { available } } } } } }"""
    wanted = {"sellerId": seller_id, "status": ["DRAFT", "SUBMITTED", "PUBLISHED"]}
    edges = (await owner.ask(query, {"filter": wanted}))["products"]["edges"]
    return {edge["node"]["title"]: edge["node"] for edge in edges}


async def _ensure_staff() -> None:
    accounts = importlib.import_module("subgraphs.accounts.app")
    settings = accounts.SETTINGS() if "ACCESS_TOKEN_KEY_FILE" in os.environ else _settings_of_the_stack(accounts)
    async with open_resources("accounts", settings) as resources:
        service = accounts.build_service(resources)
        for email, name, role in STAFF.values():
            async with resources.database.unit_of_work(Scope.ALL) as uow:
                await service.ensure_user(uow, email, PASSWORD, name, [role])


def _settings_of_the_stack(accounts: ModuleType) -> Any:
    """On a developer's machine, out of what an operator's command is told; a container has the service's own environment."""
    secrets = Path(os.environ["SECRETS_DIRECTORY"])
    password = load_passwords(secrets / "passwords.json", load_register()).postgres["accounts"]
    return accounts.SETTINGS(
        postgres_url=with_login(os.environ["POSTGRES_ADMIN_URL"], "accounts", password, path=DATABASE),
        redis_url=os.environ["REDIS_URL"],
        rabbitmq_url=os.environ["RABBITMQ_ADMIN_URL"],
        gateway_jwks_file=secrets / "gateway.jwks.json",
        access_token_key_file=secrets / "accounts.pem",
        sealing_public_key_file=secrets / "sealing.pub",
    )


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncio.run(seed())))
