"""A backtest from its beginning to its end: the history is dealt out, every unit is played by every version, and what
they counted is added up."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from heapq import merge
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.records import TIME_ZONE, Launch, Record, Steer, Threshold
from tactful.operations.backtesting.again import Again
from tactful.operations.backtesting.counting import Counting, compare, in_order, lines
from tactful.operations.backtesting.crew import Crew
from tactful.operations.backtesting.dealing import Dealt, deal, unit
from tactful.operations.backtesting.playing import Outside, Period, Player
from tactful.operations.backtesting.stages import Brought, Stage, stage
from tactful.operations.backtesting.tally import Difference, Line, Tally

if TYPE_CHECKING:
    from tactful.operations.history.opened import (
        Opened,  # Stands on the compilers of SQL, which the crew does not need.
    )

ForEverybody = Threshold | Launch | Steer
"""What history has of that, beside plans."""
BATCH = 100
_decode = msgspec.msgpack.Decoder(list[Line]).decode


class Version(Struct, frozen=True):
    """A project with the journey as one of the two has it, or without it."""

    label: str
    files: dict[str, str]
    settings: dict[str, str]
    brought: Brought | None = None


class Wanted(Struct, frozen=True):
    """What is to be played."""

    journey: str
    versions: tuple[Version, ...]
    """One, or two to be compared."""
    from_us: int
    until_us: int
    outside: Outside = Outside()
    is_steered: bool = False
    """What was said of the journey itself, and of all sending, counts, too."""


class Told(Struct, frozen=True):
    """How far it is: `read` (the history is dealt out) or `play`, and the share of it that is done."""

    what: str
    share: float

    @property
    def of_all(self) -> float:
        """Of the whole work; reading the history is about a tenth of it."""
        return self.share / 10 if self.what == "read" else 0.1 + self.share * 0.9


class Backtest(Struct, frozen=True):
    """What came of it."""

    wanted: Wanted
    begin: int
    """Where history begins."""
    rows: int
    """Of history that were played."""
    tallies: tuple[Tally, ...]
    """By version."""
    difference: Difference | None = None
    """Of the second version to the first."""


class _Common(Struct, frozen=True, array_like=True):
    """What every unit needs to know."""

    wanted: Wanted
    begin: int
    pieces: tuple[str, ...]
    told: tuple[ForEverybody, ...]
    """In order."""
    lists: str
    """The folder for all lines, one file for each unit and version; "": nobody asks."""


class _Unit(Struct, frozen=True):
    number: int
    common: bytes


class _Played(Struct, frozen=True):
    number: int
    tallies: tuple[Tally, ...]
    difference: Difference | None


def backtest(
    opened: "Opened",
    wanted: Wanted,
    crew: Crew,
    progress: Callable[[Told], None],
    listen: Callable[[int, Line], None] | None = None,
) -> Backtest:
    """Play the history up to the end of the period. `listen` is told every line of each version (by its number), in
    order of time. Raises DefinitionError for mistakes of a version, UsageError where there is nothing to play."""
    plans = [_stage(msgspec.msgpack.encode(one), wanted.journey, 0).plan for one in wanted.versions]
    with TemporaryDirectory(prefix="tactful-backtest-") as folder:
        place = Path(folder)
        dealt = deal(opened.session, plans, wanted.until_us, place, lambda share: progress(Told("read", share)))
        if not dealt.rows:
            raise UsageError("the history has nothing before the end of this period; choose a later end")
        lists = str(place) if listen is not None else ""
        told = tuple(_told(opened, wanted.until_us))
        pieces = tuple(str(path) for path in dealt.pieces)
        common = msgspec.msgpack.encode(_Common(wanted, dealt.begin - 1, pieces, told, lists))
        tallies = tuple(Tally() for _ in wanted.versions)
        difference = Difference() if len(tallies) > 1 else None
        done, largest = 0, sorted(range(len(dealt.units)), key=lambda number: -dealt.units[number])
        for played in crew.each(play, [_Unit(number, common) for number in largest]):
            for tally, more in zip(tallies, played.tallies, strict=True):
                tally.add(more)
            if difference is not None and played.difference is not None:
                difference.add(played.difference)
            done += dealt.units[played.number]
            progress(Told("play", done / dealt.rows))
        if listen is not None:
            _tell_all(place, dealt, len(tallies), listen)
    return Backtest(wanted, dealt.begin, dealt.rows, tallies, difference)


def _told(opened: "Opened", until: int) -> Iterator[ForEverybody]:
    """Thresholds, launches and orders, as partition 0 heard of them."""
    found: list[tuple[int, int, ForEverybody]] = []
    before = f"WHERE received_at < {until}"
    for at, ref, metric, percent, value in opened.session.rows(
        f"SELECT received_at, ref, metric, percent, value FROM thresholds {before}"
    ):
        found.append((at, ref, Threshold(at, metric, percent, value)))
    for at, ref, journey, what, version, author, reason in opened.session.rows(
        f"SELECT received_at, ref, journey, what, version, author, reason FROM steering {before}"
    ):
        said = Launch(at, journey, version, author) if what == "launch" else Steer(at, journey, what, author, reason)
        found.append((at, ref, said))
    yield from (one for _, _, one in sorted(found, key=lambda one: one[:2]))


# ---- one unit, in a process of the crew ------------------------------------------------------------------------------


@lru_cache(maxsize=4)
def _common(body: bytes) -> _Common:
    return msgspec.msgpack.decode(body, type=_Common)


@lru_cache(maxsize=4)
def _stage(version: bytes, journey: str, begin: int) -> Stage:
    """Compiled once in each process."""
    read = msgspec.msgpack.decode(version, type=Version)
    was = read.brought.was if read.brought is not None else ""
    return stage(read.files, read.settings, journey, begin, was=was)


def play(one: _Unit) -> _Played:
    """All versions over the people of one unit."""
    common = _common(one.common)
    wanted = common.wanted
    period = Period(common.begin, wanted.from_us, wanted.until_us)
    again = Again(unit([Path(path) for path in common.pieces], one.number), wanted.journey)
    records = list(_in_order(again.records(), common.told))
    tallies, sent, notes = [], [], []
    for version in wanted.versions:
        made = _stage(msgspec.msgpack.encode(version), wanted.journey, common.begin)
        time_zone = version.settings.get(TIME_ZONE, "UTC")
        counting = Counting(made, period, time_zone, is_listing=bool(common.lists))
        player = Player(
            made, period, wanted.outside, counting, wanted.journey, version.brought, is_steered=wanted.is_steered
        )
        player.play(records)
        for fact in again.sent:
            counting.was_sent(*fact)
        tally, messages, noted = counting.finish(player.people, player.codes)
        tallies.append(tally)
        sent.append(messages)
        notes.append(noted)
    difference = None
    if len(sent) > 1:
        difference, *sent = compare(*sent)
    if common.lists:
        for number, (messages, noted) in enumerate(zip(sent, notes, strict=True)):
            _keep(_list(Path(common.lists), one.number, number), lines(messages, noted))
    return _Played(one.number, tuple(tallies), difference)


def _in_order(records: Iterable[Record], told: Sequence[ForEverybody]) -> Iterator[Record]:
    if not told:
        return iter(records)
    return merge(told, records, key=_received_at)


def _received_at(record: Record) -> int:
    return record.received_at  # type: ignore[union-attr]  # a Plan, which has none, is no record of history


# ---- every line ------------------------------------------------------------------------------------------------------


def _list(folder: Path, unit: int, version: int) -> Path:
    return folder / f"lines-{version}-{unit:05}.msgpack"


def _keep(path: Path, found: Sequence[Line]) -> None:
    """In batches, each behind its length: of many units only one of each is in memory at a time."""
    with path.open("wb") as file:
        for begin in range(0, len(found), BATCH):
            body = msgspec.msgpack.encode(found[begin : begin + BATCH])
            file.write(len(body).to_bytes(4, "big") + body)


def _tell_all(folder: Path, dealt: Dealt, versions: int, listen: Callable[[int, Line], None]) -> None:
    for version in range(versions):
        lists = [_read(_list(folder, number, version)) for number in range(len(dealt.units))]
        for one in merge(*lists, key=in_order):
            listen(version, one)


def _read(path: Path) -> Iterator[Line]:
    """The file is open for a batch at a time only: there may be more of them than a process may have open."""
    place = 0
    while True:
        with path.open("rb") as file:
            file.seek(place)
            size = int.from_bytes(file.read(4), "big")
            body = file.read(size)
        if not size:
            return
        place += 4 + size
        yield from _decode(body)
