"""The people behind the numbers of a segment: who is in it, newest first, and who came or left in a stretch of time.

The trail is walked backwards, and what it says is checked against the live state: somebody is in a segment by that row
of entering whose instant the state has, so that nobody is listed twice and nobody who has left. No list of members is
kept anywhere.
"""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from typing import NamedTuple

from msgspec import Struct

from tactful.events.derived import SegmentEntered, SegmentLeft, decode_closed
from tactful.events.mentions import tells_of
from tactful.kernel.state import PlanState, Profile, decode_profile
from tactful.operations.people import persons
from tactful.operations.places import States
from tactful.runtime.keeping import Trail
from tactful.values import HOUR_US

PAGE = 50
READ = 20
"""Groups asked of the trail at once; it gives whole pieces of up to a thousand records."""
WALKED = 20_000
"""Groups of one partition that are looked at for one page; then it says that there may be more."""
NAMES = ("name", "firstName", "first_name", "email")
WHO = ("members", "entered", "left")
_END = 1
"""Before the first position there is nothing."""


class Wanted(Struct, frozen=True):
    """Which people of a segment."""

    segment: str
    number: int
    """By which states know it; -1 where the plan does not have it any more."""
    who: str = "members"
    """`members` now; `entered`, `left` within [from_us, until_us)."""
    from_us: int = 0
    until_us: int = 1 << 62
    cause: str = ""
    """Of those who came or left."""
    also: int = -1
    """Another segment, in which they are too."""


class Entry(Struct, frozen=True):
    """Somebody, and how it came."""

    key: str
    """Of the person now."""
    name: str
    at: int
    """When they came, or left."""
    cause: str
    because: str
    """What was read then, in words."""
    is_in: bool
    """Now."""


class Listed(Struct, frozen=True):
    entries: tuple[Entry, ...]
    next: str
    """Where the next page begins; "" at the end."""
    is_short: bool = False
    """It ends here because enough was looked through, and not because the page is full."""


class _Row(NamedTuple):
    at: int
    partition: int
    position: int
    key: str
    row: SegmentEntered | SegmentLeft


def listed(
    trail: Trail,
    states: Sequence[States],
    plan: PlanState | None,
    wanted: Wanted,
    cursor: str = "",
    limit: int = PAGE,
    keep: Callable[[Profile], bool] = lambda _: True,
) -> Listed:
    """A page of people; `cursor` is `next` of the page before. `keep` says whether somebody belongs to it."""
    before = _places(cursor, len(states))
    walks = [_Walk(partition, place) for partition, place in enumerate(before)]
    streams = [_rows(trail, states, wanted, walk) for walk in walks]
    entries: list[Entry] = []
    seen: set[str] = set()
    reached = list(before)
    for found in merge(*streams, key=lambda one: -one.at):
        reached[found.partition] = found.position
        entry = _entry(found, states, plan, wanted, keep)
        if entry is None or (wanted.who == "members" and entry.key in seen):
            continue
        seen.add(entry.key)
        entries.append(entry)
        if len(entries) == limit:
            return Listed(tuple(entries), ".".join(map(str, reached)))
    is_short = any(walk.seen >= WALKED for walk in walks)
    places = [walk.place if walk.seen >= WALKED else _END for walk in walks]
    return Listed(tuple(entries), ".".join(map(str, places)) if is_short else "", is_short)


def _places(cursor: str, partitions: int) -> list[int]:
    """Positions before which each partition goes on; 0: from its end."""
    parts = cursor.split(".")
    if len(parts) != partitions or not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):
        return [0] * partitions
    return [int(part) for part in parts]


class _Walk(Struct):
    """How far one partition was walked for this page."""

    partition: int
    place: int
    """Everything before this position is left; 0: everything there is."""
    seen: int = 0
    """Groups."""


def _rows(trail: Trail, states: Sequence[States], wanted: Wanted, walk: _Walk) -> Iterator[_Row]:
    """Rows of the segment in one partition, newest first."""
    partition, definition, lowest = walk.partition, f"segment/{wanted.segment}", 0
    kind = SegmentLeft if wanted.who == "left" else SegmentEntered
    if wanted.who != "members":
        hours = wanted.from_us // HOUR_US, (wanted.until_us - 1) // HOUR_US
        span = trail.span(partition, *hours, definition, (wanted.who,))
        if span is None:
            return
        lowest, highest = span
        walk.place = min(walk.place or highest + 1, highest + 1)
    elif not walk.place:  # What has been committed and is on its way to the trail.
        yield from _fresh(states[partition], trail.end(partition), partition, wanted.segment)
    while (not walk.place or walk.place > lowest) and walk.seen < WALKED:
        blobs = trail.by_definition(partition, definition, walk.place or None, READ)
        if not blobs:
            return
        for group in (group for blob in blobs for group in reversed(decode_closed(blob))):
            walk.seen += 1
            walk.place = group.position
            for row in group.open().rows if tells_of(group, definition) else ():
                if isinstance(row, kind) and row.segment == wanted.segment and _is_asked(row, wanted):
                    yield _Row(row.at, partition, group.position, group.key, row)


def _fresh(states: States, end: int, partition: int, segment: str) -> Iterator[_Row]:
    definition = f"segment/{segment}"
    for blob in (blob for _, last, blob in reversed(states.derived()) if last > end and blob):
        told = (one for one in reversed(decode_closed(blob)) if one.position > end and tells_of(one, definition))
        for group in (one.open() for one in told):
            for row in group.rows:
                if isinstance(row, SegmentEntered) and row.segment == segment:
                    yield _Row(row.at, partition, group.position, group.key, row)


def _is_asked(row: SegmentEntered | SegmentLeft, wanted: Wanted) -> bool:
    return wanted.from_us <= row.at < wanted.until_us and wanted.cause in ("", row.cause)


def _entry(
    found: _Row, states: Sequence[States], plan: PlanState | None, wanted: Wanted, keep: Callable[[Profile], bool]
) -> Entry | None:
    """Who that is now; None where it is not one of those who are wanted."""
    profile: Profile | None
    if wanted.who == "members":
        body = states[found.partition].load([found.key]).get(found.key)
        profile = decode_profile(body) if body is not None else None
        if profile is None or profile.segments.get(wanted.number) != found.at:
            return None
    else:
        person = persons.find(found.key, states)
        profile = person.profile if person is not None else None
    if profile is not None and (not keep(profile) or (wanted.also >= 0 and wanted.also not in profile.segments)):
        return None
    known = persons.values(profile, plan) if profile is not None else {}
    return Entry(
        profile.key if profile is not None else found.key,
        next((str(known[name]) for name in NAMES if known.get(name)), ""),
        found.at,
        found.row.cause,
        "; ".join(f"{one.text} is {_said(one.value)}" for one in found.row.because),
        profile is not None and wanted.number in profile.segments,
    )


def _said(value: object) -> str:
    match value:
        case None:
            return "not known"
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return f"{int(value):,}"
        case _:
            return str(value)
