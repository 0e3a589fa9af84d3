"""As of an instant: what the engine had said then, which version of it, and what a profile looked like."""

from collections.abc import Iterator
from typing import Any

import pytest

from tactful.errors import DefinitionError, UsageError
from tactful.events.records import Unmerge
from tactful.operations.history import asof, asof_profile
from tactful.operations.history.opened import HAPPENED, Opened
from tactful.values import HOUR_US, parse_time
from tests.histories import Life, lived

FILES = {
    "segments/buyers.yaml": 'when: any("Order Completed", last="3d")\n',
    "segments/many.yaml": 'when: count("Product Viewed") >= 2\n',
    "metrics/spent.yaml": 'value: sum("Order Completed", total)\n',
    "collections/cart.yaml": "add: Product Added\nremove: Product Removed\nclear: Order Completed\nkey: sku\n",
    "events/identify.yaml": "name: $identify\nproperties: {plan: {type: text}}\n",
}
WIDER = FILES | {"segments/buyers.yaml": 'when: any("Order Completed", last="9d")\n'}


def at(text: str) -> int:
    found = parse_time(f"2026-01-{text}Z")
    assert found is not None
    return found


def track(day: str, event: str, properties: dict[str, Any] | None = None, **who: str) -> dict[str, Any]:
    return {
        "type": "track",
        "event": event,
        "properties": properties or {},
        "timestamp": f"2026-01-{day}Z",
        "receivedAt": f"2026-01-{day}Z",
        **who,
    }


def identify(day: str, traits: dict[str, Any], **who: str) -> dict[str, Any]:
    return {"type": "identify", "traits": traits, "receivedAt": f"2026-01-{day}Z", **who}


LINES: list[dict[str, Any]] = [
    track("02T10:00:00", "Product Viewed", anonymousId="x"),
    track("02T10:05:00", "Product Added", {"sku": "k", "quantity": 2, "price": 5}, anonymousId="x"),
    identify("03T09:00:00", {"plan": "free"}, userId="ada", anonymousId="x"),
    track("03T10:00:00", "Product Viewed", userId="ada"),
    track("04T10:00:00", "Order Completed", {"total": 30}, userId="ada"),
    track("05T10:00:00", "Order Completed", {"total": 20}, userId="bob"),
    {**track("04T12:00:00", "Product Viewed", userId="bob"), "receivedAt": "2026-01-06T12:00:00Z"},
    track("06T12:00:01", "Product Viewed", userId="bob"),
    identify("08T09:00:00", {"plan": "paid"}, userId="ada"),
]


@pytest.fixture(scope="module")
def life() -> Life:
    """Half of it stands in the lake, half in the tail."""
    lines = [{**line, "messageId": f"m{number}"} for number, line in enumerate(LINES)]
    life = lived(FILES, lines[:6])
    life.archive()
    life.live(lines[6:])
    life.until(at("10T00:00:00"))
    life.publish(WIDER)
    life.until(at("12T00:00:00"))
    return life


@pytest.fixture
def opened(life: Life) -> Iterator[Opened]:
    with life.history().open() as found:
        yield found


BEFORE_US = at("01T00:00:00") - 1
"""Nothing had been published."""


def members(found: asof.Members) -> dict[str, int | None]:
    assert found.people == len(found.members)
    return {one.person: one.since for one in found.members}


def test_who_was_in_a_segment_and_since_when(opened: Opened) -> None:
    def buyers(day: str) -> dict[str, int | None]:
        return members(asof.segment(opened, "buyers", at(day)))

    assert buyers("04T09:59:59.999999") == {}
    assert buyers("04T10:00:00") == {"u:ada": at("04T10:00:00")}
    assert buyers("06T00:00:00") == {"u:ada": at("04T10:00:00"), "u:bob": at("05T10:00:00")}
    assert buyers("07T10:00:00") == {"u:bob": at("05T10:00:00")}  # Three days are over, and nobody did anything.
    assert buyers("09T00:00:00") == {}


def test_in_which_version(opened: Opened) -> None:
    old = asof.segment(opened, "buyers", at("09T00:00:00"))
    new = asof.segment(opened, "buyers", at("11T00:00:00"))
    same = asof.segment(opened, "many", at("11T00:00:00"))
    assert (old.plan, old.version, old.when) == (1, 1, 'any("Order Completed", last="3d")')
    assert (new.plan, new.version, new.when) == (2, 2, 'any("Order Completed", last="9d")')
    assert (same.plan, same.version) == (2, 1)
    assert new.published_at == at("10T00:00:00")


def test_what_was_said_is_what_the_events_say(opened: Opened) -> None:
    for day in range(1, 10):
        for name, file in FILES.items():
            if name.startswith("segments/"):
                segment, text = name[len("segments/") : -len(".yaml")], file.removeprefix("when: ").strip()
                said = members(asof.segment(opened, segment, at(f"0{day}T12:00:00")))
                assert said.keys() == members(asof.expression(opened, text, at(f"0{day}T12:00:00"))).keys()


def test_known_at_and_happened_by(opened: Opened) -> None:
    text = 'count("Product Viewed") >= 1'
    assert members(asof.expression(opened, text, at("05T00:00:00"))).keys() == {"u:ada"}
    assert members(asof.expression(opened, text, at("05T00:00:00"), HAPPENED)).keys() == {"u:ada", "u:bob"}
    assert members(asof.segment(opened, "many", at("06T12:00:01"))).keys() == {"u:ada", "u:bob"}
    # Before the tie they were two, as far as anybody knew.
    assert members(asof.expression(opened, text, at("02T12:00:00"))).keys() == {"a:x"}


