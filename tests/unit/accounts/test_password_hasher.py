"""argon2id as accounts uses it."""

from __future__ import annotations

import argon2

from subgraphs.accounts.adapters.passwords import PasswordHasher


async def test_a_password_verifies_against_its_own_hash_only() -> None:
    hasher = PasswordHasher()
    password_hash = await hasher.hash("correct horse")
    assert await hasher.verify(password_hash, "correct horse")
    assert not await hasher.verify(password_hash, "battery staple")
    assert not await hasher.verify("$argon2id$ruined", "correct horse")


async def test_the_same_letter_composed_differently_is_the_same_password() -> None:
    hasher = PasswordHasher()
    assert await hasher.verify(await hasher.hash("caf\u00e9 table"), "cafe\u0301 table")


async def test_nobodys_hash_costs_what_a_known_one_costs() -> None:
    # given a hasher, its stand-in for unknown people, and a real hash
    hasher = PasswordHasher()
    real = argon2.extract_parameters(await hasher.hash("correct horse"))
    # when somebody unknown is verified
    matches = await hasher.verify(None, "correct horse")
    # then it fails after the same work, which is the one laid down
    assert matches is False
    assert argon2.extract_parameters(hasher._nobody) == real
    assert (real.type, real.memory_cost, real.time_cost, real.parallelism) == (argon2.Type.ID, 19456, 2, 1)
