"""Seeds of a house: what is new is counted from its lake and its tail, and from then on says what is so."""

import pytest
from msgspec.structs import replace

from tactful.adapters.crew import Processes
from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import TransientError
from tactful.events.derived import SegmentEntered, decode_groups
from tactful.kernel.state import FIRST_KEY, decode_partition, encode
from tactful.language.check import check
from tactful.operations.evaluation.evaluate_lines import Line
from tactful.operations.history.opened import History
from tactful.operations.reading.matching import Matching
from tactful.operations.seeds import seed_counting
from tactful.operations.seeds.seed_mending import Mender, lost
from tactful.operations.seeds.seeding import KEPT_US, Seeder
from tactful.values import DAY_US, MINUTE_US
from tests.histories import Life, lived

BEFORE = {"segments/somebody.yaml": 'when: any("Order Completed", last="1d")\n'}
AFTER = BEFORE | {
    "segments/loyal.yaml": 'when: count("Order Completed") >= 3\n',
    "segments/big.yaml": 'when: sum("Order Completed", total) > 100\n',
    "metrics/spend.yaml": 'value: sum("Order Completed", total)\n',
}


def line(minute: int, user: str, total: float, **more: object) -> Line:
    at = f"2026-01-02T{minute // 60:02}:{minute % 60:02}:00Z"
    body = {"type": "track", "event": "Order Completed", "userId": user, "properties": {"total": total}}
    return body | {"messageId": f"m{minute}", "timestamp": at, "receivedAt": at} | more


LINES = [line(minute, f"u{minute % 3}", 10.0 * (minute % 3 + 1)) for minute in range(12)]


def members(life: Life) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for partition, worker in enumerate(life.workers):
        names = {rule.number: rule.name for rule in worker.plan.segments}
        store = life.house.store(partition)
        for key in store.keys_after("%", 1000):
            profile = worker.find(key)
            assert profile is not None
            for number in profile.segments:
                found.setdefault(names[number], set()).add(key)
    return found


def causes(life: Life) -> set[str]:
    blobs = [blob for one in range(life.house.log.partitions) for blob in life.house.trail.between(one, 1, 1 << 60)]
    rows = [row for blob in blobs for group in decode_groups(blob) for row in group.rows]
    return {row.cause for row in rows if isinstance(row, SegmentEntered) and row.segment in ("loyal", "big")}


@pytest.mark.parametrize("is_archived", [False, True])
def test_a_new_definition_is_seeded_from_lake_and_tail(is_archived: bool) -> None:
    life = lived(BEFORE, LINES)
    if is_archived:
        life.archive()
    life.publish(AFTER)
    assert set(members(life)) == {"somebody"}
    life.live([line(20, "u0", 500.0)])
    assert set(members(life)) == {"somebody"}, "what is warming says nothing"
    seeder = Seeder(life.house, life.history())
    (done,) = seeder.turn()
    assert (done.events, done.fragments) == (12, 3)
    assert seeder.turn() == [] and seeder.waiting() == [], "what was told is not counted again"
    life.settle()
    assert members(life) == {
        "somebody": {"u:u0", "u:u1", "u:u2"},
        "loyal": {"u:u0", "u:u1", "u:u2"},
        "big": {"u:u0", "u:u2"},
    }
    assert causes(life) == {"publish"}
    life.live([line(30, "u1", 500.0)])
    assert members(life)["big"] == {"u:u0", "u:u1", "u:u2"}
    assert "event" in causes(life)


def test_a_second_seed_of_the_same_changes_nothing() -> None:
    life = lived(BEFORE, LINES)
    life.publish(AFTER)
    for _ in range(2):  # Two who do not know of each other, before anybody has read the log.
        assert len(Seeder(life.house, life.history()).turn()) == 1
    life.settle()
    plans = [life.house.plan(partition) for partition in range(2)]
    assert [plan.seeded for plan in plans if plan is not None] == [1, 1]
    assert members(life)["big"] == {"u:u2"}


def test_files_stay_as_long_as_a_plan_names_them() -> None:
    life = lived(BEFORE, LINES)
    life.publish(AFTER)
    (done,) = Seeder(life.house, life.history()).turn()
    life.settle()
    life.until(life.clock.now_us() + KEPT_US + DAY_US)
    seeder = Seeder(life.house, life.history())
    assert (seeder.tidy(), life.house.seeds.digests()) == (0, [done.digest])
    life.publish(BEFORE)
    assert (seeder.tidy(), life.house.seeds.digests()) == (1, [])


def test_what_comes_again_is_counted_again() -> None:
    """Between two plans that have it nobody counted."""
    life = lived(AFTER, LINES[:6])
    life.publish(BEFORE)
    life.live(LINES[6:9])
    life.publish(AFTER)
    life.live(LINES[9:])
    Seeder(life.house, life.history()).turn()
    life.settle()
    assert members(life)["big"] == {"u:u2"}
    assert members(life)["loyal"] == {"u:u0", "u:u1", "u:u2"}


def test_an_empty_house_waits_for_nothing() -> None:
    life = lived(AFTER, [])
    assert Seeder(life.house, life.history()).waiting() == []
    heads = [decode_partition(store.checkpoint().partition_state) for store in life.house.stores()]
    assert all(head.ready_at is None for head in heads)


