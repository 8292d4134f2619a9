"""What is read from elsewhere: how often, by how many at once, and for how long it is believed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.security.refreshed import NotKnownYet, Refreshed


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


async def test_what_may_have_come_since_the_last_read_is_not_known_before_the_next(
    there: Elsewhere, kept: Refreshed[int]
) -> None:
    await kept.get()
    there.now, there.value = 1.5, 2
    with pytest.raises(NotKnownYet) as early:
        await kept.get_since(1.5)
    assert early.value.retry_after == 0.5
    there.now = 2
    assert await kept.get_since(1.5) == 2
    assert await kept.get_since(2) == 2
    assert there.reads == 2
    there.now, there.value = 4, None
    with pytest.raises(NotKnownYet) as failed:
        await kept.get_since(3)
    assert (failed.value.retry_after, there.reads) == (2, 3)


async def test_some_that_may_have_come_are_looked_for_at_once_and_then_one_a_pause(there: Elsewhere) -> None:
    kept = Refreshed(there.read, fresh=100, believed=1000, pause=2, at_once=2, clock=lambda: there.now)
    await kept.get()
    for moment in (0.1, 0.2):
        there.now, there.value = moment, there.reads + 1
        assert await kept.get_since(moment) == there.reads
    assert there.reads == 3
    # What was looked for since asks for no other read.
    assert await kept.get_since(0.2) == 3
    there.now = 0.3
    with pytest.raises(NotKnownYet):
        await kept.get_since(0.3)
    assert there.reads == 3
    there.now = 2.2
    assert await kept.get_since(0.3) == 3
    there.now = 2.3
    assert await kept.get_since(2.3) == 3
    there.now = 2.4
    with pytest.raises(NotKnownYet):
        await kept.get_since(2.4)
    assert there.reads == 5


async def test_a_read_that_began_before_is_not_enough(there: Elsewhere, kept: Refreshed[int]) -> None:
    there.gate.clear()
    first = asyncio.create_task(kept.get())
    await asyncio.wait([first], timeout=0.01)
    there.now = 3
    second = asyncio.create_task(kept.get_since(3))
    await asyncio.wait([second], timeout=0.01)
    assert there.reads == 1
    there.gate.set()
    assert (await first, await second, there.reads) == (1, 1, 2)
