"""What of the marketplace's graph asks for a token or a scope, and that no way to it is open: field by asker by route."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, parse, validate

from gateway.planner.normalize import normalize
from gateway.planner.operation import FieldSelection
from gateway.security.access_rules import AUTHENTICATED, AccessRules, Grants, atoms
from gateway.security.authorization import Authorization
from gateway.supergraph.api_schema import build_api_schema
from gateway.supergraph.sdl import parse_supergraph
from shared.auth.actor import SCOPES, Role, scopes_of
from supergraph.composition import SUPERGRAPH_FILE

SUPERGRAPH = parse_supergraph(SUPERGRAPH_FILE.read_text(encoding="utf-8"))
SCHEMA = build_api_schema(SUPERGRAPH)
RULES = AccessRules(SUPERGRAPH)
AUTHORIZATION = Authorization(RULES, SCHEMA)

GUARDED = {
    "Product.revision": {"scope:catalog:read"},
    "Variant.stock": {"scope:stock:read"},
    "Query.apiClients": {AUTHENTICATED},
    "Query.auditLog": {AUTHENTICATED},
    "Query.ledger": {AUTHENTICATED},
    "Query.trialBalance": {AUTHENTICATED},
    "Query.verifyAuditChain": {AUTHENTICATED},
}
ASKERS: dict[str, Grants] = {
    "a visitor": frozenset(),
    "a customer": frozenset({AUTHENTICATED}),
    "a partner without scopes": frozenset({AUTHENTICATED}),
    "a partner with the other scope": frozenset({AUTHENTICATED, "scope:catalog:read"}),
    "a partner with a scope of the same letters": frozenset({AUTHENTICATED, "scope:stock", "scope:stock:read:all"}),
    "a partner with the scope": frozenset({AUTHENTICATED, "scope:stock:read"}),
    "staff": frozenset({AUTHENTICATED, *(f"scope:{name}" for name in scopes_of(frozenset({Role.SUPPORT})))}),
}
MAY_READ_STOCK = {"a partner with the scope", "staff"}
ROUTES = (
    "product(id: 1) { variants { SELECTED } }",
    "products { edges { node { variants { SELECTED } } } }",
    'search(query: "lamp") { edges { node { variants { SELECTED } } } }',
    'category(slug: "c") { products { edges { node { variants { SELECTED } } } } }',
    'cart(token: "t") { lines { variant { SELECTED } } }',
    "order(id: 1) { lines { variant { SELECTED } } }",
    "stockItems { edges { node { variant { SELECTED } } } }",
    "review(id: 1) { product { variants { SELECTED } } }",
    "product(id: 1) { ... on Node { ... on Product { variants { SELECTED } } } }",
)
SELECTED = ("stock { onHand }", "id: stock { onHand }", "... on Variant { sku: stock { available } }", "...Stock")


def selections(found: tuple[FieldSelection, ...]) -> Iterator[str]:
    for selection in found:
        yield selection.name
        yield from selections(selection.selections or ())


def test_all_that_asks_for_something_is_listed_with_what_it_asks_for() -> None:
    found = {
        f"{name}.{field}": set(atoms(RULES.of_field(name, field)))
        for name, type_ in SCHEMA.type_map.items()
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__")
        for field in type_.fields
    }
    assert {name: needed for name, needed in found.items() if needed} == GUARDED
    assert {f"scope:{name}" for name in SCOPES} == set().union(*GUARDED.values()) - {AUTHENTICATED}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("selected", SELECTED)
def test_stock_is_asked_of_no_subgraph_for_who_has_not_its_scope_by_any_route(route: str, selected: str) -> None:
    text = "{ " + route.replace("SELECTED", selected) + " }"
    if selected == "...Stock":
        text += " fragment Stock on Variant { stock { reserved } }"
    document = parse(text)
    assert validate(SCHEMA, document) == []
    operation = normalize(SCHEMA, document, None)
    planned = {
        asker: "stock" in selections(AUTHORIZATION.authorize(operation, grants).planned.selections)
        for asker, grants in ASKERS.items()
    }
    assert {asker for asker, is_planned in planned.items() if is_planned} == MAY_READ_STOCK
