"""What must be true of the history after any fault, once a server has stopped: the lake has what was decided, each row
once; and what the states of all people say of the plan's segments is what SQL says over lake and tail.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tactful.adapters.duckdb_queries import DuckDBQueries
from tactful.adapters.installation import Installation
from tactful.adapters.memory.lake import MemoryLake
from tactful.app.clocks import SystemClock
from tactful.app.histories import history_of
from tactful.app.lakes import lake_of
from tactful.history.lake import Lake
from tactful.history.queries import Session
from tactful.kernel.definitions import read_published
from tactful.kernel.state import FIRST_KEY, PlanState, decode_partition, decode_profile
from tactful.language.sql.layout import EVENTS, TABLES, ZONES
from tactful.operations.history.opened import History
from tactful.runtime.decided import LiveTail
from tactful.runtime.settings import Settings, read_settings

SETTINGS = "tactful.toml"
Members = Mapping[str, set[str]]


def demand_history(project: Path, data: Path, *, is_whole: bool = True) -> int:
    """`is_whole`: nothing was trimmed, so that the lake can be compared with one that is made anew from log and trail.
    Returns how many rows of events the history has."""
    settings = read_settings((project / SETTINGS).read_text(), {})
    house = Installation(data, settings, SystemClock(), read_only=True)
    try:
        if is_whole:
            demand_each_row_once(house, lake(data, settings))
        return demand_one_truth(house)
    finally:
        house.close()


def lake(data: Path, settings: Settings) -> Lake:
    return lake_of(data, settings.history)


def demand_each_row_once(house: Installation, held: Lake) -> None:
    """The lake and its tail have the rows that log and trail give, no more and no fewer."""
    made = LiveTail(house.log, house.trail).since({}, held.snapshot().layout)
    queries, tail = DuckDBQueries(), LiveTail(house.log, house.trail, house.name)
    with (
        History(held, queries, tail).open() as stored,
        queries.open({name: MemoryLake(1).snapshot().source(name) for name in TABLES}, made.tables) as anew,
    ):
        positions = {partition: position for partition, position in stored.positions.items() if position}
        assert positions == {partition: position for partition, position in made.positions.items() if position}
        for name in TABLES:
            if name != ZONES:
                demand_same_rows(name, stored.session, anew)


def demand_same_rows(table: str, stored: Session, anew: Session) -> None:
    columns = [row[0] for row in anew.rows(f"DESCRIBE {table}") if row[0] not in ("own", "bucket", "json")]
    texts = ", ".join(f'CAST("{column}" AS VARCHAR)' for column in columns)
    query = f"SELECT {texts} FROM {table}"
    one, other = Counter(stored.rows(query)), Counter(anew.rows(query))
    assert (one - other).total() == 0, f"{table}: of nothing that was decided: {list(one - other)[:2]}"
    assert (other - one).total() == 0, f"{table}: lost: {list(other - one)[:2]}"


def demand_one_truth(house: Installation) -> int:
    """Everybody is in the segments for which SQL says so, at the instant up to which the states are brought."""
    with _asked(house) as (history, plan):
        checked = read_published(plan.plan.publish).segments
        with history.open() as opened:
            # Where somebody has set the clock back, partitions stay where they were.
            reached = [decode_partition(store.checkpoint().partition_state).clock for store in house.stores()]
            at = max(house.clock.now_us(), *reached)
            live, unsettled = members(house, at)
            trees = {name: segment.when.tree for name, segment in checked.items()}
            found: dict[str, set[str]] = {name: set() for name in trees}
            known = set()
            for person, values in opened.ask(trees, at):
                known.add(person)
                for name, value in values.items():
                    if value is True:
                        found[name].add(person)
            for name in trees:
                one, other = live[name] - unsettled[name], found[name] - unsettled[name]
                assert one == other, (
                    f"segment {name}: live and not in the history {sorted(one - other)[:5]}, "
                    f"in the history and not live {sorted(other - one)[:5]}, of {len(one)}"
                )
                rows = opened.session.rows(
                    "SELECT identifier FROM memberships"
                    f" WHERE segment = '{name}' GROUP BY identifier HAVING sum(CASE WHEN entered THEN 1 ELSE -1 END) > 0"
                )
                told = {row[0] for row in rows}
                assert told == live[name], f"segment {name}: memberships say {sorted(told ^ live[name])[:5]} otherwise"
            return int(opened.session.rows(f"SELECT count(*) FROM {EVENTS}")[0][0])


def members(house: Installation, at: int) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """By segment, who is in it by the states; and of whom a flip is due at `at`, which nobody has looked at yet."""
    live: dict[str, set[str]] = {}
    unsettled: dict[str, set[str]] = {}
    for partition, store in enumerate(house.stores()):
        plan = house.plan(partition)
        assert plan is not None
        names = {number: name.partition("/")[2] for name, number in plan.numbers.items() if name.startswith("segment/")}
        for name in names.values():
            live.setdefault(name, set())
            unsettled.setdefault(name, set())
        for key, body in store.load(store.keys_after(FIRST_KEY, 1 << 30)).items():
            profile = decode_profile(body)
            if profile.owner() is not None:
                continue
            for number, name in names.items():
                if number in profile.segments:
                    live[name].add(key)
                if profile.wakes.get(number, at + 1) <= at:
                    unsettled[name].add(key)
    return live, unsettled


@contextmanager
def _asked(house: Installation) -> Iterator[tuple[History, PlanState]]:
    plan = house.plan(0)
    assert plan is not None
    yield history_of(house), plan
