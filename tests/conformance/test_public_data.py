"""The cache of public data: what is warm asks no subgraph, what depends on who asks is never shared, no Redis is only slower."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from redis.asyncio import Redis

from shared.cache.entries import EDGE
from shared.cache.tagged_cache import TaggedCache
from shared.devstack.ports import free_ports
from shared.devstack.servers.redis import RedisServer
from shared.testing.eventually import eventually
from tests.conformance.access_tokens import access_token, authentication, key_server
from tests.conformance.federation import Federation, federation, sdl, serve
from tests.conformance.subgraph import Subgraph

PATIENT = {"timeout": 10, "pause": 0}
"""On a busy machine a look may take its time; a test that counts requests must not mistake that for an absence."""

AUTHOR = {"id": "a1", "name": "Ada"}
BOOKS: list[dict[str, Any]] = [
    {"__typename": "Book", "id": key, "title": f"Book {key}", "notes": "mine", "cost": 7, "author": AUTHOR}
    for key in ("1", "2", "3")
]


class Shop:
    """What the subgraphs say now; `liked` and `mine` would tell users apart if there were any in here."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.titles = {book["id"]: book["title"] for book in BOOKS}
        self.stars = {"1": 1.0, "2": 2.0, "3": 3.0}
        self.unknown: set[str] = set()

    def book(self, key: str) -> dict[str, Any] | None:
        book = next(item for item in BOOKS if item["id"] == key)
        return None if key in self.unknown else {**book, "title": self.titles[key]}

    def review(self, representation: dict[str, Any]) -> dict[str, Any] | Exception:
        key = representation["id"]
        return {"__typename": "Book", "id": key, "rating": {"stars": self.stars[key]}, "liked": True, "mine": "m"}

    def subgraphs(self) -> dict[str, Subgraph]:
        def books(*_: object, first: int = 3) -> dict[str, Any]:
            return {"edges": [{"node": self.book(item["id"])} for item in BOOKS[:first]], "total": 3}

        catalog = Subgraph(
            sdl("public_data", "catalog"),
            {
                "Query.book": lambda *_, **arguments: self.book(arguments["id"]),
                "Query.books": books,
                "Query.me": {"id": "u1", "name": "Ada"},
                "Query.motd": "hello",
                "Mutation.rename": self.rename,
            },
            {"Book": lambda rep: self.book(rep["id"])},
        )
        reviews = Subgraph(sdl("public_data", "reviews"), {"Book.quote": _quote}, {"Book": self.review})
        return {"catalog": catalog, "reviews": reviews}

    def rename(self, *_: object, id: str, title: str) -> dict[str, Any] | None:
        self.titles[id] = title
        return self.book(id)


def _quote(_book: object, _info: object, words: int = 0) -> str:
    return "word " * words


class Cached:
    """A federation with the cache before it."""

    def __init__(self, shop: Shop, served: Federation, redis: Redis) -> None:
        self.shop = shop
        self.served = served
        self.redis = redis

    async def ask(self, query: str, headers: Mapping[str, str] | None = None, **variables: Any) -> Any:
        return await self.served.ask(query, variables, headers=headers)

    async def send(self, query: str, headers: Mapping[str, str] | None = None) -> Response:
        return await self.served.client.post("/graphql", json={"query": query}, headers=headers)

    @property
    def counts(self) -> dict[str, int]:
        return self.served.counts

    async def kept(self, count: int) -> None:
        """Once so many entries are there: they are written behind the answer's back."""

        async def look() -> bool:
            return await self.entries() == count

        # Before the first of them ends by itself.
        await eventually(f"{count} entries", look, patience=10)

    async def entries(self) -> int:
        evicted = await self.redis.keys(f"{EDGE}:evicted:*")
        since = await self.redis.exists(f"{EDGE}:since")
        return await self.redis.dbsize() - len(evicted) - int(since)

    async def evict(self, *tags: str) -> None:
        await TaggedCache(self.redis, EDGE).evict(tags)


