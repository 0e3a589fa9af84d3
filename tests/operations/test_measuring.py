"""What is measured, against counts made by hand: people, statuses, responses, goals, groups, days."""

import json
import random
from collections.abc import Iterable
from typing import get_args

import msgspec
import pytest

from tactful.adapters.memory.trail import MemoryTrail
from tactful.events.derived import (
    FragmentsCame,
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
    encode_groups,
)
from tactful.events.records import EMPTY_MAP
from tactful.operations.journeys import tallies
from tactful.operations.journeys.measuring import BUCKETS, Report, measure
from tactful.operations.journeys.tallies import EVER
from tactful.operations.reading import measured
from tactful.values import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_time

NOON = parse_time("2025-03-12T12:00:00Z") or 0


class Told:
    """A trail of two partitions, written row by row."""

    def __init__(self) -> None:
        self.trail = MemoryTrail()
        self.position = 0

    def rows(self, key: str, *rows: Row, partition: int = 0) -> None:
        self.position += 1
        body = encode_groups([Group(self.position, key, 0, rows)])
        self.trail.append(partition, self.position, self.position, body)

    def start(
        self, key: str, at: int = NOON, arm: str = "", version: str = "v1", partition: int = 0, about: str = ""
    ) -> None:
        self.rows(key, RunStarted(at, "cart", about, at, (), version, arm, at), partition=partition)

    def send(
        self,
        key: str,
        intent: str,
        at: int = NOON,
        version: str = "v1",
        due_after: int = 0,
        step: str = "1",
        message: str = "hello",
    ) -> None:
        due = at + due_after
        row = SendMessage(
            due,
            intent,
            key,
            "cart",
            "",
            "email",
            message,
            "p",
            due,
            due + DAY_US,
            1,
            at,
            0,
            "",
            EMPTY_MAP,
            version=version,
            step=step,
        )
        self.rows(key, row)

    def noted(self, key: str, intent: str, status: str, reason: str = "", at: int = NOON) -> None:
        self.rows(key, OutcomeNoted(at, intent, "cart", status, reason))

    def goal(
        self,
        key: str,
        ref: int,
        value: float | None = None,
        started: int = NOON,
        nth: int = 1,
        version: str = "v1",
        arm: str = "",
        partition: int = 0,
    ) -> None:
        row = GoalReached(started + HOUR_US, "cart", "", started, version, arm, ref, nth, value)
        self.rows(key, row, partition=partition)

    def responded(self, key: str, intent: str, name: str, *, is_machine: bool = False) -> None:
        self.rows(key, Responded(NOON, "cart", intent, name, "", is_machine))

    def measure(self, from_us: int = EVER[0], until_us: int = EVER[1]) -> Report:
        return measure(self.trail, 2, "cart", from_us=from_us, until_us=until_us)


def test_every_kind_of_row_is_known() -> None:
    """A new kind of derived row needs its line in tallies.py, or no trail that holds it can be measured."""
    tags = {msgspec.inspect.type_info(kind).tag for kind in get_args(Row)}  # type: ignore[attr-defined]  # a struct's info
    (known,) = [field.type for field in msgspec.inspect.type_info(tallies._Group).fields if field.name == "rows"]  # type: ignore[attr-defined]  # likewise
    assert {one.tag for one in known.item_type.types} == tags


def test_an_empty_trail_is_measured_as_nothing() -> None:
    report = Told().measure()
    assert (report.rows, report.total.runs, report.total.control, report.versions, report.daily) == (0, 0, "", (), {})
    assert "holds nothing of the journey cart yet" in measured.as_text(report)


def test_messages_are_counted_by_what_became_of_them_last() -> None:
    told = Told()
    for number, key in enumerate(("u:1", "u:2", "u:3", "u:4", "u:5", "u:6")):
        told.start(key)
        told.send(key, f"i{number}")
    told.noted("u:1", "i0", "held", "nobody knows")
    told.noted("u:1", "i0", "sent", at=NOON + SECOND_US)
    told.noted("u:2", "i1", "sent")
    told.noted("u:3", "i2", "refused", "no consent: email_marketing")
    told.noted("u:4", "i3", "lapsed", "valid until 2025-03-12T12:00:00.000Z")
    told.noted("u:5", "i4", "refused", "quiet hours until 08:00")
    told.noted("u:9", "another's", "sent")
    total = told.measure().total
    assert (total.runs, total.people, total.intents, total.reached) == (6, 6, 6, 2)
    assert total.statuses == {"sent": 2, "refused": 2, "lapsed": 1, "waiting": 1}
    assert total.reasons == {
        "lapsed: valid until": 1,
        "refused: no consent: email_marketing": 1,
        "refused: quiet hours": 1,
    }


