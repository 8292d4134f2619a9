"""`task bench:abuse`, second part: does the time of a failed login tell who has an account? Fails where the medians of known
and unknown accounts are more than 10 % apart."""

from __future__ import annotations

import asyncio
import base64
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from nacl.public import PrivateKey
from rich.console import Console

from shared.devstack.passwords import new_passwords
from shared.ids import new_id
from shared.register import load_register
from shared.testing.servers import Servers
from shared.testing.subgraph import SubgraphUnderTest, subgraph_under_test
from tests.integration.accounts.people import login, register

EACH = 200
MOST_APART = 0.10


async def measure(accounts: SubgraphUnderTest) -> dict[str, list[float]]:
    """Milliseconds of failed logins, known and unknown accounts in turn: what slows one down slows down the other."""
    times: dict[str, list[float]] = {"known": [], "unknown": []}
    _, known = await register(accounts)
    for _ in range(EACH):
        for kind, email in (("known", known), ("unknown", f"{new_id()}@example.test")):
            started = perf_counter()
            answer = await login(accounts, email, "not this one")
            times[kind].append((perf_counter() - started) * 1000)
            assert [error["code"] for error in answer["userErrors"]] == ["INVALID_CREDENTIALS"]
            # Nobody is throttled: it is the work of an attempt that is compared.
            await accounts.rows("DELETE FROM login_attempt")
    return times


async def run(folder: Path) -> int:
    token_key, sealing_key = folder / "token.pem", folder / "sealing.pub"
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    token_key.write_bytes(pem)
    sealing_key.write_bytes(base64.b64encode(bytes(PrivateKey.generate().public_key)))
    catalogue = load_register()
    servers = Servers(folder, catalogue, new_passwords(catalogue))
    try:
        settings = {"access_token_key_file": token_key, "sealing_public_key_file": sealing_key}
        database = servers.new_database().of("accounts")
        async with subgraph_under_test("accounts", database, servers.redis.url, **settings) as accounts:
            times = await measure(accounts)
    finally:
        servers.stop()
    known, unknown = median(times["known"]), median(times["unknown"])
    apart = abs(known - unknown) / min(known, unknown)
    Console().print(
        f"failed logins, median of {EACH}: known account {known:.1f} ms, unknown {unknown:.1f} ms, {apart:.1%} apart"
    )
    return 1 if apart > MOST_APART else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-logins-") as name:
        place = Path(name)
        place.chmod(0o755)
        sys.exit(asyncio.run(run(place)))
