"""The port Log, over every adapter."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.conftest import LogMaker
from tests.contracts.values import SLICE_US, HandClock
from tests.tries import tries


def test_positions_count_from_one_in_each_partition(open_log: LogMaker) -> None:
    log = open_log()
    assert (log.end(0), log.read(0, 0, 10)) == (0, [])
    assert log.append({0: [b"a", b"b"], 1: [b"x"]}) == {0: 1, 1: 1}
    assert log.append({1: [b"y"], 0: [b"c"]}) == {0: 3, 1: 2}
    assert log.read(0, 0, 10) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert log.read(1, 1, 10) == [(2, b"y")]
    assert (log.end(0), log.end(1)) == (3, 2)


def test_a_read_may_begin_inside_a_frame_and_stops_about_the_limit(open_log: LogMaker) -> None:
    log = open_log()
    for first in range(0, 30, 3):
        log.append({0: [b"%d" % (first + n) for n in range(3)]})
    assert log.read(0, 1, 1)[0] == (2, b"1")
    assert 4 <= len(log.read(0, 0, 4)) <= 6
    assert log.read(0, 30, 4) == []
    after, seen = 0, []
    while found := log.read(0, after, 4):
        seen += found
        after = found[-1][0]
    assert seen == [(n + 1, b"%d" % n) for n in range(30)]


def test_nothing_appended_is_nothing(open_log: LogMaker) -> None:
    log = open_log()
    assert log.append({}) == {}
    assert log.append({0: [], 1: [b"x"]}) == {1: 1}
    assert log.end(0) == 0


def test_two_views_of_one_log_agree(open_log: LogMaker, clock: HandClock) -> None:
    one, other = open_log(), open_log()
    assert one.append({0: [b"a"]}) == {0: 1}
    assert other.append({0: [b"b"]}) == {0: 2}
    clock.us += SLICE_US
    assert one.append({0: [b"c"]}) == {0: 3}
    assert other.append({0: [b"d"]}) == {0: 4}
    clock.us += 3 * SLICE_US
    assert other.append({0: [b"e"]}) == {0: 5}
    assert one.append({0: [b"f"]}) == {0: 6}
    expected = [(n, bytes([96 + n])) for n in range(1, 7)]
    for view in (one, other, open_log()):
        seen = [record for after in range(6) for record in view.read(0, after, 1)[:1]]
        assert seen == expected
        assert (view.end(0), view.end(1)) == (6, 0)


def test_trim_drops_old_files_that_everybody_has_read(open_log: LogMaker, clock: HandClock) -> None:
    log, other = open_log(), open_log()
    for day in range(4):
        log.append({0: [b"a%d" % day], 1: [b"b%d" % day]})
        clock.us += SLICE_US
    assert log.trim(clock.us, {0: 0, 1: 0}) == 0
    assert log.trim(clock.us, {0: 2, 1: 0}) == 0, "partition 1 is behind"
    assert log.trim(clock.us - 3 * SLICE_US, {0: 9, 1: 9}) == 1, "only what was closed by then"
    assert log.trim(clock.us, {0: 2, 1: 2}) == 1
    for view in (log, other, open_log()):
        assert (view.start(0), view.start(1)) == (2, 2)
        assert view.read(0, 0, 10)[0] == (3, b"a2"), "what is left begins where the rest was cut"
        assert (view.end(0), view.end(1)) == (4, 4)
    assert log.trim(clock.us, {0: 9, 1: 9}) == 1, "the newest file stays"
    assert log.append({0: [b"a4"]}) == {0: 5}
    assert other.append({1: [b"b4"]}) == {1: 5}, "one that slept while its file was trimmed"
    assert [position for position, _ in other.read(0, 3, 1)] == [4]


def test_the_clock_may_go_back(open_log: LogMaker, clock: HandClock) -> None:
    log = open_log()
    log.append({0: [b"a"]})
    clock.us -= 100 * SLICE_US
    assert log.append({0: [b"b"]}) == {0: 2}
    clock.us += 200 * SLICE_US
    assert log.append({0: [b"c"]}) == {0: 3}
    clock.us -= 150 * SLICE_US
    assert log.append({0: [b"d"]}) == {0: 4}
    assert [body for after in range(4) for _, body in log.read(0, after, 1)[:1]] == [b"a", b"b", b"c", b"d"]


_steps = st.one_of(
    st.tuples(st.just("append"), st.lists(st.integers(0, 3), min_size=2, max_size=2)),
    st.tuples(st.just("wait"), st.just([0])),
    st.tuples(st.just("trim"), st.lists(st.integers(0, 12), min_size=2, max_size=2)),
    st.tuples(st.just("open"), st.just([0])),
)


@settings(max_examples=tries(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_steps, max_size=25))
def test_any_history_reads_as_it_was_written(
    steps: list[tuple[str, list[int]]], tmp_path_factory: pytest.TempPathFactory, engine: str
) -> None:
    from tactful.adapters.memory.log import MemoryLog
    from tactful.adapters.sqlite.log import SqliteLog

    clock = HandClock()
    folder = tmp_path_factory.mktemp("log")
    log: MemoryLog | SqliteLog = MemoryLog(2, clock, slice_us=SLICE_US)
    if engine == "sqlite":
        log = SqliteLog(folder, 2, clock, slice_us=SLICE_US)
    written: list[list[bytes]] = [[], []]
    for number, (step, numbers) in enumerate(steps):
        if step == "append":
            records = {p: [b"%d.%d" % (number, n) for n in range(count)] for p, count in enumerate(numbers)}
            firsts = log.append(records)
            assert firsts == {p: len(written[p]) + 1 for p in (0, 1) if records[p]}
            for p in (0, 1):
                written[p] += records[p]
        elif step == "wait":
            clock.us += SLICE_US
        elif step == "trim":
            log.trim(clock.us, dict(enumerate(numbers)))
        elif isinstance(log, SqliteLog):
            log.close()
            log = SqliteLog(folder, 2, clock, slice_us=SLICE_US)
        for p in (0, 1):
            after, seen = log.start(p), []
            while found := log.read(p, after, 2):
                seen += found
                after = found[-1][0]
            assert seen == list(enumerate(written[p], start=1))[log.start(p) :]
            assert log.end(p) == len(written[p])
    log.close()
