"""The table of features: who has a row, what stands in it, and that it is what the live engine says."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from tactful.operations.evaluation import evaluate_live
from tactful.operations.evaluation.evaluate_lines import Question
from tactful.operations.features.tables import ABOUT, Wanted, table
from tactful.operations.history.opened import KNOWN
from tactful.operations.history.terms import Terms
from tactful.values import DAY_US, HOUR_US
from tests.features.story import features, history, instant, rows_of

T = instant("2025-03-10T12:00:00Z")


def at(day: str, event: str, who: str = "ada", **more: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "userId": who, "receivedAt": f"2025-03-{day}Z", **more}


LINES: list[dict[str, Any]] = [
    at("01T10:00:00", "Order Completed", properties={"total": 40, "coupon": "A"}),
    at("04T10:00:00", "Order Completed", properties={"total": 20.5}),
    {"type": "identify", "userId": "bob", "traits": {"plan": "free"}, "receivedAt": "2025-03-05T10:00:00Z"},
    at("08T10:00:00", "Order Completed", properties={"total": 1, "coupon": "B"}),
    at("09T10:00:00", "Product Viewed", "cid"),
]
TEXTS = {
    "orders": 'count("Order Completed")',
    "spent_7d": 'sum("Order Completed", total, last="7d")',
    "mean": 'avg("Order Completed", total)',
    "since": 'time_since("Order Completed")',
    "first": 'first("Order Completed")',
    "gap": '(latest("Order Completed") - first("Order Completed")) / (count("Order Completed") - 1)',
    "bought": 'any("Order Completed")',
    "coupon": 'lower(latest("Order Completed", coupon))',
}


def test_one_row_for_everybody_who_is_known_at_each_instant() -> None:
    earlier = instant("2025-03-04T10:00:00Z")
    with history(LINES) as opened:
        found = rows_of(opened, Wanted(features({"orders": TEXTS["orders"]}), [T, earlier, T]))
    assert [(row["at"], row["person"], row["orders"]) for row in found] == [
        (datetime(2025, 3, 4, 10, tzinfo=UTC), "u:ada", 2),
        *(
            (datetime(2025, 3, 10, 12, tzinfo=UTC), person, n)
            for person, n in (("u:ada", 3), ("u:bob", 0), ("u:cid", 0))
        ),
    ]


def test_each_feature_is_a_column_of_its_kind() -> None:
    with history(LINES) as opened:
        found = table(opened, Wanted(features(TEXTS), [T]))
        (batch,) = found.batches
    assert batch.schema.equals(found.schema)
    assert [str(field.type) for field in found.schema] == [
        *("timestamp[us, tz=UTC]", "string", "string", "double", "double", "double", "double"),
        *("timestamp[us, tz=UTC]", "double", "bool", "string"),
    ]
    ada, bob, _ = batch.to_pylist()
    assert ada == {
        "at": datetime(2025, 3, 10, 12, tzinfo=UTC),
        "person": "u:ada",
        "person_now": "u:ada",
        "orders": 3,
        "spent_7d": 21.5,
        "mean": 20.5,
        "since": 2 * 86400 + 7200,
        "first": datetime(2025, 3, 1, 10, tzinfo=UTC),
        "gap": 3.5 * 86400,
        "bought": True,
        "coupon": "b",
    }
    assert (bob["orders"], bob["mean"], bob["since"], bob["bought"], bob["coupon"]) == (0, None, None, False, None)


def test_the_table_says_what_it_was_made_of() -> None:
    terms = Terms(delays_us={"app": DAY_US}, delay_us=HOUR_US)
    with history(LINES) as opened:
        found = table(opened, Wanted(features({"orders": TEXTS["orders"]}), [T], terms=terms))
    about = json.loads(found.schema.metadata[ABOUT])
    assert about["features"] == {"orders": {"value": TEXTS["orders"], "means": "count('Order Completed')"}}
    assert (about["sees"], about["instants"], about["delay"], about["delays"]) == (
        "happened",
        ["2025-03-10T12:00:00.000Z"],
        "1h",
        {"app": "1d"},
    )


def test_of_some_people_only() -> None:
    (who,) = features({"who": 'any("Order Completed", last="3d")'})
    with history(LINES) as opened:
        found = rows_of(opened, Wanted(features({"orders": TEXTS["orders"]}), [T], who=who.value.tree))
        nobody = table(opened, Wanted(features(TEXTS), [T - 99 * DAY_US]))
        assert pa.Table.from_batches(nobody.batches, nobody.schema).num_rows == 0
    assert [row["person"] for row in found] == ["u:ada"]


def test_a_column_has_one_kind_whatever_the_data() -> None:
    lines = [
        {"type": "identify", "userId": "ada", "traits": {"age": 30}, "receivedAt": "2025-03-05T10:00:00Z"},
        {"type": "identify", "userId": "bob", "traits": {"age": "30"}, "receivedAt": "2025-03-05T10:00:00Z"},
    ]
    with history(lines) as opened:
        found = rows_of(opened, Wanted(features({"age": "age"}), [T]))
    assert [row["age"] for row in found] == [30, None]


def test_what_it_says_is_what_the_live_engine_says() -> None:
    live = evaluate_live.answers(Question(TEXTS), LINES, [T])[T]
    with history(LINES) as opened:
        found = {row["person"]: row for row in rows_of(opened, Wanted(features(TEXTS), [T], KNOWN))}
    for name in TEXTS:
        of_table = {f"u:{who}": found[f"u:{who}"][name] for who in live[name]}
        of_live = {f"u:{who}": answer.value for who, answer in live[name].items()}
        if name == "first":
            of_table = {who: value and value.strftime("%Y-%m-%dT%H:%M:%S.000Z") for who, value in of_table.items()}
        assert of_table == of_live


def test_somebody_who_was_tied_later_is_named_as_then_and_as_now() -> None:
    lines = [
        {"type": "page", "anonymousId": "x", "receivedAt": "2025-03-01T10:00:00Z"},
        {"type": "identify", "anonymousId": "x", "userId": "ada", "receivedAt": "2025-03-05T10:00:00Z"},
        {"type": "identify", "anonymousId": "x", "userId": "bob", "receivedAt": "2025-03-08T10:00:00Z"},
        {"type": "page", "anonymousId": "x", "receivedAt": "2025-03-09T10:00:00Z"},
        {"type": "page", "anonymousId": "y", "receivedAt": "2025-03-01T10:00:00Z"},
    ]
    pages = features({"pages": 'count("$page")'})
    with history(lines) as opened:
        found = rows_of(opened, Wanted(pages, [instant("2025-03-02T00:00:00Z"), instant("2025-03-06T00:00:00Z"), T]))
    assert [(row["person"], row["person_now"], row["pages"]) for row in found] == [
        *(("a:x", "u:ada", 1), ("a:y", "a:y", 1)),
        *(("a:y", "a:y", 1), ("u:ada", "u:ada", 1)),
        *(("a:y", "a:y", 1), ("u:ada", "u:ada", 1), ("u:bob", "u:bob", 1)),
    ]
