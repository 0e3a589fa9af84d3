"""The port Trail, over every adapter."""

import zlib
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from tactful.adapters.memory.trail import MemoryTrail
from tactful.adapters.sqlite.connection import open_database
from tactful.adapters.sqlite.trail import SqliteTrail
from tactful.adapters.sqlite.trailfile import SCHEMA, TUNING
from tactful.events.derived import (
    ConsentChanged,
    EventKept,
    EventRefused,
    FragmentsCame,
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    StepTaken,
    decode_groups,
    encode_groups,
)
from tactful.events.mentions import IDENTITY, MOST_KINDS, Tally
from tactful.values import HOUR_US
from tests.contracts.conftest import TrailMaker
from tests.contracts.values import group, intent, positions, started


def test_a_story_is_followed_backwards(open_trail: TrailMaker) -> None:
    trail = open_trail()
    trail.append(0, 1, 4, encode_groups([group(1), group(1, "u:2"), group(4, before=1)]))
    trail.append(0, 5, 9, encode_groups([group(7, before=4)]))
    trail.append(1, 1, 7, encode_groups([group(7)]))
    story, at = [], 7
    while at:
        blob = trail.group(0, at, "u:1")
        assert blob is not None
        (found,) = decode_groups(blob)
        story.append(found)
        at = found.before
    assert [(one.position, one.key, one.rows) for one in story] == [(n, "u:1", group(n).rows) for n in (7, 4, 1)]
    assert (
        trail.group(0, 7, "u:2"),
        trail.group(0, 5, "u:1"),
        trail.group(0, 99, "u:1"),
        trail.group(9, 1, "u:1"),
    ) == (None,) * 4
    assert (trail.end(0), trail.end(1), trail.end(9)) == (9, 7, 0)


def test_what_a_power_cut_takes_is_counted_no_longer() -> None:
    trail = MemoryTrail()
    for position in (1, 2):
        put(trail, position, EventKept(AT, "Page", position), before=position - 1)
        assert trail.tallies(0, NOON, NOON, "")[0].number == position
        if position == 1:
            trail.sync(0)
    trail.power_cut(0)
    assert trail.tallies(0, NOON, NOON, "")[0] == Tally(NOON, "", "kept", "Page", "", 1)


def test_rows_seen_again_change_nothing(open_trail: TrailMaker) -> None:
    trail = open_trail()
    trail.append(0, 1, 3, encode_groups([group(1), group(3)]))
    trail.append(0, 1, 3, encode_groups([group(1), group(2, "wrong")]))
    trail.append(0, 2, 6, encode_groups([group(2, "wrong"), group(3, "wrong"), group(4), group(6)]))
    trail.append(0, 4, 5, encode_groups([group(5, "wrong")]))
    assert positions(trail.recent(0, None, 99)) == [[4, 6], [1, 3]]
    assert trail.group(0, 5, "wrong") is None
    trail.append(0, 5, 8, encode_groups([group(5, "wrong"), group(6)]))
    assert trail.end(0) == 8, "nothing happened at 7 and 8, and that is known"
    trail.append(0, 7, 8, encode_groups([group(7, "wrong")]))
    assert positions(trail.recent(0, None, 99)) == [[4, 6], [1, 3]]


def test_recent_pages_backwards(open_trail: TrailMaker) -> None:
    trail = open_trail()
    for first in range(1, 30, 3):
        trail.append(0, first, first + 2, encode_groups([group(first + n) for n in range(3)]))
    assert positions(trail.recent(0, None, 4)) == [[28, 29, 30], [25, 26, 27]]
    assert positions(trail.recent(0, 27, 4)) == [[25, 26], [22, 23, 24]]
    assert positions(trail.recent(0, 25, 1)) == [[22, 23, 24]]
    assert trail.recent(0, 1, 9) == trail.recent(3, None, 9) == []


def test_rows_are_found_by_definition(open_trail: TrailMaker) -> None:
    trail = open_trail()
    rows = (SegmentLeft(1, "loyal", "time"), RunEnded(1, "win-back", "", "bought"))
    trail.append(0, 1, 3, encode_groups([group(1), started(3)]))
    trail.append(0, 4, 6, encode_groups([started(4)]))
    trail.append(0, 7, 9, encode_groups([Group(8, "u:1", 0, rows)]))
    trail.append(
        0,
        10,
        12,
        encode_groups(
            [Group(11, "u:1", 0, (intent("a", journey="win-back"), OutcomeNoted(11, "a", "cart", "sent", "")))]
        ),
    )
    assert positions(trail.by_definition(0, "segment/loyal", None, 9)) == [[8], [1, 3]]
    assert positions(trail.by_definition(0, "journey/cart", None, 9)) == [[11], [4], [1, 3]]
    assert positions(trail.by_definition(0, "journey/cart", 4, 9)) == [[1, 3]]
    assert positions(trail.by_definition(0, "journey/win-back", None, 1)) == [[11]]
    assert trail.by_definition(0, "segment/unheard", None, 9) == trail.by_definition(7, "segment/loyal", None, 9) == []


