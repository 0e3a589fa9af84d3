"""`tactful events` lists what was kept, as it was kept."""

import json
from typing import Any

from tactful.operations.definitions.publish import published
from tactful.operations.history.listing import Listing, rules_of
from tactful.operations.reading.reader import Reader
from tactful.web.api import prometheus
from tests.histories import lived
from tests.operations.engine import Engine

CONSENT = json.dumps({"collect": "analytics", "otherwise": "anonymous", "purposes": {"analytics": {}}})
FILES = {"events/visit.yaml": "name: Visit\nproperties:\n  page: {type: text}\n  mail: {type: text, personal: true}\n"}


def listing(engine: Engine) -> Listing:
    return Listing(engine.log, engine.trail, rules_of(published(engine.stores[0])))


def listed(engine: Engine) -> list[tuple[Any, Any, Any]]:
    return [(one["messageId"], one["userId"], one["anonymousId"]) for one in listing(engine).fresh()]


def test_repeats_and_refused_ones_are_not_listed() -> None:
    engine = Engine()
    engine.publish({"events/paid.yaml": "name: Paid\nserver_only: true\n"})
    engine.take(engine.event("Paid", "u:1", message_id="a"), engine.event("Paid", "u:2", message_id="b"))
    engine.take(engine.event("Paid", "u:1", message_id="a"))
    engine.take(
        engine.event("Paid", "u:1", message_id="c", trust="browser"), engine.event("Seen", "a:3", message_id="d")
    )
    engine.run()
    assert listed(engine) == [("a", "1", None), ("b", "2", None), ("d", None, "3")]


def test_what_a_journey_has_set_is_listed_as_well() -> None:
    engine = Engine(2)
    engine.publish({"journeys/mark.yaml": "start: {event: Seen}\nsteps:\n  - set: {marked: true}\n"})
    engine.take(engine.event("Seen", "u:1", message_id="a"))
    engine.run()
    seen, marked = listing(engine).fresh()
    assert (seen["event"], marked["type"], marked["userId"], marked["traits"]) == (
        "Seen",
        "identify",
        "1",
        {"marked": True},
    )


def test_what_entered_at_another_identifier_of_the_person_is_listed_once_and_in_order() -> None:
    """Whatever partition the person's state is in."""
    engine = Engine(4)
    ids = [f"a:{n}" for n in range(12)]
    for anonymous in ids:
        engine.take(engine.event("Seen", anonymous, message_id=f"before {anonymous}"))
    for anonymous in ids:
        engine.take(engine.event("Seen", "u:1", anonymous, message_id=f"both {anonymous}"))
    engine.run()
    look = listing(engine)
    assert len(list(look.fresh())) == 24
    for anonymous in ids:
        engine.take(engine.event("Seen", anonymous, message_id=f"after {anonymous}"))
    engine.run()
    assert [one["messageId"] for one in look.fresh()] == [f"after {anonymous}" for anonymous in ids]
    expected = [f"{when} {anonymous}" for when in ("before", "both", "after") for anonymous in ids]
    assert [message_id for message_id, _, _ in listed(engine)] == expected


def test_an_event_of_somebody_who_may_not_be_known_is_printed_without_them() -> None:
    engine = Engine(1, consent=CONSENT)
    engine.publish(FILES)
    context = {"ip": "203.0.113.9", "userAgent": "Planted/1.0", "device": {"id": "planted"}, "locale": "de-DE"}
    engine.take(
        engine.event("Visit", "a:planted", context=context, page="/", mail="planted@example.com", more="planted")
    )
    engine.run()
    (one,) = listing(engine).fresh()
    assert (one["event"], one["properties"], one["context"]) == ("Visit", {"page": "/"}, {"locale": "de-DE"})
    assert (one["userId"], one["anonymousId"], one["traits"]) == (None, None, {})
    assert "lanted" not in json.dumps(one) and "203.0.113.9" not in json.dumps(one)


def test_what_the_log_no_longer_has_is_left_out() -> None:
    engine = Engine()
    for n in range(9):
        engine.take(engine.event("Seen", f"u:{n}", message_id=f"{n}"))
    engine.run()
    assert engine.log.trim(2**60, {0: 9, 1: 9}) > 0
    left = [message_id for message_id, _, _ in listed(engine)]
    assert 0 < len(left) < 9 and left == [f"{n}" for n in range(9 - len(left), 9)]


def test_the_metrics_count_what_was_refused_in_all_partitions() -> None:
    engine = Engine(4, sources=json.dumps({"shop": {"unplanned": "drop"}}))
    engine.publish({"events/paid.yaml": "name: Paid\nserver_only: true\n"})
    for n in range(5):
        engine.take(engine.event("Paid", f"u:{n}", trust="browser"), engine.event("Seen", f"u:{n}"))
    engine.run()
    reader = Reader(engine.log, engine.stores, engine.trail, engine.outbox, engine.quarantine)
    lines = prometheus(reader.overview()).splitlines()
    refused = [line for line in lines if line.startswith("tactful_events_refused_total")]
    assert refused == [f'tactful_events_refused_total{{verdict="{verdict}"}} 5' for verdict in ("drop", "quarantine")]


def test_what_is_archived_comes_from_the_lake_and_is_the_same() -> None:
    life = lived({}, lines(60))
    house = life.house
    expected = list(Listing(house.log, house.trail, rules_of(house.plan(0))).fresh())
    assert len(expected) == 60
    life.archive()
    more = [{**line, "messageId": f"more {n}"} for n, line in enumerate(lines(70)[60:])]
    life.live(more)
    house.log.trim(2**60, dict(life.lake.snapshot().positions))
    with life.history().open(with_tail=False) as lake:
        look = Listing(house.log, house.trail, rules_of(house.plan(0)), lake)
        found = list(look.fresh())
    assert found[:60] == expected
    assert [one["messageId"] for one in found[60:]] == [one["messageId"] for one in more]
    life.live([{**lines(1)[0], "messageId": "last", "receivedAt": "2026-01-09T00:00:00Z"}])
    assert [one["messageId"] for one in look.fresh()] == ["last"]


def lines(number: int) -> list[dict[str, Any]]:
    """Of people who become known; `identify` among them."""
    return [
        {
            "type": "track" if n % 5 else "identify",
            "event": "Seen",
            "anonymousId": f"a{n % 7}",
            "messageId": f"m{n}",
            "receivedAt": f"2026-01-02T{n // 60:02}:{n % 60:02}:00Z",
            **({} if n % 5 else {"userId": f"{n % 3}", "traits": {"n": n}}),
            **({"properties": {"n": [n, {"x": 1.5}]}} if n % 5 else {}),
        }
        for n in range(number)
    ]
