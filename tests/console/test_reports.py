"""Reports are computed beside the page: the last one is shown with its age, and nobody waits for the next."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Event
from typing import cast

import pytest

from tactful.operations.journeys.measuring import Report
from tactful.operations.reading.reader import Reader
from tactful.runtime.ports import Clock
from tactful.values import DAY_US, HOUR_US, SECOND_US
from tactful.web.console import reports
from tactful.web.console.reports import Question, Reports, age, passing
from tactful.web.desk import Desk

WELCOME = Question("welcome", 0, 1)


class Hand(Clock):
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = DAY_US

    def now_us(self) -> int:
        return self.at


class Slow:
    """Measures when it is told to; what comes out says how often that was."""

    def __init__(self, clock: Hand) -> None:
        self.clock = clock
        self.go = Event()
        self.go.set()
        self.took_us = SECOND_US
        self.asked: list[Question] = []
        self.written = 1
        self.fails = False

    def begin(self) -> None:
        """As a Reader."""

    @property
    def trail(self) -> "Slow":
        return self

    def people_states(self) -> list[None]:
        return [None]

    def end(self, partition: int) -> int:
        return self.written

    def measure(self, *question: object) -> Report:
        assert self.go.wait(60)
        self.asked.append(cast(Question, question))
        self.clock.at += self.took_us
        if self.fails:
            raise OSError("the disk is gone")
        return cast(Report, f"report {len(self.asked)}")


class Bench:
    def __init__(self) -> None:
        self.clock = Hand()
        self.slow = Slow(self.clock)
        self.desk = Desk(lambda: cast(Reader, self.slow))
        self.reports = Reports(self.desk, self.clock)


def live(act: Callable[[Bench], Awaitable[None]]) -> None:
    bench = Bench()
    try:
        asyncio.run(act(bench))  # type: ignore[arg-type]  # a coroutine
    finally:
        bench.slow.go.set()
        bench.desk.close()


async def settled(bench: Bench) -> None:
    await asyncio.gather(*bench.reports._coming.values(), return_exceptions=True)
    await asyncio.sleep(0)


def test_one_that_is_quick_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PATIENCE_S", 60)

    async def act(bench: Bench) -> None:
        shown = await bench.reports.ask(WELCOME, (1,))
        assert shown.kept is not None
        assert (str(shown.kept.report), shown.is_coming, shown.kept.at) == ("report 1", False, DAY_US + SECOND_US)
        again = await bench.reports.ask(WELCOME, (1,))
        assert again.kept is shown.kept, "nothing was written since"

    live(act)


def test_the_last_one_is_shown_while_the_next_is_computed() -> None:
    async def act(bench: Bench) -> None:
        bench.slow.go.clear()
        first = await bench.reports.ask(WELCOME, (1,))
        assert (first.kept, first.is_coming) == (None, True)
        bench.slow.go.set()
        await settled(bench)
        bench.slow.go.clear()
        bench.clock.at += HOUR_US
        bench.slow.written = 2
        second = await bench.reports.ask(WELCOME, (2,))
        assert second.kept is not None
        assert (str(second.kept.report), second.is_coming) == ("report 1", True)
        third = await bench.reports.ask(WELCOME, (3,))
        assert third.is_coming
        bench.slow.go.set()
        await settled(bench)
        assert len(bench.slow.asked) == 2, "the same question is computed once at a time"
        fourth = await bench.reports.ask(WELCOME, (2,))
        assert fourth.kept is not None
        assert (str(fourth.kept.report), fourth.is_coming) == ("report 2", False)

    live(act)


def test_one_that_took_long_is_not_computed_at_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PATIENCE_S", 60)

    async def act(bench: Bench) -> None:
        await bench.reports.ask(WELCOME, (1,))
        for written in range(2, 12):
            bench.clock.at += SECOND_US // 2
            await bench.reports.ask(WELCOME, (written,))
        assert len(bench.slow.asked) == 1
        bench.clock.at += reports.REST * SECOND_US
        await bench.reports.ask(WELCOME, (12,))
        assert len(bench.slow.asked) == 2

    live(act)


def test_what_is_asked_of_the_last_days_is_asked_anew_each_hour() -> None:
    reader = cast(Reader, Slow(Hand()))
    assert passing(reader, HOUR_US - 1) == passing(reader, 0) != passing(reader, HOUR_US)


def test_what_went_wrong_is_told_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PATIENCE_S", 60)

    async def act(bench: Bench) -> None:
        bench.slow.fails = True
        shown = await bench.reports.ask(WELCOME, (1,))
        assert (shown.kept, shown.problem, shown.is_coming) == (None, "the disk is gone", False)
        bench.slow.fails = False
        again = await bench.reports.ask(WELCOME, (1,))
        assert again.kept is not None

    live(act)


def test_no_more_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "PATIENCE_S", 60)
    monkeypatch.setattr(reports, "KEPT", 3)

    async def act(bench: Bench) -> None:
        for number in range(10):
            await bench.reports.ask(Question("welcome", number, number + 1), (1,))
        await settled(bench)
        assert len(bench.reports._kept) == 3

    live(act)


@pytest.mark.parametrize(
    ("span_us", "said"),
    [
        (0, "just now"),
        (SECOND_US, "1 second old"),
        (59 * SECOND_US, "59 seconds old"),
        (HOUR_US + SECOND_US, "1 hour old"),
        (3 * DAY_US, "3 days old"),
    ],
)
def test_ages_in_words(span_us: int, said: str) -> None:
    assert age(span_us) == said