@asynccontextmanager
async def shop(redis_url: str, **settings: Any) -> AsyncIterator[Cached]:
    cache = {"url": redis_url, **PATIENT, **settings.pop("cache", {})}
    open_shop = Shop()
    async with (
        serve(key_server) as keys,
        Redis.from_url(redis_url) as redis,
        federation(
            "public_data",
            open_shop.subgraphs(),
            {"authentication": authentication(keys), "cache": cache, **settings},
        ) as served,
    ):
        await redis.flushall()
        yield Cached(open_shop, served, redis)


@pytest.fixture(scope="module")
async def one_shop(redis_url: str) -> AsyncIterator[Cached]:
    async with shop(redis_url) as served:
        yield served


@pytest.fixture
async def cached(one_shop: Cached) -> Cached:
    """As new. What an earlier test has still to write is refused after the emptying: its lease is from before."""
    one_shop.shop.reset()
    await one_shop.redis.flushall()
    return one_shop


def bearer(**claims: Any) -> Mapping[str, str]:
    return {"authorization": f"Bearer {access_token(**claims)}"}


PAGE = "{ books(first: 2) { edges { node { id title rating { stars } } } } }"


def page(*titles: str, stars: tuple[float, ...] = (1.0, 2.0)) -> dict[str, Any]:
    nodes = [
        {"id": str(number), "title": title, "rating": {"stars": count}}
        for number, (title, count) in enumerate(zip(titles, stars, strict=True), 1)
    ]
    return {"data": {"books": {"edges": [{"node": node} for node in nodes]}}}


async def test_what_is_warm_asks_no_subgraph(cached: Cached) -> None:
    assert await cached.ask(PAGE) == page("Book 1", "Book 2")
    assert cached.counts == {"catalog": 1, "reviews": 1}
    await cached.kept(3)

    assert await cached.ask(PAGE) == page("Book 1", "Book 2")
    assert cached.counts == {}


async def test_only_those_entities_are_asked_for_that_are_not_there(cached: Cached) -> None:
    await cached.ask(PAGE)
    await cached.kept(3)

    answer = await cached.ask("{ books(first: 3) { edges { node { id title rating { stars } } } } }")

    assert answer == page("Book 1", "Book 2", "Book 3", stars=(1.0, 2.0, 3.0))
    assert cached.counts == {"catalog": 1, "reviews": 1}
    assert cached.served.subgraphs["reviews"].requests[0]["variables"] == {
        "representations": [{"__typename": "Book", "id": "3"}]
    }


async def test_an_eviction_ends_what_is_about_an_entity_in_every_subgraph(cached: Cached) -> None:
    await cached.ask(PAGE)
    await cached.kept(3)
    cached.shop.titles["2"], cached.shop.stars["2"] = "New", 4.0

    assert await cached.ask(PAGE) == page("Book 1", "Book 2")
    await cached.evict("Book:2")

    assert await cached.ask(PAGE) == page("Book 1", "New", stars=(1.0, 4.0))
    assert cached.counts == {"catalog": 1, "reviews": 1}
    assert [item["id"] for item in cached.served.subgraphs["reviews"].requests[0]["variables"]["representations"]] == [
        "2"
    ]


async def test_a_list_waits_for_what_comes_into_it(cached: Cached) -> None:
    count = "{ books { total } }"
    await cached.ask(count)
    await cached.kept(1)

    await cached.evict("Book:9")
    await cached.ask(count)
    assert cached.counts == {}

    await cached.evict("Book:*")
    await cached.ask(count)
    assert cached.counts == {"catalog": 1}


async def test_arguments_and_variables_tell_answers_apart(cached: Cached) -> None:
    query = "query($id: ID!, $words: Int) { book(id: $id) { title quote(words: $words) } }"
    quotes = []
    for key, words in (("1", 1), ("1", 2), ("2", 2), ("1", 1)):
        book = (await cached.ask(query, id=key, words=words))["data"]["book"]
        quotes.append((book["title"], book["quote"]))
    assert quotes == [("Book 1", "word "), ("Book 1", "word word "), ("Book 2", "word word "), ("Book 1", "word ")]


