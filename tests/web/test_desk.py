"""The desk answers the newest question of whoever asks again and again, and everybody else in between."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from tactful.adapters.memory.bells import MemoryBells
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.operations.history.opened import History
from tactful.operations.reading.reader import Reader
from tactful.web import desk as module
from tactful.web.desk import Desk, News, Overtaken
from tests.queries import QUERIES
from tests.web.living import Living

FOREVER = "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE (a.range + b.range) % 7 = 3"


@contextmanager
def desk() -> Iterator[Desk]:
    living = Living()
    world = living.world
    found = Desk(
        lambda: Reader(
            world.log, world.stores, world.trail, world.outbox, world.quarantine, lambda: History(MemoryLake(), QUERIES)
        )
    )
    yield found
    found.close()
    world.close()


def asking(begun: Event, query: str) -> Callable[[Reader], Any]:
    """Over and over: whoever breaks off meets one that runs, or the next."""

    def ask(reader: Reader) -> Any:
        with reader.history().open() as opened:
            begun.set()
            while True:
                opened.session.rows(query)

    return ask


@pytest.mark.parametrize("query", ["SELECT 1", "SELECT count(*) FROM range(30000000)"])
def test_what_is_being_asked_is_broken_off(query: str) -> None:
    begun = Event()

    async def type_on(typing: Desk) -> tuple[Any, ...]:
        first = asyncio.create_task(typing.ask(asking(begun, query), "ann"))
        await asyncio.to_thread(begun.wait)
        second = asyncio.create_task(typing.ask(lambda reader: "newest", "ann"))
        return tuple(await asyncio.gather(first, second, return_exceptions=True))

    with desk() as typing:
        overtaken, newest = asyncio.run(type_on(typing))
    assert isinstance(overtaken, Overtaken)
    assert newest == "newest"


def test_what_waits_is_not_begun_and_others_are_answered() -> None:
    go_on, answered = Event(), list[str]()

    def answer(name: str) -> Callable[[Reader], Any]:
        return lambda reader: answered.append(name)

    def wait(reader: Reader) -> Any:
        assert go_on.wait(60)

    async def type_on(typing: Desk) -> list[Any]:
        asked = [asyncio.create_task(typing.ask(wait))]
        for name, turn in (("a", "ann"), ("b", "ben"), ("c", "ann"), ("d", ""), ("e", "ann"), ("f", "")):
            asked.append(asyncio.create_task(typing.ask(answer(name), turn)))
            await asyncio.sleep(0)  # So that they are asked in this order.
        go_on.set()
        return list(await asyncio.gather(*asked, return_exceptions=True))

    with desk() as typing:
        found = asyncio.run(type_on(typing))
    assert answered == ["b", "d", "e", "f"]
    assert [type(one) for one in found] == [type(one) for one in (None, Overtaken(), None, Overtaken(), *[None] * 3)]


def test_the_next_question_is_not_broken_off_with_the_one_before() -> None:
    begun = Event()

    def count(reader: Reader) -> Any:
        with reader.history().open() as opened:
            return opened.session.rows("SELECT 42")

    async def type_on(typing: Desk) -> Any:
        first = asyncio.create_task(typing.ask(asking(begun, "SELECT 1"), "ann"))
        await asyncio.to_thread(begun.wait)
        found = await typing.ask(count, "ann")
        assert isinstance((await asyncio.gather(first, return_exceptions=True))[0], Overtaken)
        return found

    with desk() as typing:
        assert [tuple(row) for row in asyncio.run(type_on(typing))] == [(42,)]


def test_one_long_query_is_broken_off() -> None:
    history, told = History(MemoryLake(), QUERIES), list[str]()

    def ask() -> None:
        try:
            with history.open() as opened:
                opened.session.rows(FOREVER)
        except TransientError as error:
            told.append(str(error))

    thread = Thread(target=ask)
    thread.start()
    while thread.is_alive():  # Where it is met between two queries, it is broken off by the next.
        history.break_off()
        thread.join(0.01)
    assert told
    with pytest.raises(TransientError, match="broken off"), history.open():
        raise AssertionError("nothing can be asked any more")


def test_what_came_before_a_page_listens_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.01)
    bells = MemoryBells()

    async def open_a_page() -> tuple[bool, bool]:
        news = News(bells.bell("watch"))
        news.begin()
        made_at = news.number
        others = news.listen()
        bells.ring("watch")
        while not await anext(others):
            pass
        return await anext(news.listen(made_at)), await anext(news.listen(news.number))

    assert asyncio.run(open_a_page()) == (True, False)
