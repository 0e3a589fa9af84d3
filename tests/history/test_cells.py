"""What an engine reads from the cells is what language.meaning.follow finds in the JSON: any value, any path."""

from collections.abc import Mapping, Sequence
from pathlib import Path as File
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tactful.consent.permits import ConsentWrite
from tactful.events.records import Consent, Event, Score, Threshold, pack
from tactful.history.cells import (
    ConsentRow,
    EventRow,
    ScoreRow,
    ThresholdRow,
    TraitRow,
    cells,
    zone_rows,
)
from tactful.history.table import parquet
from tactful.language.meaning import follow
from tactful.language.sql import build
from tactful.language.sql.build import Sql, column
from tactful.language.sql.cells import Place, Source, read
from tactful.language.sql.engines import write
from tactful.language.sql.layout import EVENTS, SHARED, Layout, key, layout
from tactful.language.tree import Path
from tactful.values import DAY_US, read_time
from tests.history.rows import decided, rows
from tests.tries import tries

NAMES = ("a", "b", "a.b", "c[0]", "\\", "A", "ä ö")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**53, 0.5, -0.0, 1e300, 5e-324]),
    st.sampled_from(["", "a", "2025-03-01", "2025-03-01T10:00:00.25Z", "2025-02-30", "ä'\\"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
        st.lists(st.lists(inner)),
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4)
STEPS = st.one_of(st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 2))
PATHS = st.builds(lambda name, rest: (name, *rest), st.sampled_from(NAMES), st.lists(STEPS, max_size=4))
OWN = layout([("a",), ("b",), ("a", "b"), ("A",), ("a.b",)])


def is_list(value: Any) -> bool:
    return isinstance(value, list)


def is_named(path: Path) -> bool:
    return all(isinstance(step, str) for step in path)


