"""What stays of events whose retention is over: somebody who is known, since when, and where."""

from typing import Any

import pytest

from tactful.history.cells import EventRow, cells
from tactful.history.keeping import unexpired
from tactful.history.table import of_rows
from tactful.language.sql.layout import EVENTS, layout

OWN = layout([("total",)])


def event(at: int, key: str = "u:1", name: str = "Viewed", **context: Any) -> EventRow:
    around = cells({**context, "ip": "192.0.2.1"})
    zone = context.get("timezone")
    return EventRow(
        key, 1, "track", name, at, at, at, f"m{at}", zone, cells({"total": 5}), around, at, ids=(key, "a:1")
    )


def left(rows: list[EventRow], now: int = 100, lasts: int = 50) -> list[dict[str, Any]]:
    found, _ = unexpired(of_rows(EVENTS, rows, OWN), now, {"Viewed": lasts})
    shown: list[dict[str, Any]] = found.to_pylist()
    return shown


def test_what_it_was_called_and_what_it_said_is_gone() -> None:
    (row,) = left([event(1)])
    assert (row["identifier"], row["kind"], row["name"], row["timestamp"], row["message_id"]) == (
        "u:1",
        "past",
        None,
        1,
        "",
    )
    assert row["properties"]["json"] == row["context"]["json"] == row["extra"] == "{}" and row["own"] is None
    assert row["properties"]["nums"] == [] and row["ids"] == ["u:1"]


def test_since_when_and_the_newest_zone_and_country_stay() -> None:
    berlin: dict[str, Any] = {"timezone": "Europe/Berlin"}
    tokyo: dict[str, Any] = {"timezone": "Asia/Tokyo", "location": {"country": "JP"}}
    rows = left([event(1), event(3, **tokyo), event(2, **tokyo), event(4, **berlin), event(5), event(60)])
    assert [(row["timestamp"], row["zone"]) for row in rows] == [
        (1, None),
        (3, "Asia/Tokyo"),
        (4, "Europe/Berlin"),
        (60, None),
    ]
    assert dict(rows[1]["context"]["texts"]) == {"timezone": "Asia/Tokyo", "location.country": "JP"}
    assert rows[3]["name"] == "Viewed" and rows[3]["own"]["total"]["num"] == 5


def test_it_does_not_grow() -> None:
    table = of_rows(EVENTS, [event(n, timezone="Europe/Berlin") for n in range(1, 90)], OWN)
    for now in (60, 80, 100, 200, 300):
        table, _ = unexpired(table, now, {"Viewed": 50})
    assert table.column("timestamp").to_pylist() == [1, 89]


@pytest.mark.parametrize("key", ["u:2", "u:0"])
def test_each_identifier_has_its_own_and_order_stays(key: str) -> None:
    rows = left([event(1), event(2), event(70), event(3, key), event(80, key, "Other"), event(4, "u:9", "Other")])
    assert [(row["identifier"], row["timestamp"]) for row in rows] == [
        ("u:1", 1), ("u:1", 70), (key, 3), (key, 80), ("u:9", 4)
    ]  # fmt: skip


def test_where_nothing_is_over_nothing_is_touched() -> None:
    table = of_rows(EVENTS, [event(60)], OWN)
    found, expired = unexpired(table, 100, {"Viewed": 50, "Never": 1})
    assert found is table and expired == 0
