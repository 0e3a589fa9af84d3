"""The archiver: whatever happens to it and to the lake, each row comes into the lake once; before that, into the tail."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.bells import MemoryBell
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.events.derived import decode_groups
from tactful.events.records import Tick, encode
from tactful.history.cells import ZoneRow
from tactful.history.lake import Maintained
from tactful.history.producer import READS, read_groups
from tactful.history.table import of_rows
from tactful.language.sql.layout import EVENTS, TABLES, ZONES, Layout
from tactful.operations.history.opened import History
from tactful.runtime.archive import RETRY_US, Archive, Archiver, Declared, Pace
from tactful.runtime.decided import LiveTail
from tactful.testing.clock import SimClock
from tactful.values import HOUR_US, MINUTE_US, SECOND_US, format_time
from tests.histories import Life, lived

FILES = {
    "segments/bought.yaml": 'when: any("Order Completed", last="1d")\n',
    "events/order.yaml": "name: Order Completed\nproperties:\n  total: number\n",
}


def lines(number: int = 40) -> list[dict[str, Any]]:
    """People who buy before and after they are known."""
    found: list[dict[str, Any]] = []
    for place in range(number):
        who = {"anonymousId": f"a{place % 5}"}
        call: dict[str, Any] = {"type": "track", "event": "Order Completed", "properties": {"total": place}}
        if place % 4 == 3:
            who |= {"userId": f"{place % 3}"}
            call = {"type": "identify", "traits": {"city": "Lisbon"}}
        received = f"2026-01-02T{place // 60:02}:{place % 60:02}:00Z"
        found.append({**call, **who, "messageId": f"m{place}", "receivedAt": received})
    found.append(
        {"type": "consent", "purpose": "ads", "granted": True, "userId": "1", "receivedAt": "2026-01-03T00:00:00Z"}
    )
    found.append({"type": "score", "model": "m", "value": 1, "userId": "1", "receivedAt": "2026-01-03T00:00:01Z"})
    return found


@pytest.fixture
def life() -> Life:
    return lived(FILES, lines())


def held(lake: MemoryLake) -> dict[str, list[str]]:
    """Rows by table, in no order."""
    snapshot = lake.snapshot()
    return {name: sorted(map(repr, snapshot.source(name).to_table().to_pylist())) for name in TABLES}  # type: ignore[union-attr]  # in memory it is a data set


def archiver(life: Life, lake: MemoryLake, pace: Pace | None = None) -> Archiver:
    return Archiver(life.house.log, life.house.trail, lake, life.clock, pace=pace, name=life.house.name)


def whole(life: Life) -> dict[str, list[str]]:
    """What an archiver brings that nothing disturbs."""
    lake = MemoryLake()
    archiver(life, lake).archive()
    return held(lake)


def test_the_tail_says_what_the_lake_will(life: Life) -> None:
    rest = life.tail.since({}, Layout())
    expected = whole(life)
    assert {name: sorted(map(repr, rows.to_pylist())) for name, rows in rest.tables.items()} == {
        name: rows for name, rows in expected.items() if rows
    }
    assert len(expected[EVENTS]) > 40
    assert set(rest.tables) >= {"events", "traits", "identity", "memberships", "consents", "scores", "plans"}


def test_lake_and_tail_share_no_row_and_lack_none(life: Life) -> None:
    archiver(life, life.lake).archive()  # type: ignore[arg-type]  # in memory
    life.live(lines(50)[-12:])
    positions = life.lake.snapshot().positions
    rest = life.tail.since(positions, Layout())
    again = LiveTail(life.house.log, life.house.trail)
    again.since({}, Layout())
    assert again.since(positions, Layout()) == rest or _same(again.since(positions, Layout()).tables, rest.tables)
    now = whole(life)
    for name, rows in held(life.lake).items():  # type: ignore[arg-type]  # in memory
        tail = sorted(map(repr, rest.tables[name].to_pylist())) if name in rest.tables else []
        assert sorted(rows + tail) == now[name]


def _same(one: Mapping[str, pa.Table], two: Mapping[str, pa.Table]) -> bool:
    filled = [{name: rows for name, rows in each.items() if len(rows)} for each in (one, two)]
    return filled[0].keys() == filled[1].keys() and all(
        sorted(map(repr, rows.to_pylist())) == sorted(map(repr, filled[1][name].to_pylist()))
        for name, rows in filled[0].items()
    )


def test_piece_by_piece_is_the_same(life: Life) -> None:
    lake = MemoryLake()
    archiver(life, lake, Pace(rows=1, read=1)).archive()
    assert held(lake) == whole(life)


def test_an_append_begins_with_the_partition_that_has_most_left(life: Life) -> None:
    one = archiver(life, MemoryLake(), Pace(rows=1, read=1))
    ends = {partition: life.house.trail.end(partition) for partition in range(life.house.log.partitions)}
    one.append()
    assert list(one.positions) == [max(ends, key=ends.__getitem__)]


def test_a_new_lake_gets_time_zones_once(life: Life) -> None:
    lake, rows = MemoryLake(), [ZoneRow("UTC", 0, 1, 0)]
    for _ in range(2):
        first = lambda: {ZONES: of_rows(ZONES, rows)}  # noqa: E731  (said once)
        Archiver(life.house.log, life.house.trail, lake, life.clock, first=first).archive()
        life.live([{**lines(1)[0], "messageId": "late", "receivedAt": "2026-01-09T00:00:00Z"}])
    assert len(held(lake)[ZONES]) == 1


class Failing(MemoryLake):
    """Fails at those of its appends that are named, before or after it has written."""

    def __init__(self, before: Sequence[int] = (), after: Sequence[int] = ()) -> None:
        super().__init__()
        self.calls = 0
        self._before, self._after = before, after

    def append(
        self, upto: Mapping[int, int], tables: Mapping[str, pa.Table], seals: Mapping[int, int] | None = None
    ) -> None:
        self.calls += 1
        if self.calls in self._before:
            raise TransientError("503")
        super().append(upto, tables, seals)
        if self.calls in self._after:
            raise TransientError("timed out")


def loop(life: Life, lake: MemoryLake, bell: MemoryBell, quiet: MemoryBell, pace: Pace) -> Archive:
    return Archive(lambda: archiver(life, lake, pace), bell, quiet, life.clock, lambda: False)


def test_a_lake_that_fails_before_or_after_it_wrote(life: Life) -> None:
    lake = Failing(before=(1, 3), after=(2, 5))
    running = loop(life, lake, MemoryBell(), MemoryBell(), Pace(rows=10, read=2, every_us=0))
    for _ in range(30):
        if not running.round():
            life.clock.advance(RETRY_US)
    assert lake.calls > 5
    assert held(lake) == whole(life)


def test_after_a_failure_it_tries_again_soon_and_ever_less_often(life: Life) -> None:
    """And what the lake lacks has waited by then: it does not wait `every` once more."""
    lake, tries = Failing(before=range(1, 11)), list[int]()
    running = loop(life, lake, MemoryBell(), MemoryBell(), Pace(every_us=30 * SECOND_US))
    while not (done := running.round()) and not lake.calls:
        life.clock.advance(RETRY_US)
    while not done:
        before, begun_us = lake.calls, life.clock.real_us()
        while lake.calls == before:
            life.clock.advance(RETRY_US)
            done = running.round()
        tries.append((life.clock.real_us() - begun_us) // RETRY_US)
    assert tries == [1, 2, 4, 8, 16, 32, 64, 128, 128, 128]
    assert held(lake) == whole(life)
    life.live([{**lines(1)[0], "messageId": "late", "receivedAt": format_time(life.clock.now_us())}])
    while running.round():
        pass
    assert lake.calls == 11, "it waits for more, as before"


def test_two_archivers_bring_each_row_once(life: Life) -> None:
    lake = MemoryLake()
    first, second = archiver(life, lake, Pace(rows=5, read=2)), archiver(life, lake, Pace(rows=7, read=3))
    for number in range(40):
        (first, second)[number % 2].append()
    assert held(lake) == whole(life)


def test_it_waits_until_there_is_enough_to_say(life: Life) -> None:
    lake = MemoryLake()
    waiting = archiver(life, lake, Pace(every_us=MINUTE_US))
    waiting.keep_house()
    assert not waiting.turn()
    assert waiting.is_waiting()
    life.clock.advance(MINUTE_US - SECOND_US)
    assert not waiting.turn()
    life.clock.advance(SECOND_US)
    assert waiting.turn()
    assert not waiting.is_waiting()
    assert waiting.behind() == 0


def test_a_clock_that_is_set_back_makes_no_wait_longer() -> None:
    life = lived(FILES, lines(4))
    waiting = archiver(life, MemoryLake(), Pace(every_us=MINUTE_US))
    waiting.keep_house()
    waiting.turn()
    life.clock.jump(-30 * MINUTE_US)
    assert waiting.turn()
    assert waiting.behind() == 0


def test_who_waits_hears_no_ring_but_the_one_to_stop(life: Life) -> None:
    heard: list[str] = []

    class Bell(MemoryBell):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def wait(self, timeout_s: float | None) -> None:
            heard.append(f"{self.name} {timeout_s}")
            life.clock.advance(int((timeout_s or 0) * SECOND_US))

    lake, stops = MemoryLake(), iter([False] * 6 + [True])
    make = lambda: archiver(life, lake, Pace(every_us=30 * SECOND_US))  # noqa: E731  (said once)
    Archive(make, Bell("any"), Bell("stop"), life.clock, lambda: next(stops)).run()
    assert heard[0] == "stop 30.0"
    assert heard[-1] == "any 60.0"
    assert held(lake) == whole(life)


def test_housekeeping_is_told_what_definitions_say_and_tells_where_the_lake_is(life: Life) -> None:
    told: list[dict[int, int]] = []
    lake = MemoryLake()
    retention = {"Order Completed": HOUR_US}
    keeping = Archiver(
        life.house.log,
        life.house.trail,
        lake,
        life.clock,
        lambda: Declared(Layout(("total",)), retention),
        lambda at: told.append(dict(at)),
    )
    keeping.archive()
    assert keeping.keep_house()
    assert not told
    assert not keeping.keep_house()
    assert told == [dict(lake.snapshot().positions)]
    assert lake.snapshot().layout == Layout(("total",))
    names = {row["name"] for row in lake.snapshot().source(EVENTS).to_table().to_pylist()}  # type: ignore[union-attr]  # in memory
    assert "Order Completed" not in names
    assert "$identify" in names


def test_what_the_log_has_lost_is_said(life: Life) -> None:
    clock = SimClock(life.clock.now_us())
    clock.advance(400 * 24 * HOUR_US)
    life.clock.advance(2 * 24 * HOUR_US)
    life.live([{**lines(1)[0], "messageId": "late", "receivedAt": "2026-01-09T00:00:00Z"}])
    life.house.log.trim(clock.now_us(), {0: 1 << 40, 1: 1 << 40})
    with pytest.raises(TransientError, match="gone from the log"):
        archiver(life, MemoryLake()).archive()


def test_what_was_passed_on_needs_no_other_log() -> None:
    """The event entered in another partition, whose log is trimmed before this one is archived."""
    life = lived(FILES, lines())
    log = life.house.log
    reads: list[int] = []
    read = log.read

    class Watched:
        partitions = log.partitions

        def read(self, partition: int, after: int, limit: int) -> list[tuple[int, bytes]]:
            reads.append(partition)
            return read(partition, after, limit)

    for partition in range(2):
        reads.clear()
        tail = LiveTail(Watched(), life.house.trail)  # type: ignore[arg-type]  # what it needs of one
        tail._brought_up(partition, 0)
        assert set(reads) == {partition}


class Untidy(MemoryLake):
    """A file of it cannot be read."""

    def maintain(self, now_us: int, retention_us: Mapping[str, int]) -> Maintained:
        raise TransientError("a file of the lake could not be read")


def test_a_file_that_cannot_be_read_holds_up_no_appending(life: Life) -> None:
    lake = Untidy(buckets=4)
    trimmed: list[Mapping[int, int]] = []
    pace = Pace(every_us=30 * SECOND_US)
    found = Archiver(life.house.log, life.house.trail, lake, life.clock, archived=trimmed.append, pace=pace)
    assert not found.turn(), "it waits, and housekeeping fails"
    life.clock.advance(31 * SECOND_US)
    assert found.turn()
    assert not found.turn()
    assert not found.behind()
    assert held(lake) == whole(life)
    assert not trimmed, "while the log may be all that there is"


def test_a_lake_that_has_more_than_the_log_is_said(life: Life) -> None:
    lake = MemoryLake(buckets=4)
    archiver(life, lake).archive()
    before = lived(FILES, lines(12))
    with pytest.raises(TransientError, match="was brought back from a backup"):
        archiver(before, lake)


def ask(history: History) -> None:
    with history.open():
        raise AssertionError("nobody is answered")


def parted(life: Life, lake: MemoryLake, name: str) -> list[str]:
    """What is said to whoever archives, and to whoever asks."""
    said = []
    for act in (
        lambda: Archiver(life.house.log, life.house.trail, lake, life.clock, name=name),
        lambda: ask(History(lake, DuckDBQueries(), LiveTail(life.house.log, life.house.trail, name))),
    ):
        with pytest.raises(TransientError) as refused:
            act()
        said.append(str(refused.value))
    return said


def test_a_folder_that_was_brought_back_and_has_grown_again_is_said() -> None:
    """The log has as many records as the lake by now, and more; but they are others."""
    first = lived(FILES, lines(12)[:12])
    lake = MemoryLake(buckets=4)
    archiver(first, lake).archive()
    archiver(first, lake)
    again = lived(FILES, lines(8)[:8])
    again.live([{**one, "receivedAt": f"2026-01-02T01:{place:02}:01Z"} for place, one in enumerate(lines(20)[8:20])])
    assert all(again.house.log.end(one) >= at for one, at in lake.snapshot().positions.items())
    for said in parted(again, lake, again.house.name):
        assert "is not the one that the lake has: the data folder was brought back from a backup" in said
        assert "tactful lake begin" in said


def test_a_lake_of_an_earlier_time_is_brought_on(life: Life) -> None:
    """It was brought back from a backup, and the log has the rest."""
    lake = MemoryLake(buckets=4)
    archiver(life, lake).append()
    life.live([{**lines(1)[0], "messageId": "late", "receivedAt": "2026-01-09T00:00:00Z"}])
    life.tail.demand(lake.snapshot())
    archiver(life, lake).archive()
    assert held(lake) == whole(life)


def test_a_lake_of_another_installation_is_said(life: Life) -> None:
    """Of one that has received the very same records, as in an import that is tried again."""
    lake = MemoryLake(buckets=4)
    Archiver(life.house.log, life.house.trail, lake, life.clock, name="one").archive()
    Archiver(life.house.log, life.house.trail, lake, life.clock, name="one")
    for said in parted(life, lake, "two"):
        assert "another folder's" in said


def test_a_log_that_was_trimmed_beyond_the_last_row_has_all_that_is_needed() -> None:
    """Ticks without effect came behind it, and went."""
    life = lived(FILES, lines(12))
    lake = MemoryLake(buckets=4)
    archiver(life, lake).archive()
    log = life.house.log
    log.append({partition: [encode(Tick(life.clock.now_us(), 1))] for partition in range(2)})
    life.settle()
    life.clock.advance(30 * HOUR_US)
    log.append({partition: [encode(Tick(life.clock.now_us(), 1))] for partition in range(2)})
    life.settle()
    assert log.trim(life.clock.now_us(), {0: 1 << 40, 1: 1 << 40})
    assert any(log.start(one) > lake.snapshot().positions[one] for one in range(2))
    before = len(held(lake)[EVENTS])
    life.live([{**lines(1)[0], "messageId": "late", "receivedAt": format_time(life.clock.now_us())}])
    archiver(life, lake).archive()
    assert len(held(lake)[EVENTS]) == before + 1


def test_rows_that_the_history_does_not_read_are_passed_over(life: Life) -> None:
    trail = life.house.trail
    blobs = [one for partition in range(2) for one in trail.between(partition, 1, trail.end(partition))]
    whole = [group for one in blobs for group in decode_groups(one)]
    some = [group for one in blobs for group in read_groups(one)]
    assert [(one.position, one.key, one.before) for one in some] == [
        (one.position, one.key, one.before) for one in whole
    ]
    kept = [[row if type(row) in READS else None for row in group.rows] for group in whole]
    assert [[row if type(row) in READS else None for row in group.rows] for group in some] == kept
    assert sum(row is None for rows in kept for row in rows) > 2 < sum(row is not None for rows in kept for row in rows)
