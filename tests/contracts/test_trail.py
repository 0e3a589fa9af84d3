"""The port Trail, over every adapter."""

from tactful.adapters.memory.trail import MemoryTrail
from tactful.events.derived import (
    FragmentsCame,
    Group,
    OutcomeNoted,
    RunEnded,
    SegmentLeft,
    decode_groups,
    encode_groups,
)
from tactful.events.mentions import IDENTITY
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