def test_page_by_page(opened: Opened) -> None:
    first = asof.segment(opened, "buyers", at("06T00:00:00"), limit=1)
    assert (first.people, [one.person for one in first.members]) == (2, ["u:ada"])
    second = asof.segment(opened, "buyers", at("06T00:00:00"), after="u:ada", limit=1)
    assert (second.people, [one.person for one in second.members]) == (2, ["u:bob"])
    values = asof.as_values(second)
    assert values["members"] == [{"person": "u:bob", "since": "2026-01-05T10:00:00.000Z"}]
    assert (values["segment"], values["version"], values["sees"]) == ("buyers", 1, "known")


def test_what_cannot_be_answered_says_why(opened: Opened) -> None:
    with pytest.raises(UsageError, match="no segment 'buyer' at 2026-01-05"):
        asof.segment(opened, "buyer", at("05T00:00:00"))
    with pytest.raises(UsageError, match="nothing had been published"):
        asof.segment(opened, "buyer", BEFORE_US)
    with pytest.raises(UsageError, match="a value and no condition"):
        asof.expression(opened, 'count("A")', at("05T00:00:00"))
    with pytest.raises(DefinitionError):
        asof.expression(opened, "count(", at("05T00:00:00"))


def test_before_a_segment_was_published_its_first_version_is_asked_of_what_had_happened(life: Life) -> None:
    """Once more as it was then, and not as it was changed since; what the engine had said is nothing."""
    old = 'any("Order Completed", last="3d")'
    with life.history().open() as opened:
        with pytest.raises(UsageError, match=r"'buyers' at .* first published at 2026-01-01T"):
            asof.segment(opened, "buyers", BEFORE_US)
        found = asof.segment(opened, "buyers", BEFORE_US, HAPPENED)
        assert (found.plan, found.version, found.when, found.people, found.is_early) == (0, 1, old, 0, True)
        assert not asof.segment(opened, "buyers", at("11T00:00:00"), HAPPENED).is_early


def test_a_segment_that_came_later_is_asked_of_what_was_before_it() -> None:
    lines = [{**line, "messageId": f"m{number}"} for number, line in enumerate(LINES)]
    late = {name: text for name, text in FILES.items() if name != "segments/many.yaml"}
    life = lived(late, lines)
    for files in (FILES, late, FILES):
        life.until(life.clock.now_us() + HOUR_US)
        life.publish(files)
    with life.history().open() as opened:
        found = asof.segment(opened, "many", at("06T12:00:00"), HAPPENED)
        assert (found.plan, found.version, found.is_early, list(members(found))) == (1, 2, True, ["u:ada"])
        then = at("06T13:00:00")
        told = members(asof.expression(opened, 'count("Product Viewed") >= 2', then, HAPPENED))
        assert members(asof.segment(opened, "many", then, HAPPENED)).keys() == told.keys() == {"u:ada", "u:bob"}
        with pytest.raises(UsageError, match="first published"):
            asof.segment(opened, "many", then)
        with pytest.raises(UsageError, match=r"no segment 'many' .*there were"):
            asof.segment(opened, "many", found.published_at + HOUR_US, HAPPENED)


def test_a_profile_then(opened: Opened) -> None:
    assert asof_profile.profile(opened, "ada", at("02T12:00:00")) is None
    before = asof_profile.profile(opened, "a:x", at("02T12:00:00"))
    assert before is not None
    assert (before.person, before.identifiers, before.events) == ("a:x", ("a:x",), 2)
    assert before.collections["cart"]["quantity"] == 2
    after = asof_profile.profile(opened, "a:x", at("05T00:00:00"))
    assert after is not None
    assert (after.person, after.identifiers) == ("u:ada", ("u:ada", "a:x"))
    assert after.traits == {"plan": "free"}
    assert after.segments == {"buyers": at("04T10:00:00"), "many": at("03T10:00:00")}
    assert after.metrics == {"spent": 30}
    assert after.collections["cart"]["lines"] == 0
    assert (after.first_at, after.last_at) == (at("02T10:00:00"), at("04T10:00:00"))
    now = asof_profile.profile(opened, "u:ada", at("11T00:00:00"))
    assert now is not None
    assert (now.traits, now.plan) == ({"plan": "paid"}, 2)
    # The other segment has a new text, which nobody has counted nine days for yet: it says nothing.
    assert asof_profile.as_values(now)["segments"] == [{"segment": "many", "since": "2026-01-03T10:00:00.000Z"}]


def test_a_profile_by_what_had_happened(opened: Opened) -> None:
    known = asof_profile.profile(opened, "bob", at("05T12:00:00"))
    happened = asof_profile.profile(opened, "bob", at("05T12:00:00"), HAPPENED)
    assert known is not None
    assert happened is not None
    assert (known.events, happened.events) == (1, 2)
    assert happened.segments == {"buyers": None}


def test_who_was_taken_apart_is_two_again() -> None:
    life = lived(FILES, LINES[:5])
    life.take(Unmerge(life.clock.now_us(), "a:x"))
    life.archive()
    with life.history().open() as opened:
        at_us = life.clock.now_us()
        ours, theirs = (asof_profile.profile(opened, one, at_us) for one in ("u:ada", "a:x"))
        tied = asof_profile.profile(opened, "a:x", at("03T12:00:00"))
    assert ours is not None
    assert theirs is not None
    assert tied is not None
    assert (ours.identifiers, theirs.identifiers) == (("u:ada",), ("a:x",))
    assert tied.person == "u:ada"
    assert (ours.events, theirs.events) == (3, 2)