def test_a_row_that_stands_twice_counts_once_and_others_not_at_all() -> None:
    told = Told()
    told.start("u:1")
    told.send("u:1", "i0")
    told.send("u:1", "i0")
    told.rows("u:1", RunStarted(NOON, "other", "", NOON, (), "v9", "", NOON))
    report = told.measure()
    assert (report.total.runs, report.total.intents, [one.version for one in report.versions]) == (1, 1, ["v1"])


def test_opens_and_clicks_with_and_without_machines() -> None:
    told = Told()
    for number in range(3):
        told.start(f"u:{number}")
        told.send(f"u:{number}", f"i{number}")
        told.noted(f"u:{number}", f"i{number}", "sent")
    told.responded("u:0", "i0", "Email Opened", is_machine=True)
    told.responded("u:1", "i1", "Email Opened", is_machine=True)
    told.responded("u:1", "i1", "Email Opened")
    told.responded("u:1", "i1", "Email Opened")
    told.responded("u:1", "i1", "Email Link Clicked")
    told.responded("u:2", "i2", "Email Bounced")
    found = told.measure().total.responses
    opened = found["opened"]
    assert (opened.messages, opened.people, opened.messages_raw, opened.people_raw) == (1, 1, 2, 2)
    assert (found["clicked"].people, found["bounced"].people, found["complained"].people) == (1, 1, 0)


def test_each_step_is_counted_with_its_own_message() -> None:
    told = Told()
    for number, (step, message) in enumerate([("1", "hello"), ("1", "hello"), ("3", "bye"), ("1", "hello again")]):
        told.send(f"u:{number % 2}", f"i{number}", step=step, message=message)
        told.noted(f"u:{number % 2}", f"i{number}", "sent" if number != 1 else "refused")
    told.responded("u:0", "i0", "Email Opened")
    told.responded("u:0", "i2", "Email Link Clicked", is_machine=True)
    found = told.measure().steps
    assert [(one.step, one.message, one.intents, one.sent, one.people) for one in found] == [
        ("1", "hello", 2, 1, 1),
        ("3", "bye", 1, 1, 1),
        ("1", "hello again", 1, 1, 1),
    ]
    assert [one.responses["opened"].people for one in found] == [1, 0, 0]
    assert [one.responses["clicked"].people for one in found] == [0, 0, 0]
    assert [one.responses["clicked"].people_raw for one in found] == [0, 1, 0]


def test_versions_are_told_apart_and_people_count_once_over_all() -> None:
    told = Told()
    told.start("u:1", version="v1")
    told.start("u:1", at=NOON + HOUR_US, version="v2")
    told.send("u:1", "i1", version="v1")
    told.send("u:1", "i2", at=NOON + HOUR_US, version="v2")
    told.noted("u:1", "i2", "sent", at=NOON + HOUR_US)
    report = told.measure()
    assert [(one.version, one.runs, one.people, one.reached) for one in report.versions] == [
        ("v1", 1, 1, 0),
        ("v2", 1, 1, 1),
    ]
    assert (report.total.runs, report.total.people) == (2, 1)


def test_who_was_a_visitor_and_became_a_customer_is_one_person() -> None:
    told = Told()
    told.start("a:1")
    told.start("a:2", partition=1)
    told.rows("e:x", FragmentsCame(NOON + 1, "merge", "a:1", 0, 1, ("a:1#1",)))
    told.rows("u:1", FragmentsCame(NOON + 2, "merge", "e:x", 0, 1, ("e:x#1",)), partition=1)
    told.goal("u:1", 7, 30.0, partition=1)
    total = told.measure().total
    assert (total.people, total.goal_people, total.groups[""].reached_goal, total.groups[""].revenue) == (2, 1, 1, 30.0)