def test_a_name_that_stands_elsewhere_is_no_mention(open_trail: TrailMaker) -> None:
    trail = open_trail()
    entered: tuple[Row, ...] = (SegmentEntered(1, "loyal", "event"),)
    called: tuple[Row, ...] = (EventKept(1, "loyal", 1), SegmentLeft(1, "loyalty", "time"))
    trail.append(0, 1, 3, encode_groups([Group(1, "loyal", 0, called), Group(2, "loyal", 0, entered)]))
    trail.append(0, 4, 6, encode_groups([Group(4, "u:1", 0, called), Group(5, "u:1", 4, called)]))
    trail.append(0, 7, 9, encode_groups([Group(7, "u:1", 5, called), Group(8, "u:1", 7, entered)]))
    assert positions(trail.by_definition(0, "segment/loyal", None, 1)) == [[7, 8]]
    assert positions(trail.by_definition(0, "segment/loyal", None, 2)) == [[7, 8], [1, 2]]


def test_many_groups_of_one_piece_and_of_many_are_found(open_trail: TrailMaker) -> None:
    """Also those of pieces that came later, and of pieces that were looked at long ago."""
    trail = open_trail()
    for first in range(1, 200, 5):
        trail.append(0, first, first + 4, encode_groups([group(first), group(first, "u:2"), group(first + 3)]))
        for one in (first, 1, max(1, first - 25)):
            for key in ("u:1", "u:2", "u:3"):
                body = trail.group(0, one, key)
                assert (body and decode_groups(body)) == ([group(one, key)] if key != "u:3" else None)
        assert trail.group(0, first + 1, "u:1") is trail.group(0, first + 5, "u:1") is None


def test_rows_between_two_positions(open_trail: TrailMaker) -> None:
    trail = open_trail()
    trail.append(0, 1, 3, encode_groups([group(1), group(3)]))
    trail.append(0, 4, 6, encode_groups([group(4), group(6)]))
    found = [position for blob in trail.between(0, 2, 5) for position in positions([blob])[0]]
    assert [position for position in found if 2 <= position <= 5] == [3, 4]
    assert trail.between(0, 7, 9) == trail.between(5, 1, 9) == []


def test_it_is_there_when_opened_again(open_trail: TrailMaker) -> None:
    trail = open_trail()
    trail.append(0, 1, 3, encode_groups([group(1)]))
    assert trail.sync(0) == 3
    assert positions(open_trail().recent(0, None, 9)) == [[1]]
    open_trail().append(0, 4, 4, encode_groups([group(4)]))
    assert trail.end(0) == 4


def test_a_power_cut_takes_a_tail_of_what_was_not_synced() -> None:
    trail = MemoryTrail()
    for n in range(1, 5):
        trail.append(0, n, n, encode_groups([group(n)]))
        if n == 2:
            assert trail.sync(0) == 2
    assert trail.unsynced(0) == 2
    trail.power_cut(0, keep=1)
    assert positions(trail.recent(0, None, 9)) == [[3], [2], [1]]
    trail.power_cut(0)
    assert trail.end(0) == 3


def test_rows_of_a_definition_are_read_onward(open_trail: TrailMaker) -> None:
    trail = open_trail()
    other = (SegmentLeft(1, "loyal", "time"),)
    for first in range(1, 30, 3):
        rows = (RunEnded(1, "win-back", "", "bought"),) if first % 2 else other
        trail.append(0, first, first + 2, encode_groups([Group(first, "u:1", 0, rows)]))
    came = FragmentsCame(1, "merge", "a:1", 0, 1, ("a:1#1",))
    trail.append(0, 31, 31, encode_groups([Group(31, "u:1", 0, (came,))]))

    def read(after: int, limit: int, definition: str = "journey/win-back") -> list[tuple[int, int]]:
        return [(last, decode_groups(body)[0].position) for last, body in trail.onward(0, definition, after, limit)]

    assert read(0, 3) == [(3, 1), (9, 7), (15, 13)]
    assert read(15, 3) == [(21, 19), (27, 25)]
    assert read(27, 3) == read(0, 3, "journey/none") == []
    assert read(0, 3, IDENTITY) == [(31, 31)]
    assert trail.onward(9, "journey/win-back", 0, 3) == []


# ---- what happened by hour -------------------------------------------------------------------------------------------

NOON = 480_000
"""An hour, counted from 1970."""
AT = NOON * HOUR_US


def put(trail: SqliteTrail | MemoryTrail, position: int, *rows: Row, before: int = 1) -> None:
    trail.append(0, position, position, encode_groups([Group(position, "u:1", before, rows)]))