def parts_of(value: Any) -> dict[str, Any]:
    """What the expressions of a Value should give."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    text = value if isinstance(value, str) else None
    found: dict[str, Any] = {
        "num": float(value) if is_number else None,
        "text": text,
        "flag": value if isinstance(value, bool) else None,
        "time": None if text is None else read_time(text),
        "missing": value is None,
        "size": len(value) if is_list(value) else None,
    }
    elements = [parts_of(element) for element in value] if is_list(value) and value else []
    for many, one in (("nums", "num"), ("texts", "text"), ("flags", "flag"), ("times", "time")):
        found[many] = [element[one] for element in elements]
    return found


def flat(value: Any) -> Any:
    """As a further step of a path would see a list."""
    if not is_list(value):
        return value
    return [
        inner for element in value for inner in (flat(element) if is_list(element) else [element]) if inner is not None
    ]


def asked(objects: Sequence[Mapping[str, Any]], paths: Sequence[Path], own: Layout) -> list[list[dict[str, Any]]]:
    """For each object and path what DuckDB reads; `flat_...` of the same list with its lists opened."""
    columns: dict[str, Sql] = {}
    source = Source(column("e", "properties"), {path: column("e", "own", path) for path in own.own})
    for number, path in enumerate(paths):
        value = read(source, path)
        elements = value.elements()
        opened = value.flat() if isinstance(value, Place) and is_named(path) else elements
        parts = {"num": value.num(), "text": value.text(), "flag": value.flag(), "time": value.read()}
        parts |= {"missing": value.missing(), "json": value.shown().columns[0]}
        parts |= elements._asdict() | {f"flat_{name}": part for name, part in opened._asdict().items()}
        columns |= {f"{number} {name}": part for name, part in parts.items()}
        columns[f"{number} read"] = build.TRUE
    events = [
        EventRow("u", 1, "track", "E", 0, 0, at, "", None, cells(one), cells({})) for at, one in enumerate(objects)
    ]
    with TemporaryDirectory() as folder, duckdb.connect(":memory:") as connection:
        file = File(folder) / "events.parquet"
        file.write_bytes(parquet(EVENTS, events, own))
        connection.read_parquet(str(file)).create_view("events")
        query = build.select({"ref": column("e", "ref"), **columns}, (EVENTS, "e"))
        found = connection.execute(f"{write(query, 'duckdb').given({})} ORDER BY ref")
        table = [dict(zip(query.named_selects, row, strict=True)) for row in found.fetchall()]
    return [
        [
            {name.split()[1]: value for name, value in row.items() if name.split()[0] == str(number)}
            for number in range(len(paths))
        ]
        for row in table
    ]


@settings(max_examples=tries(60), deadline=None)
@given(st.lists(OBJECTS, min_size=1, max_size=12), st.lists(PATHS, min_size=1, max_size=8), st.booleans())
def test_any_path_of_any_value_is_read_as_it_is_followed(
    objects: list[dict[str, Any]], paths: list[Path], has_own: bool
) -> None:
    for one, answers in zip(objects, asked(objects, paths, OWN if has_own else SHARED), strict=True):
        for path, answer in zip(paths, answers, strict=True):
            value = follow(one, path)
            expected = parts_of(value)
            assert {name: answer[name] for name in ("num", "text", "flag", "time", "missing", "size")} == {
                name: expected[name] for name in ("num", "text", "flag", "time", "missing", "size")
            }, (one, path)
            for name in ("nums", "texts", "flags", "times"):
                assert (answer[name] or []) == expected[name], (one, path)
            opened = parts_of(flat(value))
            if is_list(value) and is_named(path):
                for name in ("nums", "texts", "flags", "times"):
                    assert (answer[f"flat_{name}"] or []) == opened[name], (one, path)
                assert answer["flat_size"] == opened["size"], (one, path)


def test_names_with_dots_and_brackets_are_no_steps() -> None:
    found = cells({"a.b": 1, "a": {"b": 2}, "c[0]": 3, "c": [4], "\\": 5, "d\\.e": 6})
    assert dict(found.nums) == {"a\\.b": 1, "a.b": 2, "c\\[0]": 3, "\\\\": 5, "d\\\\\\.e": 6}
    assert key(("d\\.e", "f")) == "d\\\\\\.e.f"


def test_depth_costs_no_more_than_its_square() -> None:
    value: Any = 1
    for _ in range(32):
        value = [{"a": value}]
    assert len(cells({"a": value}).elements) < 32 * 32 * 4


@pytest.mark.parametrize("own", [SHARED, OWN])
def test_own_columns_do_not_differ_by_case_alone(own: Layout) -> None:
    assert len({path.casefold() for path in own.own}) == len(own.own)


# ---- rows of records -------------------------------------------------------------------------------------------------


def event(kind: str, name: str, properties: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> Event:
    body, around = pack(properties), pack(context or {})
    return Event(1, "web", "browser", kind, name, "u:ada", ("u:ada",), "m1", 5, 7, body, around)  # type: ignore[arg-type]  # a drawn kind


def test_a_call_is_one_row_and_its_zone_is_known_where_there_is_such_a_zone() -> None:
    (row,) = rows(event("track", "A", {"n": 1}, {"timezone": "Europe/Berlin"}), 1024, epoch=3)
    assert isinstance(row, EventRow)
    assert (row.identifier, row.epoch, row.kind, row.name) == ("u:ada", 3, "track", "A")
    assert (row.timestamp, row.received_at, row.ref) == (5, 7, 1024)
    assert row.zone == "Europe/Berlin"
    (other,) = rows(event("track", "A", {}, {"timezone": "Mars/Base"}), 1024)
    assert isinstance(other, EventRow) and other.zone is None


def test_an_identify_call_writes_each_of_its_traits_and_clears_with_null() -> None:
    first, *written = rows(event("identify", "$identify", {"plan": "free", "city": None}), 1)
    assert isinstance(first, EventRow)
    assert [(row.name, row.traits.texts) for row in written if isinstance(row, TraitRow)] == [
        ("plan", [("plan", "free")]),
        ("city", []),
    ]


def test_scores_and_decisions_make_somebody_known() -> None:
    marker, score = rows(Score(1, "s", "server", "u:ada", "m", "churn", 0.5, 9), 2)
    assert isinstance(marker, EventRow) and (marker.identifier, marker.kind, marker.name) == ("u:ada", "score", None)
    assert score == ScoreRow("u:ada", 1, "churn", 0.5, 9, 2, 2)
    (marker,) = rows(Consent(1, "s", "server", "u:ada", "m", "mail", True, 8, 9), 3, 2)
    assert isinstance(marker, EventRow) and (marker.kind, marker.epoch) == ("consent", 2)
    assert list(rows(Threshold(9, "churn", 80, 1), 4)) == [ThresholdRow("churn", 80.0, 1.0, 9, 4, 4)]


def test_a_decision_is_a_row_of_each_fragment_that_it_covers() -> None:
    write = ConsentWrite(False, 8, 9, 3, origin="gpc")
    assert list(decided(("u:ada", 1), [("u:ada", 1), ("a:x", 2)], "mail", write)) == [
        ConsentRow("u:ada", 1, "u:ada", 1, "mail", False, True, 8, 9, 3, 3, "gpc"),
        ConsentRow("a:x", 2, "u:ada", 1, "mail", False, True, 8, 9, 3, 3, "gpc"),
    ]


def test_zones_have_no_gaps() -> None:
    found = list(zone_rows(["Europe/Berlin", "UTC"], 0, 2000 * DAY_US))
    assert {row.zone for row in found} == {"Europe/Berlin", "UTC"}
    for zone in ("Europe/Berlin", "UTC"):
        mine = [row for row in found if row.zone == zone]
        assert mine[0].from_us == 0 and mine[-1].until_us > 2000 * DAY_US
        assert [row.until_us for row in mine[:-1]] == [row.from_us for row in mine[1:]]
