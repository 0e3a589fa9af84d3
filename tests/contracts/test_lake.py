"""The port Lake, over every adapter."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

import pytest

from tactful.adapters.delta.folder import Folder
from tactful.adapters.delta.lake import DeltaLake
from tactful.adapters.memory.lake import MemoryLake
from tactful.errors import Fenced
from tactful.events.derived import ref
from tactful.language.sql.layout import EVENTS, IDENTITY, SHARED, TABLES, TRAITS, Layout
from tests.contracts.lakes import (
    DAY_US,
    event,
    loaded,
    make_bucket,
    refs,
    s3_place,
    s3_server,
    tables,
    tie,
    trait,
)

AnyLake = DeltaLake | MemoryLake
Maker = Callable[[], AnyLake]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["memory", "folder", pytest.param("s3", marks=pytest.mark.long)])
def open_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Maker:
    """Each call opens the same lake anew."""
    if request.param == "memory":
        shared = MemoryLake(4)
        return lambda: shared
    if request.param == "folder":
        return lambda: DeltaLake(Folder(tmp_path / "lake"), 4)
    endpoint = request.getfixturevalue("s3")
    name = f"lake-{crc32(request.node.name.encode())}"
    make_bucket(endpoint, name)
    return lambda: DeltaLake(s3_place(endpoint, f"s3://{name}/some/where"), 4)


def at(*positions: int, partition: int = 0) -> list[int]:
    return [ref(partition, one) for one in positions]


def test_what_was_appended_is_there_once_with_its_positions(open_lake: Maker) -> None:
    lake = open_lake()
    before = lake.snapshot()
    assert {before.positions.get(one, 0) for one in range(3)} == {0}
    assert [loaded(before.source(name), ["applied"]) for name in TABLES if name != "zones"] == [[]] * 9
    lake.append({0: 4, 2: 9}, tables(event(0, 1), event(0, 3), event(2, 9), trait(2, 9)))
    lake.append({0: 6}, tables(event(0, 5)))
    lake.append({1: 3}, {})
    lake.append({1: 3}, {})
    for one in (lake, open_lake()):
        assert {p: at for p, at in one.snapshot().positions.items() if at} == {0: 6, 1: 3, 2: 9}
        assert refs(one) == sorted([*at(1, 3, 5), *at(9, partition=2)])
        assert refs(one, TRAITS) == at(9, partition=2)
    assert loaded(before.source(EVENTS), ["applied"]) == [], "a snapshot stays as it was"
    assert open_lake().buckets(EVENTS) == (4, 4)


def test_seals_are_of_the_positions_that_they_came_with(open_lake: Maker) -> None:
    lake = open_lake()
    assert dict(lake.snapshot().seals()) == {}
    lake.append({0: 4, 2: 9}, tables(event(0, 1)), {0: 1 << 62, 2: 7})
    before = lake.snapshot()
    lake.append({0: 6}, tables(event(0, 5)), {0: 11})
    lake.maintain(0, {})
    assert dict(before.seals()) == {0: 1 << 62, 2: 7}, "a snapshot stays as it was"
    for one in (lake, open_lake()):
        assert dict(one.snapshot().seals()) == {0: 11, 2: 7}


def test_what_a_row_says_comes_back(open_lake: Maker) -> None:
    lake = open_lake()
    rows = [event(0, n, ids=("u:1", "a:2"), properties={"a": [1, None, {"b": "ü"}], "c": {"d": True}}) for n in (1, 2)]
    given = tables(*rows, tie(0, 2, "a:7", "u:1"))
    lake.append({0: 2}, given)
    for name in (EVENTS, IDENTITY):
        columns = given[name].column_names
        found = loaded(lake.snapshot().source(name), columns)
        assert sorted(found, key=str) == sorted([tuple(one.values()) for one in given[name].to_pylist()], key=str)


def test_rows_that_are_there_are_refused(open_lake: Maker) -> None:
    lake = open_lake()
    lake.append({0: 5, 1: 5}, tables(event(0, 5), event(1, 2)))
    for upto, rows in (
        ({0: 8}, tables(event(0, 5), event(0, 7))),
        ({0: 8, 1: 6}, tables(event(0, 7), trait(1, 5))),
        ({0: 4}, {}),
    ):
        with pytest.raises(Fenced):
            lake.append(upto, rows)
    with pytest.raises(ValueError, match="beyond"):
        lake.append({0: 8}, tables(event(0, 9)))
    assert refs(lake) == sorted([*at(5), *at(2, partition=1)])
    lake.append({0: 8}, tables(event(0, 6)))
    assert dict(open_lake().snapshot().positions) == {0: 8, 1: 5}


def test_of_two_who_append_the_same_one_is_refused(open_lake: Maker) -> None:
    one, other = open_lake(), open_lake()
    one.append({0: 2}, tables(event(0, 1), trait(0, 2)))
    other.append({0: 3}, tables(event(0, 3)))
    with pytest.raises(Fenced):
        one.append({0: 3}, tables(event(0, 3)))
    one.append({0: 5}, tables(event(0, 4), trait(0, 5)))
    with pytest.raises(Fenced):
        other.append({0: 4}, tables(event(0, 4)))
    assert (refs(other), refs(other, TRAITS)) == (at(1, 3, 4), at(2, 5))


def test_housekeeping_changes_no_row(open_lake: Maker) -> None:
    lake = open_lake()
    for n in range(1, 14):
        lake.append({0: n}, tables(event(0, n), trait(0, n)))
    while_open = lake.snapshot()
    done = lake.maintain(0, {})
    assert refs(lake) == refs(lake, TRAITS) == at(*range(1, 14))
    assert dict(lake.snapshot().positions) == {0: 13}
    assert sorted(one for (one,) in loaded(while_open.source(EVENTS), ["applied"])) == at(*range(1, 14))
    lake.append({0: 14}, tables(event(0, 14)))
    assert refs(open_lake()) == at(*range(1, 15))
    if isinstance(lake, DeltaLake):
        assert done.compacted >= 20
        assert len(_paths(lake, EVENTS)) <= 4


def test_files_that_nobody_names_go_after_an_hour(open_lake: Maker) -> None:
    lake, hour = open_lake(), 3_600_000_000
    for n in range(1, 9):
        lake.append({0: n}, tables(event(0, n)))
    assert lake.maintain(5 * hour, {}).removed == 0
    assert open_lake().maintain(5 * hour + hour // 2, {}).removed == 0
    assert lake.maintain(hour, {}).removed == 0, "the clock was set back"
    assert lake.maintain(2 * hour - 1, {}).removed == 0
    removed = open_lake().maintain(2 * hour, {}).removed
    assert removed == (0 if isinstance(lake, MemoryLake) else 9)
    assert refs(lake) == at(*range(1, 9))


def test_events_expire_by_name(open_lake: Maker) -> None:
    lake = open_lake()
    rows = [event(0, n, name="Viewed" if n % 2 else "Ordered", at=n * DAY_US) for n in range(1, 21)]
    lake.append({0: 20}, tables(*rows))

    def named() -> list[int]:
        found = loaded(lake.snapshot().source(EVENTS), ["applied", "name"])
        return sorted(applied for applied, name in found if name is not None)

    lake.maintain(25 * DAY_US, {})
    assert named() == at(*range(1, 21))
    lake.maintain(20 * DAY_US, {"Viewed": 10 * DAY_US, "Never": DAY_US})
    assert named() == at(2, 4, 6, 8, 10, *range(11, 21))
    assert lake.maintain(200 * DAY_US, {"Viewed": DAY_US, "Ordered": DAY_US}).expired > 0
    assert named() == []


def test_columns_of_their_own_come_along(open_lake: Maker) -> None:
    lake = open_lake()
    lake.append({0: 1}, tables(event(0, 1)))
    lake.wish(Layout(("sku", "total")))
    lake.append({0: 2}, tables(event(0, 2)))
    lake.maintain(0, {})
    for one in (lake, open_lake()):
        assert one.snapshot().layout == Layout(("sku", "total"))
    lake.append({0: 3}, tables(event(0, 3)))
    found = dict(loaded(lake.snapshot().source(EVENTS), ["ref", "own"]))
    assert {key: own["total"]["num"] for key, own in found.items()} == {ref(0, n): n * 0.5 for n in (1, 2, 3)}
    assert {own["sku"]["text"] for own in found.values()} == {"s-1", "s-2", "s-3"}
    lake.wish(Layout(("color", "sku")))
    lake.append({0: 4}, tables(event(0, 4, properties={"color": "red"})))
    assert set(lake.snapshot().layout.own) <= {"sku", "total"}, "what all files have"
    lake.maintain(0, {})
    assert lake.snapshot().layout == Layout(("color", "sku"))
    found = dict(loaded(lake.snapshot().source(EVENTS), ["ref", "own"]))
    assert found[ref(0, 4)]["color"]["text"] == "red"
    assert found[ref(0, 1)]["sku"]["text"] == "s-1"
    lake.wish(SHARED)
    lake.maintain(0, {})
    assert lake.snapshot().layout == SHARED
    assert refs(lake) == at(1, 2, 3, 4)


def test_who_is_erased_is_nowhere(open_lake: Maker) -> None:
    lake = open_lake()
    keys = ["u:1", "u:2", "a:3"]
    for n in range(1, 13):
        key = keys[n % 3]
        lake.append({0: n}, tables(event(0, n, key, ids=(key, "a:3")), trait(0, n, key), tie(0, n, f"a:{n}", key)))
    assert lake.erase([]) == 0
    assert lake.erase(["u:77"]) == 0
    assert lake.erase(["u:1", "a:3"]) == 8 + 8 + 8
    for one in (lake, open_lake()):
        assert refs(one) == refs(one, TRAITS) == at(1, 4, 7, 10)
        assert set(loaded(one.snapshot().source(IDENTITY), ["person"])) == {("u:2",)}
        assert set(map(str, loaded(one.snapshot().source(EVENTS), ["identifier", "ids"]))) == {"('u:2', ['u:2'])"}
    lake.append({0: 13}, tables(event(0, 13, "u:1")))
    assert refs(lake) == at(1, 4, 7, 10, 13), "who comes back is somebody new"


def _paths(lake: DeltaLake, name: str) -> list[object]:
    source = lake.snapshot().source(name)
    return list(source if isinstance(source, Sequence) else source.files)
