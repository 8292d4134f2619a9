"""What is read from elsewhere: how often, by how many at once, and for how long it is believed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.security.refreshed import Refreshed


@dataclass
class Elsewhere:
    """Counts its reads; `value` None is away. `gate` holds an answer back."""

    value: int | None = 1
    now: float = 0.0
    reads: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def read(self) -> int:
        self.reads += 1
        await self.gate.wait()
        if self.value is None:
            raise ConnectionError("away")
        return self.value


@pytest.fixture
def there() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def kept(there: Elsewhere) -> Refreshed[int]:
    return Refreshed(there.read, fresh=5, believed=60, pause=2, clock=lambda: there.now)


async def test_a_fresh_value_is_not_read_again(there: Elsewhere, kept: Refreshed[int]) -> None:
    assert await kept.get() == 1
    there.now, there.value = 4.9, 2
    assert await kept.get() == 1
    assert there.reads == 1


async def test_one_that_is_no_longer_fresh_is_read_beside_the_request_and_an_older_one_before_it(
    there: Elsewhere, kept: Refreshed[int]
) -> None:
    await kept.get()
    there.now, there.value = 5, 2
    assert await kept.get() == 1
    await asyncio.sleep(0)
    assert await kept.get() == 2
    there.now, there.value = 15, 3
    assert await kept.get() == 3
    assert there.reads == 3


async def test_many_that_wait_share_one_read_and_one_that_goes_away_fails_nobody(
    there: Elsewhere, kept: Refreshed[int]
) -> None:
    there.gate.clear()
    first, *others = [asyncio.create_task(kept.get()) for _ in range(20)]
    await asyncio.sleep(0)
    first.cancel()
    there.gate.set()
    assert await asyncio.gather(*others) == [1] * 19
    assert there.reads == 1


async def test_what_cannot_be_read_again_is_believed_for_a_while_and_asked_for_once_a_pause(
    there: Elsewhere, kept: Refreshed[int]
) -> None:
    await kept.get()
    there.now, there.value = 59, None
    for _ in range(3):
        assert await kept.get() == 1
    assert there.reads == 2
    there.now = 60
    with pytest.raises(ConnectionError):
        await kept.get()
    there.now, there.value = 62, 4
    assert await kept.get() == 4


async def test_what_was_looked_for_in_vain_is_read_again_once_a_pause(there: Elsewhere, kept: Refreshed[int]) -> None:
    await kept.get()
    there.value = 2
    assert await kept.get_newer() == 1
    there.now = 2
    assert await kept.get_newer() == 2
    assert await kept.get_newer() == 2
    assert there.reads == 2
