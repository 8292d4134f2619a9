"""What people show of themselves, change, and may be: profile, addresses, roles, erasure."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.auth.actor import Actor, Role
from shared.db.scope import Scope
from shared.ids import new_id
from shared.testing.subgraph import SubgraphUnderTest
from subgraphs.accounts.domain.addresses import MAX_ADDRESSES
from subgraphs.accounts.repository import addresses
from tests.integration.accounts.people import (
    ME,
    Person,
    a_member_of_staff,
    a_person,
    claims_of,
    keyed,
    login,
    refresh,
    refused,
    register,
    sign_in,
)

UPDATE = """mutation($input: UpdateProfileInput!) {
  updateProfile(input: $input) { user { displayName locale } userErrors { code field } }
}"""
ADD = """mutation($input: AddAddressInput!) {
  addAddress(input: $input) { address { id city isDefault } userErrors { code field } }
}"""
REPLACE = """mutation($input: UpdateAddressInput!) {
  updateAddress(input: $input) { address { id city isDefault phone } userErrors { code field } }
}"""
REMOVE = """mutation($input: RemoveAddressInput!) {
  removeAddress(input: $input) { addressId userErrors { code field } }
}"""
ADDRESSES = "{ me { addresses(first: 10) { totalCount edges { node { id isDefault } } } } }"
GRANT = """mutation($input: GrantRoleInput!) {
  grantRole(input: $input) { user { id roles } userErrors { code field } }
}"""
REVOKE = """mutation($input: RevokeRoleInput!) {
  revokeRole(input: $input) { user { id roles } userErrors { code field } }
}"""
ERASE = """mutation($input: RequestErasureInput!) {
  requestErasure(input: $input) { user { id displayName email } userErrors { code } }
}"""
USER = """query($id: ID!) {
  user(id: $id) { displayName email emailVerified locale roles seller { id } addresses { totalCount } }
}"""


def an_address(**changes: Any) -> dict[str, Any]:
    return {"recipient": "Ada", "line1": "1 Main St", "city": "London", "country": "GB", **changes}


async def add_address(accounts: SubgraphUnderTest, person: Person, **changes: Any) -> str:
    answer = await accounts.data(ADD, keyed(address=an_address(**changes)), actor=person.actor)
    assert answer["addAddress"]["userErrors"] == []
    address_id: str = answer["addAddress"]["address"]["id"]
    return address_id


async def names_told(accounts: SubgraphUnderTest, user_id: str) -> list[tuple[str, int]]:
    """Every event of the user with its version, in the order of the outbox."""
    return [
        (event["event_name"].removeprefix("user."), event["aggregate_version"])
        for event in await accounts.events()
        if str(event["aggregate_id"]) == user_id
    ]


async def approve(
    accounts: SubgraphUnderTest, owner_id: str, seller_id: str, version: int, *, event_id: UUID | None = None
) -> None:
    approval = {
        "seller_id": seller_id,
        "version": version,
        "owner_id": owner_id,
        "name": "Ada's",
        "actor_id": str(new_id()),
        "commission_bps": 1000,
    }
    await accounts.deliver(
        "seller.approved", approval, event_id=event_id, aggregate_id=UUID(seller_id), version=version
    )


async def test_strangers_see_the_public_part_and_staff_sees_all(accounts: SubgraphUnderTest) -> None:
    # given a person with an address, a stranger, and staff
    person, stranger = await a_person(accounts, name="Ada"), await a_person(accounts)
    support = await a_member_of_staff(accounts, Role.SUPPORT)
    await add_address(accounts, person)
    # when each of them and a visitor asks for the person
    seen = [
        (await accounts.data(USER, {"id": person.user_id}, actor=actor))["user"]
        for actor in (person.actor, support.actor, stranger.actor, Actor())
    ]
    # then what is private is null to strangers
    whole = {
        "displayName": "Ada",
        "email": person.email,
        "emailVerified": False,
        "locale": "en",
        "roles": ["CUSTOMER"],
        "seller": None,
        "addresses": {"totalCount": 1},
    }
    public = dict.fromkeys(whole) | {"displayName": "Ada"}
    assert seen == [whole, whole, public, public]


async def test_twenty_people_as_entities_cost_one_statement(accounts: SubgraphUnderTest) -> None:
    # given twenty people
    people = [await register(accounts, name=f"Ada {n}") for n in range(20)]
    references = [{"__typename": "User", "id": user_id} for user_id, _ in people]
    accounts.reset_statements()
    # when another domain's answer refers to all of them, and to one who is not there
    found = await accounts.entities(
        "... on User { displayName }", *references, {"__typename": "User", "id": str(new_id())}
    )
    # then they come in order, from one statement
    assert found == [*({"displayName": f"Ada {n}"} for n in range(20)), None]
    assert len(accounts.statements) == 1


async def test_staff_lists_people_newest_first_with_roles_from_one_statement(accounts: SubgraphUnderTest) -> None:
    # given people and staff
    for _ in range(3):
        await register(accounts)
    _, newest = await register(accounts)
    support = await a_member_of_staff(accounts, Role.SUPPORT)
    query = """query($email: String, $role: Role) {
      users(first: 3, email: $email, role: $role) { totalCount pageInfo { hasNextPage } edges { node { email roles } } }
    }"""
    await accounts.data(ME, actor=support.actor)
    accounts.reset_statements()
    # when staff lists all, one address, and those with a role
    page = (await accounts.data(query, actor=support.actor))["users"]
    statements = len([s for s in accounts.statements if "set_config" not in s])
    one = (await accounts.data(query, {"email": newest.upper()}, actor=support.actor))["users"]
    of_role = (await accounts.data(query, {"role": "SUPPORT"}, actor=support.actor))["users"]
    # then pages are bounded and cost a page, a count and the roles
    assert [edge["node"] for edge in page["edges"]][:2] == [
        {"email": support.email, "roles": ["CUSTOMER", "SUPPORT"]},
        {"email": newest, "roles": ["CUSTOMER"]},
    ]
    assert page["pageInfo"] == {"hasNextPage": True}
    assert statements == 3
    assert one == {
        "totalCount": 1,
        "pageInfo": {"hasNextPage": False},
        "edges": [{"node": {"email": newest, "roles": ["CUSTOMER"]}}],
    }
    assert support.email in [edge["node"]["email"] for edge in of_role["edges"]]
    # and nobody else may
    person = await a_person(accounts)
    assert refused(await accounts.execute(query, actor=person.actor)) == "FORBIDDEN"
    assert refused(await accounts.execute(query)) == "UNAUTHENTICATED"


async def test_a_profile_changes_in_what_is_given(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    named = await accounts.data(UPDATE, keyed(displayName="Countess"), actor=person.actor)
    moved = await accounts.data(UPDATE, keyed(locale="pt-BR"), actor=person.actor)
    empty = await accounts.data(UPDATE, keyed(), actor=person.actor)
    assert named["updateProfile"]["user"] == {"displayName": "Countess", "locale": "en"}
    assert moved["updateProfile"]["user"] == {"displayName": "Countess", "locale": "pt-BR"}
    assert [error["code"] for error in empty["updateProfile"]["userErrors"]] == ["INVALID_INPUT"]


async def test_one_address_is_the_default(accounts: SubgraphUnderTest) -> None:
    # given a first address, which is the default
    person = await a_person(accounts)
    first = await add_address(accounts, person)
    # when another takes its place, and the first is made the default again
    second = await add_address(accounts, person, city="Paris", country="FR", isDefault=True)
    between = await accounts.data(ADDRESSES, actor=person.actor)
    replacement = an_address(city="Oxford", isDefault=True, phone="+44 1865")
    variables = keyed(addressId=first, address=replacement)
    replaced = await accounts.data(REPLACE, variables, actor=person.actor)
    after = await accounts.data(ADDRESSES, actor=person.actor)
    # then exactly one is it, each time
    assert between["me"]["addresses"] == {
        "totalCount": 2,
        "edges": [{"node": {"id": first, "isDefault": False}}, {"node": {"id": second, "isDefault": True}}],
    }
    assert replaced["updateAddress"] == {
        "address": {"id": first, "city": "Oxford", "isDefault": True, "phone": "+44 1865"},
        "userErrors": [],
    }
    assert [edge["node"]["isDefault"] for edge in after["me"]["addresses"]["edges"]] == [True, False]


async def test_another_persons_address_is_not_found(accounts: SubgraphUnderTest) -> None:
    # given somebody's address
    person, other = await a_person(accounts), await a_person(accounts)
    address_id = await add_address(accounts, person)
    # when another person, and staff, try to change and remove it
    support = await a_member_of_staff(accounts, Role.SUPPORT)
    for actor in (other.actor, support.actor):
        changed = await accounts.data(REPLACE, keyed(addressId=address_id, address=an_address()), actor=actor)
        removed = await accounts.data(REMOVE, keyed(addressId=address_id), actor=actor)
        # then it is not there for them
        missing = [{"code": "ADDRESS_NOT_FOUND", "field": ["addressId"]}]
        assert changed["updateAddress"]["userErrors"] == removed["removeAddress"]["userErrors"] == missing
    # and as an entity it is its owner's and staff's alone
    reference = {"__typename": "Address", "id": address_id}
    seen = [
        await accounts.entities("... on Address { city }", reference, actor=actor)
        for actor in (person.actor, support.actor, other.actor, Actor())
    ]
    assert seen == [[{"city": "London"}], [{"city": "London"}], [None], [None]]


async def test_row_level_security_hides_addresses_from_other_users(accounts: SubgraphUnderTest) -> None:
    # given two people's addresses
    person, other = await a_person(accounts), await a_person(accounts)
    ids = [UUID(await add_address(accounts, p)) for p in (person, other)]
    # when each scope reads them straight from the table, on pooled connections
    seen = []
    for scope in (Scope.of_user(UUID(person.user_id)), Scope.ALL, Scope.PUBLIC):
        async with accounts.resources.database.read(scope) as session:
            seen.append(set(await addresses.addresses_by_id(session, ids)))
    # then a user sees their own, a worker all, the public none
    assert seen == [{ids[0]}, set(ids), set()]


async def test_an_account_keeps_twenty_addresses_and_no_more(accounts: SubgraphUnderTest) -> None:
    # given an account one short of the limit
    person = await a_person(accounts)
    await asyncio.gather(*(add_address(accounts, person) for _ in range(MAX_ADDRESSES - 1)))
    # when five more are added at once
    answers = await asyncio.gather(
        *(accounts.data(ADD, keyed(address=an_address()), actor=person.actor) for _ in range(5))
    )
    # then one is
    codes = sorted(e["code"] for answer in answers for e in answer["addAddress"]["userErrors"])
    assert codes == ["TOO_MANY_ADDRESSES"] * 4
    kept = await accounts.rows("SELECT count(*) AS n FROM address WHERE user_id = :u", u=person.user_id)
    assert kept == [{"n": MAX_ADDRESSES}]


async def test_a_faulty_address_names_the_field_inside_it(accounts: SubgraphUnderTest) -> None:
    person = await a_person(accounts)
    answer = await accounts.data(ADD, keyed(address=an_address(country="England")), actor=person.actor)
    assert answer["addAddress"] == {
        "address": None,
        "userErrors": [{"code": "INVALID_INPUT", "field": ["address", "country"]}],
    }


async def test_a_granted_role_comes_with_the_next_token_and_a_revoked_one_ends_at_once(
    accounts: SubgraphUnderTest,
) -> None:
    # given an admin and a person
    admin, person = await a_member_of_staff(accounts, Role.ADMIN), await a_person(accounts)
    # when a role is granted, twice
    for _ in range(2):
        granted = await accounts.data(GRANT, keyed(userId=person.user_id, role="FINANCE"), actor=admin.actor)
        assert granted["grantRole"] == {
            "user": {"id": person.user_id, "roles": ["CUSTOMER", "FINANCE"]},
            "userErrors": [],
        }
    # then the next access token has it, and it is told once
    fresh = await refresh(accounts, person.refresh_token)
    assert claims_of(fresh["accessToken"])["roles"] == ["customer", "finance"]
    holder = await sign_in(accounts, person.email)
    assert (await accounts.data(ME, actor=holder.actor))["me"]["roles"] == ["CUSTOMER", "FINANCE"]
    # when it is revoked
    await accounts.data(REVOKE, keyed(userId=person.user_id, role="FINANCE"), actor=admin.actor)
    # then a token that claims it is refused, and the session goes on without it
    assert refused(await accounts.execute(ME, actor=holder.actor)) == "UNAUTHENTICATED"
    renewed = await refresh(accounts, holder.refresh_token)
    assert claims_of(renewed["accessToken"])["roles"] == ["customer"]
    assert await names_told(accounts, person.user_id) == [("registered", 1), ("role_granted", 2), ("role_revoked", 3)]
    revoked = [e["payload"] for e in await accounts.events("user.role_revoked")][-1]
    assert revoked == {"user_id": person.user_id, "role": "finance", "actor_id": admin.user_id}


async def test_roles_that_an_admin_may_not_touch(accounts: SubgraphUnderTest) -> None:
    admin, person = await a_member_of_staff(accounts, Role.ADMIN), await a_person(accounts)
    grants = [
        (await accounts.data(GRANT, keyed(userId=user_id, role=role), actor=admin.actor))["grantRole"]["userErrors"]
        for user_id, role in ((person.user_id, "SELLER"), (person.user_id, "CUSTOMER"), (str(new_id()), "ADMIN"))
    ]
    revocations = [
        (await accounts.data(REVOKE, keyed(userId=user_id, role=role), actor=admin.actor))["revokeRole"]["userErrors"]
        for user_id, role in ((admin.user_id, "ADMIN"), (person.user_id, "CUSTOMER"))
    ]
    assert [error["code"] for errors in grants for error in errors] == [
        "ROLE_NOT_GRANTABLE",
        "ROLE_NOT_GRANTABLE",
        "USER_NOT_FOUND",
    ]
    assert [error["code"] for errors in revocations for error in errors] == ["OWN_ADMIN_ROLE", "ROLE_NOT_GRANTABLE"]
    assert await names_told(accounts, person.user_id) == [("registered", 1)]


async def test_only_an_admin_grants_roles(accounts: SubgraphUnderTest) -> None:
    support, person = await a_member_of_staff(accounts, Role.SUPPORT), await a_person(accounts)
    for actor in (support.actor, person.actor):
        answer = await accounts.execute(GRANT, keyed(userId=person.user_id, role="ADMIN"), actor=actor)
        assert refused(answer) == "FORBIDDEN"
    assert await names_told(accounts, person.user_id) == [("registered", 1)]


async def test_an_approved_seller_gives_its_owner_the_role_once(accounts: SubgraphUnderTest) -> None:
    # given an approval that comes twice, once more as another event, and then an older and a newer version
    person, seller_id, event_id = await a_person(accounts), str(new_id()), new_id()
    for _ in range(2):
        await approve(accounts, person.user_id, seller_id, 3, event_id=event_id)
    for version in (3, 2, 5):
        await approve(accounts, person.user_id, seller_id, version)
    # then the owner acts for the seller with the next token, and it is told once
    owner = await sign_in(accounts, person.email)
    assert owner.actor == Actor(
        UUID(person.user_id), owner.actor.session_id, frozenset({Role.CUSTOMER, Role.SELLER}), UUID(seller_id)
    )
    assert (await accounts.data(ME, actor=owner.actor))["me"]["seller"] == {"id": seller_id}
    assert await names_told(accounts, person.user_id) == [("registered", 1), ("role_granted", 2)]
    assert await accounts.rows("SELECT seller_version FROM user_role WHERE seller_id = :s", s=seller_id) == [
        {"seller_version": 5}
    ]
    # and another seller's approval does not take it over
    await approve(accounts, person.user_id, str(new_id()), 9)
    assert (await sign_in(accounts, person.email)).actor.seller_id == UUID(seller_id)


async def test_a_revoked_seller_role_comes_back_by_a_newer_approval_only(accounts: SubgraphUnderTest) -> None:
    admin, person = await a_member_of_staff(accounts, Role.ADMIN), await a_person(accounts)
    seller_id = str(new_id())
    await approve(accounts, person.user_id, seller_id, 3)
    await accounts.data(REVOKE, keyed(userId=person.user_id, role="SELLER"), actor=admin.actor)
    await approve(accounts, person.user_id, seller_id, 3)
    assert (await sign_in(accounts, person.email)).actor.seller_id is None
    await approve(accounts, person.user_id, seller_id, 4)
    assert (await sign_in(accounts, person.email)).actor.seller_id == UUID(seller_id)


async def test_an_approval_of_somebody_unknown_changes_nothing(accounts: SubgraphUnderTest) -> None:
    owner_id = str(new_id())
    await approve(accounts, owner_id, str(new_id()), 1)
    assert await accounts.rows("SELECT 1 FROM user_role WHERE user_id = :u", u=owner_id) == []
    assert await names_told(accounts, owner_id) == []


async def test_an_erased_person_leaves_an_id_and_nothing_personal(accounts: SubgraphUnderTest) -> None:
    # given a person with an address, a seller, and a failed attempt
    person = await a_person(accounts, name="Ada Lovelace of London")
    await add_address(accounts, person, recipient="Ada Lovelace of London")
    await approve(accounts, person.user_id, str(new_id()), 1)
    await login(accounts, person.email, "a guess")
    # when the person asks to be forgotten, twice with one key
    variables = keyed()
    first = await accounts.data(ERASE, variables, actor=person.actor)
    again = await accounts.data(ERASE, variables, actor=person.actor)
    # then the session is over, and no one signs in
    assert first == again
    assert first["requestErasure"] == {
        "user": {"id": person.user_id, "displayName": None, "email": None},
        "userErrors": [],
    }
    assert refused(await accounts.execute(ME, actor=person.actor)) == "UNAUTHENTICATED"
    assert [e["code"] for e in (await login(accounts, person.email))["userErrors"]] == ["INVALID_CREDENTIALS"]
    # and no table holds a word of theirs
    tables = await accounts.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 'accounts'")
    lines = [
        row["line"]
        for table in tables
        for row in await accounts.rows(f'SELECT t::text AS line FROM "{table["table_name"]}" t')
    ]
    assert [line for line in lines if person.email in line or "Ada Lovelace of London" in line] == []
    # and the others are told, once, last; an approval that comes late brings nothing back
    await approve(accounts, person.user_id, str(new_id()), 2)
    assert await names_told(accounts, person.user_id) == [
        ("registered", 1),
        ("role_granted", 2),
        ("erasure_requested", 3),
    ]
    # and the address is free again
    _, email = await register(accounts, email=person.email)
    assert email == person.email


async def test_redis_may_be_emptied_between_any_two_steps(accounts: SubgraphUnderTest) -> None:
    redis = accounts.resources.redis
    person = await a_person(accounts)
    await redis.flushall()
    await add_address(accounts, person)
    await redis.flushall()
    fresh = await refresh(accounts, person.refresh_token)
    await redis.flushall()
    assert (await accounts.data(ADDRESSES, actor=person.actor))["me"]["addresses"]["totalCount"] == 1
    assert fresh["userErrors"] == []


async def test_the_purge_deletes_what_is_long_past_and_nothing_else(accounts: SubgraphUnderTest) -> None:
    # given a session with a spent token, an open mailed token, and a failed attempt
    person = await a_person(accounts)
    await refresh(accounts, person.refresh_token)
    await login(accounts, person.email, "a guess")
    (purge,) = accounts.subgraph.jobs
    counted = """SELECT (SELECT count(*) FROM session WHERE user_id = :u) AS sessions,
        (SELECT count(*) FROM spent_refresh_token t JOIN session s ON s.id = t.session_id WHERE user_id = :u) AS spent,
        (SELECT count(*) FROM one_time_token WHERE user_id = :u) AS mailed,
        (SELECT count(*) FROM login_attempt) > 0 AS attempts"""
    # when the purge runs now, after two days, and after all has expired
    offset, seen = accounts.clock.offset, []
    for days in (0, 2, 29):
        accounts.clock.advance(timedelta(days=days))
        await purge.run()
        seen.append((await accounts.rows(counted, u=person.user_id))[0])
    accounts.clock.offset = offset
    # then each goes a day after its end
    assert seen == [
        {"sessions": 1, "spent": 1, "mailed": 1, "attempts": True},
        {"sessions": 1, "spent": 1, "mailed": 1, "attempts": False},
        {"sessions": 0, "spent": 0, "mailed": 0, "attempts": False},
    ]