async def test_a_change_in_the_middle_of_an_answer_is_not_kept(cached: Cached) -> None:
    # given a request whose subgraph reads the old title, and a change with its eviction before the answer arrives
    catalog = cached.served.subgraphs["catalog"]
    answer = catalog.answer

    async def changed_meanwhile(body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        old = await answer(body, headers)
        cached.shop.titles["1"] = "New"
        await cached.evict("Book:1")
        return old

    query = '{ book(id: "1") { id title } }'
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Subgraph, "answer", lambda _self, body, headers: changed_meanwhile(body, headers))
        assert (await cached.ask(query))["data"]["book"]["title"] == "Book 1"
    # when the late answer has been refused by the cache, which the next write, of another thing, comes after
    await cached.ask("{ motd }")
    await cached.kept(1)
    # then nobody is told the old title again
    assert (await cached.ask(query))["data"]["book"]["title"] == "New"


async def test_users_share_what_is_public_and_nothing_else(cached: Cached) -> None:
    # given an operation with public fields, and fields that only who is signed in may see or that may differ by user
    query = '{ me { id name } book(id: "1") { title rating { stars } liked mine } }'
    for headers in (bearer(sub="u1"), bearer(sub="u2"), bearer(sub="u1")):
        answer = await cached.ask(query, headers)
        # then every one of them is answered by the subgraphs themselves
        assert answer["data"]["book"]["mine"] == "m"
        assert cached.counts == {"catalog": 1, "reviews": 1}
    refused = await cached.ask(query)
    assert refused["data"]["book"]["mine"] is None
    assert refused["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await cached.entries() == 0


async def test_who_is_signed_in_reads_what_is_public_and_fills_nothing(cached: Cached) -> None:
    await cached.ask(PAGE, bearer(sub="u1"))
    await cached.ask("{ motd }")
    # One answer after the other is written: had the first been kept, there would be more by now.
    await cached.kept(1)

    await cached.ask(PAGE)
    assert cached.counts == {"catalog": 1, "reviews": 1}
    await cached.kept(4)
    assert await cached.ask(PAGE, bearer(sub="u2")) == page("Book 1", "Book 2")
    assert cached.counts == {}


async def test_what_an_access_rule_guards_is_never_kept_however_public_its_hint(cached: Cached) -> None:
    rich = bearer(scope="cost")
    query = '{ book(id: "1") { id cost } }'

    for headers, cost in ((rich, 7), (None, None), (bearer(), None), (rich, 7)):
        assert (await cached.ask(query, headers))["data"]["book"] == {"id": "1", "cost": cost}
        if cost:
            assert cached.counts == {"catalog": 1}
    # What is left of it without the guarded field is public.
    await cached.kept(1)


async def test_errors_and_what_is_not_there_are_asked_for_again(cached: Cached) -> None:
    cached.shop.unknown.add("1")
    query = '{ book(id: "1") { title } }'
    assert (await cached.ask(query))["data"] == {"book": None}
    cached.shop.unknown.clear()
    assert (await cached.ask(query))["data"] == {"book": {"title": "Book 1"}}
    await cached.kept(1)

    broken = cached.served.subgraphs["reviews"]
    broken.broken = True
    assert (await cached.ask('{ book(id: "1") { title rating { stars } } }'))["errors"]
    broken.broken = False
    whole = await cached.ask('{ book(id: "1") { title rating { stars } } }')
    assert whole["data"]["book"]["rating"] == {"stars": 1.0}


async def test_a_mutation_reads_nothing_from_before_itself(cached: Cached) -> None:
    await cached.ask('{ book(id: "1") { id rating { stars } } }')
    await cached.kept(2)
    cached.shop.stars["1"] = 5.0

    answer = await cached.ask('mutation { rename(id: "1", title: "x") { id title rating { stars } } }')

    assert answer["data"]["rename"] == {"id": "1", "title": "x", "rating": {"stars": 5.0}}


async def test_headers_that_travel_on_tell_answers_apart_unless_they_change_nothing(redis_url: str) -> None:
    query = "{ motd }"
    async with shop(redis_url) as cached:
        for language, asked in (("de", 1), ("fr", 1), ("de", 0)):
            await cached.ask(query, {"accept-language": language})
            assert sum(cached.counts.values()) == asked
            await cached.kept(1 if language == "de" and asked else 2)
    async with shop(redis_url, cache={"ignored_headers": ["accept-language"]}) as cached:
        for language, asked in (("de", 1), ("fr", 0)):
            await cached.ask(query, {"accept-language": language})
            assert sum(cached.counts.values()) == asked
            await cached.kept(1)


async def test_an_answer_whose_headers_go_to_the_client_is_not_kept(redis_url: str) -> None:
    back = {"all": {"response": [{"propagate": {"named": "x-served-by"}}]}}
    async with shop(redis_url, headers=back) as cached:
        cached.served.subgraphs["catalog"].answers_with = [("x-served-by", "a")]
        for _ in range(2):
            answer = await cached.send("{ motd }")
            assert answer.headers["x-served-by"] == "a"
            assert answer.headers["cache-control"] == "private, no-store"
        assert await cached.entries() == 0


async def test_a_public_answer_tells_how_long_it_holds(cached: Cached) -> None:
    fresh = await cached.send(PAGE)
    await cached.kept(3)
    warm = await cached.send(PAGE)

    # The shortest of what is in it: a rating.
    assert fresh.headers["cache-control"] == "public, max-age=20"
    assert fresh.headers["age"] == "0"
    assert fresh.headers["vary"] == "Accept, Accept-Encoding, Origin, Authorization, Accept-Language"
    age, max_age = int(warm.headers["age"]), warm.headers["cache-control"]
    assert max_age.startswith("public, max-age=")
    assert age <= int(max_age.rpartition("=")[2]) <= 20


async def test_a_plan_that_is_shown_tells_what_of_it_is_kept(redis_url: str) -> None:
    async with shop(redis_url, pipeline={"expose_query_plan": True}) as cached:
        query = '{ book(id: "1") { title rating { stars } } me { id } }'
        for asked, ages in ((query, {"1": [20]}), (PAGE, {"0": [30], "1": [20]})):
            plan = (await cached.ask(asked, {"x-query-plan": "1"}))["extensions"]["queryPlan"]
            assert plan["maxAges"] == ages


async def test_a_plan_that_is_shown_tells_what_the_cache_had(redis_url: str) -> None:
    async def runs(cached: Cached) -> list[tuple[str, int, int]]:
        plan = (await cached.ask(PAGE, {"x-query-plan": "1"}))["extensions"]["queryPlan"]
        return [(run["outcome"], run["entities"], run["cached"]) for fetch in plan["fetches"] for run in fetch["runs"]]

    async with shop(redis_url, pipeline={"expose_query_plan": True}) as cached:
        assert await runs(cached) == [("ok", 0, 0), ("ok", 2, 0)]
        await cached.kept(3)
        assert await runs(cached) == [("cached", 0, 1), ("cached", 0, 2)]


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (PAGE, bearer()),
        (PAGE, {"accept-language": "de"}),
        ("{ motd me { id } }", {}),
        ('{ book(id: "1") { title liked } }', {}),
        ('{ book(id: "1") { title mine } }', {}),
        ('mutation { rename(id: "1", title: "y") { title } }', {}),
        ("{ motd __schema { queryType { name } } }", {}),
        ("{ nothing }", {}),
    ],
)
async def test_any_other_answer_is_for_whom_it_was_made(cached: Cached, query: str, headers: Mapping[str, str]) -> None:
    answer = await cached.send(query, headers)

    assert answer.headers["cache-control"] == "private, no-store"
    assert "age" not in answer.headers