def test_many_count_what_one_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many events each process gets the people of a part."""
    life = lived(BEFORE, [line(minute, f"u{minute % 17}", float(minute)) for minute in range(90)])
    life.archive()
    life.publish(AFTER)
    (alone,) = Seeder(life.house, life.history()).turn()
    monkeypatch.setattr(seed_counting, "ALONE", 10)
    monkeypatch.setattr(seed_counting, "PART_ROWS", 20)
    (many,) = Seeder(life.house, life.history(), Processes(2)).turn()
    assert (many.events, many.fragments) == (alone.events, alone.fragments) == (90, 17)
    assert many.digest == alone.digest, "whatever the order in which they are done"


def test_while_some_have_no_seed_yet_live_state_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    life = lived(BEFORE, LINES)
    life.publish(AFTER)
    Seeder(life.house, life.history()).turn()
    life.settle()
    asked, now = check('sum("Order Completed", total) > 50'), life.house.clock.now_us()
    (first, *_) = stores = life.house.stores()
    found = Matching(stores).count(asked, now)
    assert found is not None and found.people == 2
    kept = first.checkpoint()
    state = decode_partition(kept.partition_state)
    state.sweep = FIRST_KEY
    monkeypatch.setattr(first, "checkpoint", lambda: replace(kept, partition_state=encode(state)))
    assert Matching(stores).count(asked, now) is None


def stuck(life: Life) -> list[str]:
    """What its partitions say that cannot go on; workers are made anew."""
    said = []
    for partition, _ in enumerate(life.workers):
        try:
            life.workers[partition] = life.house.worker(partition, life.clock)
            while life.workers[partition].turn():
                pass
        except TransientError as error:
            said.append(str(error))
    return said


def robbed() -> tuple[Life, str]:
    """The file of a seed is gone before anybody has had it."""
    life = lived(BEFORE, LINES)
    life.publish(AFTER)
    (done,) = Seeder(life.house, life.history()).turn()
    life.house.seeds.lose(done.digest)
    assert stuck(life) + stuck(life), "whoever is to have it cannot go on"
    return life, done.digest


def test_a_lost_seed_is_counted_again_as_it_was() -> None:
    life, digest = robbed()
    mender = Mender(life.house, life.history())
    assert [one.taken.digest for one in lost(life.house)] == [digest]
    assert lost(life.house)[0].definitions() == ["metric spend", "segment big", "segment loyal"]
    assert mender.turn()
    assert not mender.turn() and not lost(life.house)
    assert not stuck(life)
    life.settle()
    assert members(life) == {
        "somebody": {"u:u0", "u:u1", "u:u2"},
        "loyal": {"u:u0", "u:u1", "u:u2"},
        "big": {"u:u2"},
    }


def test_a_lost_seed_is_counted_again_up_to_its_barriers_and_as_of_them() -> None:
    """Whatever came behind them, and however late: an event at the edge of a window then, long out of it by now, counts."""
    life = lived(BEFORE, LINES)
    life.publish(BEFORE | {"metrics/lately.yaml": 'value: count("Order Completed", last="10m")\n'})
    life.live([line(12, "u0", 500.0), line(13, "u3", 500.0)])
    (done,) = Seeder(life.house, life.history()).turn()
    counted = life.house.seeds.rows(done.digest)
    assert done.fragments == len(counted) == 3, "nothing of who came later"
    life.settle()
    life.live([line(50, "u1", 500.0)])
    life.house.seeds.lose(done.digest)
    assert Mender(life.house, life.history()).turn()
    assert life.house.seeds.rows(done.digest) == counted


def test_a_lost_seed_of_which_the_history_lacks_something_waits_for_a_yes(caplog: pytest.LogCaptureFixture) -> None:
    life, digest = robbed()
    begun = MemoryLake(4)
    begun.begin({0: 0, 1: 0}, {}, life.clock.now_us())
    history = History(begun, DuckDBQueries(), life.tail)
    mender = Mender(life.house, history)
    assert not mender.turn() and not mender.turn()
    assert caplog.text.count(f"the seed {digest} is lost, and the history has not all of it any more") == 1
    (one,) = lost(life.house)
    assert mender.lacks_until(one) == life.clock.now_us()
    assert mender.mend(one) == 12, "what there is is counted"
    assert not stuck(life)


def test_a_window_that_begins_behind_what_is_missing_lacks_nothing() -> None:
    life = lived(BEFORE, LINES)
    life.publish(BEFORE | {"segments/late.yaml": 'when: count("Order Completed", last="5m") >= 1\n'})
    (done,) = Seeder(life.house, life.history()).turn()
    life.house.seeds.lose(done.digest)
    stuck(life)
    for begun_us, lacks in ((life.clock.now_us() - 6 * MINUTE_US, False), (life.clock.now_us() - 4 * MINUTE_US, True)):
        lake = MemoryLake(4)
        lake.begin({0: 0, 1: 0}, {}, begun_us)
        mender = Mender(life.house, History(lake, DuckDBQueries(), life.tail))
        assert (mender.lacks_until(lost(life.house)[0]) is not None) == lacks