def test_who_was_unmerged_is_a_person_again() -> None:
    told = Told()
    told.start("a:1")
    told.start("u:1")
    told.rows("u:1", FragmentsCame(NOON + 1, "merge", "a:1", 0, 1, ("a:1#1",)))
    assert told.measure().total.people == 1
    told.rows("a:1", FragmentsCame(NOON + 2, "unmerge", "u:1", 0, 1, ("a:1#1",)))
    assert told.measure().total.people == 2


def test_what_belonged_to_it_before_stays_with_whom_it_was_unmerged() -> None:
    told = Told()
    told.start("a:2")
    told.rows("a:1", FragmentsCame(NOON + 1, "merge", "a:2", 0, 1, ("a:2#1",)))
    told.rows("u:1", FragmentsCame(NOON + 2, "merge", "a:1", 0, 1, ("a:1#1", "a:2#1")))
    told.rows("a:1", FragmentsCame(NOON + 3, "unmerge", "u:1", 0, 1, ("a:1#1", "a:2#1")))
    told.goal("a:1", 7)
    assert told.measure().total.groups[""].reached_goal == 1


def test_an_event_counts_once_for_a_person_however_many_runs_it_is_a_goal_of() -> None:
    told = Told()
    told.start("u:1")
    told.start("u:1", at=NOON + MINUTE_US)
    told.goal("u:1", 7, 30.0)
    told.goal("u:1", 7, 30.0, started=NOON + MINUTE_US)
    told.goal("u:1", 8, 12.5, nth=2)
    total = told.measure().total
    assert (total.goal_people, total.goal_runs, total.goal_events, total.revenue) == (1, 2, 2, 42.5)
    assert total.groups[""].squares == 42.5**2


def test_an_event_that_two_people_had_while_they_were_one_counts_for_both() -> None:
    told = Told()
    for key in ("u:1", "u:2"):
        told.start(key)
        told.goal(key, 7, 30.0)
    assert (told.measure().total.goal_people, told.measure().total.goal_events) == (2, 2)


def test_a_person_stays_in_the_group_of_the_first_run() -> None:
    told = Told()
    told.start("u:1", at=NOON + 5, arm="")
    told.start("u:1", at=NOON, arm="holdout")
    told.start("u:2", arm="global")
    told.goal("u:1", 7, 30.0, started=NOON + 5)
    total = told.measure().total
    assert {arm: group.people for arm, group in total.groups.items()} == {"": 0, "holdout": 1, "global": 1}
    assert (total.groups["holdout"].reached_goal, total.crossed, total.control) == (1, 1, "holdout")


def test_runs_are_of_the_time_asked_for_with_all_that_followed() -> None:
    told = Told()
    for day in range(3):
        at = NOON + day * DAY_US
        told.start("u:1", at=at)
        told.send("u:1", f"i{day}", at=at)
        told.noted("u:1", f"i{day}", "sent", at=at + 5 * DAY_US)
        told.goal("u:1", day + 1, 10.0, started=at)
    total = told.measure(from_us=NOON + DAY_US, until_us=NOON + 2 * DAY_US).total
    assert (total.runs, total.intents, total.statuses, total.revenue) == (1, 1, {"sent": 1}, 10.0)


def test_delays_are_counted_from_due_and_from_the_start() -> None:
    told = Told()
    told.start("u:1")
    for number, late in enumerate((0, 900_000, SECOND_US, 40 * MINUTE_US)):
        told.send("u:1", f"i{number}", due_after=30 * MINUTE_US)
        told.noted("u:1", f"i{number}", "sent", at=NOON + 30 * MINUTE_US + late)
    total = told.measure().total
    names = [name for _, name in BUCKETS] + ["more"]
    assert {name: count for name, count in zip(names, total.from_due.counts, strict=True) if count} == {
        "1s": 2,
        "5s": 1,
        "1h": 1,
    }
    assert total.from_due.half_us == 900_000
    assert {name: count for name, count in zip(names, total.from_start.counts, strict=True) if count} == {
        "1h": 3,
        "6h": 1,
    }