def test_what_happened_is_counted_by_hour(open_trail: TrailMaker) -> None:
    trail = open_trail()
    put(trail, 1, EventKept(AT - 1, "Page", 1, late_us=1), SegmentEntered(AT, "loyal", "event"), before=0)
    put(trail, 2, EventKept(AT, "Page", 2), EventKept(AT, "Product Viewed", 3, late_us=HOUR_US))
    put(trail, 3, EventRefused(AT - HOUR_US, "Page", 4, "quarantine", "too_big", "", "", HOUR_US + 1))
    put(trail, 4, SegmentLeft(AT + HOUR_US - 1, "loyal", "time"), ConsentChanged(AT, "email_marketing", False, "", ""))
    put(trail, 5, FragmentsCame(AT, "merge", "a:1", 0, 1, ("a:1#1",)))
    kept = Tally(NOON, "", "kept", "Page", "", 2)
    of_nobody = [
        Tally(NOON, "", "consent", "email_marketing", "no", 1),
        kept,
        Tally(NOON, "", "met", "", "", 1),
        Tally(NOON, "", "refused", "quarantine", "too_big", 1),
    ]
    of_segment = [
        Tally(NOON, "segment/loyal", "entered", "event", "", 1),
        Tally(NOON, "segment/loyal", "left", "time", "", 1),
    ]
    later = Tally(NOON + 1, "", "kept", "Product Viewed", "", 1)
    came = Tally(NOON, IDENTITY, "came", "merge", "", 1)
    assert trail.tallies(0, NOON, NOON) == [*of_nobody, came, *of_segment]
    assert trail.tallies(0, 0, 1 << 40) == [*of_nobody, came, *of_segment, later]
    assert trail.tallies(0, 0, 1 << 40, "segment/loyal") == of_segment
    assert trail.tallies(0, NOON, NOON + 9, "") == [*of_nobody, later]
    assert trail.tallies(0, NOON + 1, NOON, "") == trail.tallies(0, 0, NOON - 1) == trail.tallies(3, 0, 1 << 40) == []
    assert trail.tallies(0, NOON, NOON, "segment/unheard") == []