async def test_a_redis_that_is_emptied_or_refuses_costs_speed_only(cached: Cached) -> None:
    await cached.ask(PAGE)
    await cached.kept(3)
    await cached.redis.flushall()
    assert await cached.ask(PAGE) == page("Book 1", "Book 2")
    assert cached.counts == {"catalog": 1, "reviews": 1}
    await cached.kept(3)


async def test_a_redis_that_is_away_is_left_alone(redis_url: str) -> None:
    # given an address where nobody listens
    async with shop(redis_url, cache={"url": "redis://127.0.0.1:1", "pause": 3600}) as cached:
        for _ in range(2):
            assert await cached.ask(PAGE) == page("Book 1", "Book 2")
            assert cached.counts == {"catalog": 1, "reviews": 1}
        # then it was tried once and not again
        metrics = (await cached.served.client.get("/metrics")).text
        assert (await cached.send(PAGE)).headers["cache-control"] == "public, max-age=20"
        assert _failures(metrics) == _failures((await cached.served.client.get("/metrics")).text)


async def test_a_redis_that_goes_and_comes_back_is_used_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    server = RedisServer(tmp_path, port, "secret", tmp_path / "redis.log", tied=True)
    server.start()
    try:
        async with shop(server.url) as cached:
            await cached.ask(PAGE)
            await cached.kept(3)
            server.stop()
            assert await cached.ask(PAGE) == page("Book 1", "Book 2")
            assert cached.counts == {"catalog": 1, "reviews": 1}

            server.start()

            async def warm() -> bool:
                assert await cached.ask(PAGE) == page("Book 1", "Book 2")
                return cached.counts == {}

            await eventually("a page that asks nobody", warm)
    finally:
        server.stop()