def test_reasons_are_counted_by_day_of_the_workspace() -> None:
    told = Told()
    late = NOON + 11 * HOUR_US + 30 * MINUTE_US  # 23:30 in London, 00:30 in Berlin.
    told.start("u:1", at=late)
    told.send("u:1", "i1", at=late)
    told.noted("u:1", "i1", "refused", "no consent: p", at=late)
    told.rows(
        "u:2",
        RunEnded(late, "cart", "", "too late: was due at 2025-03-01T00:00:00.000Z, valid for 1d", 0, "v1", "", late),
    )
    told.rows("u:3", RunEnded(late, "cart", "", "Order Completed came first", 0, "v1", "", late, "2"))
    told.rows("u:4", StepTaken(late, "cart", "", late, "2", "withheld", "holdout", version="v2"))
    report = measure(told.trail, 2, "cart", zone="Europe/Berlin")
    counts = {
        "ended: Order Completed came first": 1,
        "intents": 1,
        "not begun: too late": 1,
        "refused: no consent: p": 1,
        "withheld: holdout": 1,
    }
    assert report.daily == {"2025-03-13": counts}
    ended = {"ended: Order Completed came first": 1, "not begun: too late": 1}
    assert report.total.without == {**ended, "withheld: holdout": 1}
    assert {one.version: one.without for one in report.versions} == {"v1": ended, "v2": {"withheld: holdout": 1}}
    assert list(told.measure().daily) == ["2025-03-12"]


def test_no_more_reasons_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "REASONS", 3)
    told = Told()
    told.start("u:1")
    for number in range(5):
        told.send("u:1", f"i{number}")
        told.noted("u:1", f"i{number}", "refused", f"reason {number}")
    assert told.measure().total.reasons == {"refused: other": 3, "refused: reason 0": 1, "refused: reason 1": 1}


def shop(seed: int, people: int, uplift: float) -> Told:
    """A journey with a holdout of a tenth, of which buyers may be more among the others."""
    rng, told = random.Random(seed), Told()
    for number in range(people):
        key, arm = f"u:{number}", "holdout" if rng.random() < 0.1 else ""
        told.start(key, arm=arm)
        if not arm:
            told.send(key, f"i{number}")
            told.noted(key, f"i{number}", "sent")
        if rng.random() < 0.3 + (uplift if not arm else 0.0):
            told.goal(key, number + 1, rng.uniform(10, 50), arm=arm)
    return told


def test_lift_is_told_with_its_interval_in_words_and_values() -> None:
    report = shop(3, 2_000, 0.3).measure()
    conversion = report.total.conversion
    assert conversion is not None and conversion.difference is not None
    assert conversion.verdict == "more"
    assert conversion.difference.low < 0.3 < conversion.difference.high
    text = measured.as_text(report)
    assert "against the holdout of the journey" in text
    assert "more than chance" in text
    values = json.loads(json.dumps(measured.as_values(report)))
    assert values["total"]["lift"]["conversion"]["verdict"] == "more"
    assert values["total"]["groups"]["treated"]["people"] + values["total"]["groups"]["holdout"]["people"] == 2_000


def test_without_a_holdout_nothing_is_claimed() -> None:
    told = Told()
    told.start("u:1")
    told.goal("u:1", 1)
    report = told.measure()
    assert (report.total.conversion, report.total.control) == (None, "")
    assert "nobody is held out" in measured.as_text(report)


def test_all_and_each_agree_whatever_the_order_of_rows() -> None:
    """The same rows in another order of partitions and pieces say the same."""
    told = shop(4, 300, 0.1)
    pieces = [group for body in told.trail.between(0, 0, 1 << 60) for group in decode(body)]
    random.Random(1).shuffle(pieces)
    other = MemoryTrail()
    for position, group in enumerate(pieces, 1):
        moved = msgspec.structs.replace(group, position=position)
        other.append(position % 2, position, position, encode_groups([moved]))
    one, two = told.measure(), measure(other, 2, "cart", from_us=EVER[0])
    assert measured.as_values(one) == measured.as_values(two)


def decode(body: bytes) -> Iterable[Group]:
    return msgspec.msgpack.decode(body, type=list[Group])


def test_one_is_one_and_nothing_is_said_of_nothing() -> None:
    told = Told()
    told.start("u:1")
    told.goal("u:1", 1)
    text = measured.as_text(told.measure())
    assert "  runs          1, by 1 person\n  messages      0\n  reached       0 people\n" in text
    assert "  goal          1 person, 1 run\n" in text