def test_hours_are_summed_within_stretches(open_trail: TrailMaker) -> None:
    trail = open_trail()
    for position in range(1, 50):
        at = AT + (position // 2) * HOUR_US
        rows: tuple[Row, ...] = (EventKept(at, "Page", position), SegmentEntered(at, f"s{position % 2}", "event"))
        put(trail, position, *rows, *([SegmentLeft(at, "s0", "time")] if position % 10 == 0 else []))

    def stretched(edges: list[int], definition: str | None, whats: tuple[str, ...]) -> list[Tally]:
        counted: Counter[tuple[int, str, str, str, str]] = Counter()
        for hour, about, what, name, detail, number in trail.tallies(0, edges[0], edges[-1] - 1):
            is_meant = definition in (None, about) or (definition == "segment/" and about.startswith("segment/"))
            if is_meant and (not whats or what in whats):
                counted[max(edge for edge in edges if edge <= hour), about, what, name, detail] += number
        return [Tally(*key, number) for key, number in sorted(counted.items())]

    for edges in (
        [0, 1 << 40],
        [NOON, NOON + 1, NOON + 9, NOON + 24],
        [NOON + 3, NOON + 7, NOON + 8],
        [NOON + 90, NOON + 99],
    ):
        for definition in (None, "", "segment/", "segment/s0", "segment/s", "journey/"):
            for whats in ((), ("entered",), ("left", "kept")):
                assert trail.sums(0, edges, definition, whats) == stretched(edges, definition, whats)
    assert trail.sums(0, [NOON, NOON + 24], "segment/", ("left",)) == [Tally(NOON, "segment/s0", "left", "time", "", 4)]
    assert trail.sums(5, [0, 1 << 40]) == trail.sums(0, [NOON]) == []


def test_what_a_journey_did_is_counted_by_step_and_reason(open_trail: TrailMaker) -> None:
    trail = open_trail()
    put(trail, 1, RunStarted(AT, "cart", "", 9, arm="holdout"), RunEnded(AT, "cart", "", "limit reached"))
    put(trail, 2, StepTaken(AT, "cart", "", 1, "2", "branch", "then"), StepTaken(AT, "cart", "", 1, "3", "set", "{1}"))
    put(
        trail,
        3,
        RunEnded(AT, "cart", "", "too late (2026-01-02)", step="3"),
        intent("a"),
        OutcomeNoted(AT, "a", "cart", "sent", ""),
    )
    put(
        trail,
        4,
        Responded(AT, "cart", "a", "Email Opened", is_machine=True),
        Responded(AT, "cart", "a", "Email Opened"),
    )
    put(trail, 5, *(GoalReached(AT, "cart", "", 1, "v", "", 5, nth) for nth in (1, 2)))
    found = [(one.what, one.name, one.detail, one.number) for one in trail.tallies(0, NOON, NOON, "journey/cart")]
    assert found == [
        ("branch", "2", "then", 1),
        ("ended", "3", "too late", 1),
        ("goal", "", "", 1),
        ("goal", "", "again", 1),
        ("outcome", "sent", "", 1),
        ("refused", "", "limit reached", 1),
        ("response", "Email Opened", "", 1),
        ("response", "Email Opened", "machine", 1),
        ("set", "3", "", 1),
        ("started", "holdout", "", 1),
    ], "what a step sets is nobody else's business"
    assert trail.tallies(0, 0, 0, "journey/cart") == [Tally(0, "journey/cart", "intent", "", "", 1)]
    assert trail.tallies(0, 0, 0, "message/reminder") == [Tally(0, "message/reminder", "intent", "cart", "", 1)]


def test_rows_seen_again_are_counted_once(open_trail: TrailMaker) -> None:
    trail = open_trail()

    def groups(*positions: int) -> bytes:
        return encode_groups([Group(n, "u:1", 1, (EventKept(AT, "Page", n),)) for n in positions])

    trail.append(0, 1, 3, groups(1, 3))
    trail.append(0, 1, 3, groups(1, 3))
    trail.append(0, 2, 6, groups(2, 3, 4, 6))
    trail.append(0, 4, 5, groups(5))
    assert trail.tallies(0, 0, 1 << 40) == [Tally(NOON, "", "kept", "Page", "", 4)]
    again = open_trail()
    again.append(0, 4, 6, groups(4))
    again.append(0, 7, 7, groups(7))
    assert again.tallies(0, 0, 1 << 40) == [Tally(NOON, "", "kept", "Page", "", 5)]


def test_kinds_of_an_hour_are_bounded(open_trail: TrailMaker) -> None:
    """An id in the name of an event must not fill the disk."""
    trail = open_trail()
    many = MOST_KINDS + 30
    for position in range(1, many + 1):
        put(trail, position, EventKept(AT, f"Viewed {position:04}", position))
    put(trail, many + 1, EventKept(AT, "Viewed 0001", 1), EventKept(AT + HOUR_US, "Viewed 9999", 1))
    found = trail.tallies(0, NOON, NOON, "")
    assert (len(found), sum(one.number for one in found)) == (MOST_KINDS + 1, many + 1)
    assert {(one.name, one.number) for one in found if one.number > 1} == {("Viewed 0001", 2), ("other", 30)}
    assert len(trail.tallies(0, NOON + 1, NOON + 1, "")) == 1


def test_where_what_is_counted_stands(open_trail: TrailMaker) -> None:
    trail = open_trail()
    for position in range(1, 40):
        hour = position // 10
        rows: tuple[Row, ...] = (EventKept(AT + hour * HOUR_US, "Page", position),)
        if position in (12, 17, 25):
            rows = (*rows, SegmentEntered(AT + hour * HOUR_US, "loyal", "event"))
        if position == 28:
            rows = (*rows, SegmentLeft(AT, "loyal", "time"))
        put(trail, position, *rows)
    both, loyal = ("entered", "left"), "segment/loyal"
    assert trail.span(0, NOON + 1, NOON + 1, loyal, both) == (12, 17)
    assert trail.span(0, NOON + 1, NOON + 9, loyal, both) == (12, 25)
    assert trail.span(0, 0, NOON, loyal, both) == (28, 28), "what happened then was said later"
    assert trail.span(0, 0, NOON, loyal, ("entered",)) is trail.span(0, NOON + 3, NOON + 9, loyal, both) is None
    assert trail.span(0, NOON, NOON, "segment/none", both) is trail.span(5, NOON, NOON, loyal, both) is None
    assert trail.span(0, NOON, NOON, loyal, ()) is None


def test_a_file_of_before_is_counted_once_when_it_is_opened(tmp_path: Path) -> None:
    before = open_database(tmp_path / "0.db", replace(SCHEMA, steps=SCHEMA.steps[:1]), TUNING)
    for position in (1, 2):
        body = zlib.compress(encode_groups([Group(position, "u:1", 1, (EventKept(AT, "Page", position),))]))
        before.execute("INSERT INTO piece VALUES (?, ?, ?)", (position, position, body))
    before.close()
    for _ in range(2):
        trail = SqliteTrail(tmp_path)
        trail.append(0, 2, 3, encode_groups([Group(3, "u:1", 1, (EventKept(AT, "Page", 3),))]))
        assert trail.tallies(0, 0, 1 << 40) == [Tally(NOON, "", "kept", "Page", "", 3)]
        trail.close()