async def test_hits_and_misses_are_counted_by_subgraph(cached: Cached) -> None:
    before = await _counted(cached)
    await cached.ask(PAGE)
    await cached.kept(3)
    await cached.ask("{ books(first: 3) { edges { node { id title rating { stars } } } } }")
    await cached.kept(5)
    await cached.ask(PAGE)

    after = await _counted(cached)
    assert {name: value - before.get(name, 0) for name, value in after.items()} == {
        'entries_total{result="hit",subgraph="catalog"}': 1,
        'entries_total{result="miss",subgraph="catalog"}': 2,
        'entries_total{result="hit",subgraph="reviews"}': 4,
        'entries_total{result="miss",subgraph="reviews"}': 3,
        'fetches_total{found="nothing",subgraph="catalog"}': 2,
        'fetches_total{found="part",subgraph="catalog"}': 0,
        'fetches_total{found="whole",subgraph="catalog"}': 1,
        'fetches_total{found="nothing",subgraph="reviews"}': 1,
        'fetches_total{found="part",subgraph="reviews"}': 1,
        'fetches_total{found="whole",subgraph="reviews"}': 1,
    }


async def test_a_damaged_entry_is_a_miss(cached: Cached) -> None:
    await cached.ask("{ motd }")
    await cached.kept(1)
    (key,) = {_text(key) for key in await cached.redis.keys(f"{EDGE}:*")} - {f"{EDGE}:since"}
    moment = _text(await cached.redis.get(key) or "").partition("\n")[0]
    for damaged in (f"{moment}\n\n[1]", f"{moment}\n\nno json", f"{moment}\n\n", "no entry"):
        await cached.redis.set(key, damaged)
        assert (await cached.ask("{ motd }"))["data"] == {"motd": "hello"}
        assert cached.counts == {"catalog": 1}


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()


def _failures(metrics: str) -> str:
    (line,) = [line for line in metrics.splitlines() if line.startswith("gateway_cache_failures_total ")]
    return line


async def _counted(cached: Cached) -> dict[str, float]:
    text = (await cached.served.client.get("/metrics")).text
    lines = [line.removeprefix("gateway_cache_").rsplit(" ", 1) for line in text.splitlines()]
    # Other tests of this process have counted other subgraphs.
    ours = ('subgraph="catalog"}', 'subgraph="reviews"}')
    return {
        name: float(value)
        for name, value in lines
        if name.startswith(("entries_total{", "fetches_total{")) and name.endswith(ours)
    }
