"""Behind a number of a journey's report: the people it counts, newest first, each with when and why.

The trail is walked backwards, all partitions abreast, and rows that the number counts are picked out. A page says where
it ended, so that the next goes on there; one that found little after many rows says so too, instead of reading on for
minutes. Which version and moment a message is of stands in the intent, as long as the outbox knows it.
"""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from itertools import groupby

from msgspec import Struct

from tactful.events.derived import (
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
    decode_groups,
)
from tactful.events.reasons import reason_of
from tactful.kernel.counts import stand_of
from tactful.kernel.state import FIRST_KEY
from tactful.kernel.walking import FINISHED
from tactful.operations.journeys.tallies import EVER, STATUSES, response_of
from tactful.operations.people.explain import value as told
from tactful.operations.people.telling_runs import HELD_OUT, in_words
from tactful.operations.places import People
from tactful.runtime.keeping import Trail
from tactful.runtime.ports import OutboxRow

PAGE = 50
LOOKED = 20_000
"""Groups of a partition that are looked through for a page at most."""
GROUPS = 500
LOOKED_PEOPLE = 100_000
"""People who are looked through for a page of those at a step."""
PEOPLE_PAGE = 1_000
MOST_DIGITS = 19
"""Of a place in a cursor: what comes from an address may be any text, and no database takes more."""
NOTHING = "0"
"""Stands in a cursor for a partition that is through."""


class Wanted(Struct, frozen=True):
    """Which number: `what` is entered, held, sends, status, without, response, goal; `detail` says more of it: the arm,
    the step, `sent` or `refused: no consent` of a status, `ended: ...` of without, `opened` of a response."""

    what: str
    detail: str = ""
    version: str | None = None
    """None: any."""
    step: str = ""
    """Of messages: what this step sent; "" of all."""
    message: str = ""
    """The same of the message."""
    from_us: int = EVER[0]
    until_us: int = EVER[1]

    @property
    def is_any(self) -> bool:
        """Every message of the journey is meant."""
        return (self.version, self.from_us, self.until_us, self.step, self.message) == (None, *EVER, "", "")

    def is_sent(self, sent: SendMessage) -> bool:
        is_meant = self.step in ("", sent.step) and self.message in ("", sent.message)
        return is_meant and self.is_of(sent.started_at, sent.version)

    def is_of(self, started_at: int, version: str) -> bool:
        return self.from_us <= started_at < self.until_us and self.version in (None, version)


class Entry(Struct, frozen=True):
    """One thing that a number counts."""

    key: str
    at: int
    text: str
    intent: str = ""
    step: str = ""
    entry_key: str = ""
    version: str = ""


class Listed(Struct, frozen=True):
    entries: tuple[Entry, ...]
    next: str
    """Where the next page goes on; "" where there is none."""
    is_short: bool = False
    """It ended because so much was looked through, not because it was full."""


KINDS = ("entered", "held", "sends", "status", "without", "response", "goal")
Find = Callable[[str], OutboxRow | None]


def behind(trail: Trail, partitions: int, journey: str, wanted: Wanted, find: Find, cursor: str = "") -> Listed:
    """A page of what a number counts; `cursor` is the `next` of the page before. `find` gives a row of the outbox."""
    places = cursor.split(".") if cursor.count(".") == partitions - 1 and cursor else [""] * partitions
    walks = [_Walk(trail, partition, journey, wanted, find, place) for partition, place in enumerate(places)]
    found: list[Entry] = []
    is_full = False
    for walk, position, entries in merge(*walks, key=lambda one: -one[2][0].at):
        is_full = len(found) >= PAGE
        if is_full:  # And there is more: a page that would be empty is not offered.
            break
        found += entries
        walk.taken = position
    places = [walk.place() for walk in walks]
    is_through = all(place == NOTHING for place in places)
    return Listed(tuple(found), "" if is_through else ".".join(places), is_short=not is_full and not is_through)


class _Walk:
    """One partition, from its newest group backwards."""

    def __init__(self, trail: Trail, partition: int, journey: str, wanted: Wanted, find: Find, place: str) -> None:
        self._trail, self._partition, self._journey = trail, partition, journey
        self._wanted, self._find = wanted, find
        self._is_over = place == NOTHING
        self.taken = int(place) if place.isdecimal() and len(place) < MOST_DIGITS else 0
        """The position below which the next page begins; 0: above all."""
        self._looked_to: int | None = None
        """Where looking ended, because enough was looked through."""

    def place(self) -> str:
        """Where the next page goes on."""
        if self._is_over:
            return NOTHING
        place = self._looked_to if self._looked_to is not None else self.taken
        return str(place) if place else ""

    def __iter__(self) -> Iterator[tuple["_Walk", int, list[Entry]]]:
        before, looked = self.taken or None, 0
        while not self._is_over:
            blobs = self._trail.by_definition(self._partition, f"journey/{self._journey}", before, GROUPS)
            groups = [group for blob in blobs for group in reversed(decode_groups(blob))]
            if not groups:
                self._is_over = True
                return
            # People of one position (a tick, a sweep) stand on one page, since a page begins below a position.
            for position, those in groupby(groups, key=lambda group: group.position):
                entries = [entry for group in those for row in group.rows if (entry := self._entry(row, group))]
                if entries:
                    yield self, position, entries
            looked, before = looked + len(groups), groups[-1].position
            if looked >= LOOKED:
                self._looked_to = before
                return

    def _entry(self, row: Row, group: Group) -> Entry | None:
        match self._wanted.what, row:
            case ("entered" | "held", RunStarted()):
                return self._started(row, group.key)
            case "without", RunEnded() | StepTaken():
                return self._without(row, group.key)
            case "goal", GoalReached() if self._is_of(row.journey, row.started_at, row.version):
                worth = f", worth {row.value:,.2f}" if row.value is not None else ""
                nth = "" if row.nth == 1 else f", the {row.nth}. of this run"
                text = f"reached the goal{nth}{worth}"
                return Entry(group.key, row.at, text, entry_key=row.entry_key, version=row.version)
            case "sends", SendMessage() if row.journey == self._journey and self._wanted.is_sent(row):
                return Entry(
                    group.key, row.at, f"sends {row.message}", row.intent, row.step, row.entry_key, row.version
                )
            case "status", OutcomeNoted() if row.journey == self._journey:
                return self._noted(row, group.key)
            case "response", Responded() if row.journey == self._journey:
                return self._responded(row, group.key)
        return None

    def _is_of(self, journey: str, started_at: int, version: str) -> bool:
        return journey == self._journey and self._wanted.is_of(started_at, version)

    def _started(self, row: RunStarted, key: str) -> Entry | None:
        wanted = self._wanted
        if not self._is_of(row.journey, row.started_at or row.at, row.version):
            return None
        if wanted.what == "held" and row.arm != wanted.detail:
            return None
        because = "; ".join(f"{reading.text} was {told(reading.value)}" for reading in row.because)
        out = f"; {HELD_OUT[row.arm]}: nothing will be sent" if row.arm in HELD_OUT else ""
        text = f"entered{f', because {because}' if because else ''}{out}"
        return Entry(key, row.at, text, entry_key=row.entry_key, version=row.version)

    def _without(self, row: RunEnded | StepTaken, key: str) -> Entry | None:
        if not self._is_of(row.journey, row.started_at or row.at, row.version):
            return None
        if isinstance(row, StepTaken):
            if row.what != "withheld":
                return None
            counted, text = f"withheld: {reason_of(row.detail)}", f"sent nothing: {row.detail}"
        elif row.reason == FINISHED:
            return None
        else:
            kind = "ended" if row.step else "not begun"
            counted = f"{kind}: {reason_of(row.reason)}"
            text = f"{'ended' if row.step else 'did not begin'}: {in_words(row.reason)}"
        if self._wanted.detail not in ("", counted):
            return None
        return Entry(key, row.at, text, step=row.step, entry_key=row.entry_key, version=row.version)

    def _noted(self, row: OutcomeNoted, key: str) -> Entry | None:
        if row.status not in STATUSES:
            return None
        counted = f"{row.status}: {reason_of(row.reason) if row.reason else ''}".removesuffix(": ")
        if self._wanted.detail not in ("", row.status, counted):
            return None
        said = " ".join(one for one in (f"{row.status}:" if row.reason else row.status, row.reason) if one)
        return self._of_intent(row.intent, key, row.at, said)

    def _responded(self, row: Responded, key: str) -> Entry | None:
        kind = response_of(row.name)
        if kind is None or self._wanted.detail not in ("", kind):
            return None
        text = f"{row.name}{f': {row.detail}' if row.detail else ''}{', by a machine' if row.is_machine else ''}"
        return self._of_intent(row.intent, key, row.at, text)

    def _of_intent(self, intent: str, key: str, at: int, text: str) -> Entry | None:
        row = self._find(intent)
        if row is None:
            return Entry(key, at, text, intent) if self._wanted.is_any else None
        sent = row.intent
        if not self._wanted.is_sent(sent):
            return None
        return Entry(key, at, text, intent, sent.step, sent.entry_key, sent.version)


# ---- who is there now ------------------------------------------------------------------------------------------------


def inside(states: Sequence[People], journey: str, step: str, cursor: str = "") -> tuple[list[tuple[str, str]], str]:
    """(identifier, step) of the runs that wait at a step ("": anywhere in the journey), in the order of identifiers,
    and where to go on ("" where nobody is left)."""
    partition, _, after = cursor.partition(":")
    first = int(partition) if partition.isdecimal() and len(partition) < MOST_DIGITS else 0
    first = first if first < len(states) else 0
    place, looked = after or FIRST_KEY, 0
    found: list[tuple[str, str]] = []
    for number in range(first, len(states)):
        while keys := states[number].keys_after(place, PEOPLE_PAGE):
            bodies = states[number].load(keys)
            for key in keys:
                place = key
                found += [(key, at) for name, at in stand_of(bodies[key])[1] if name == journey and step in ("", at)]
                if len(found) >= PAGE:
                    return found, f"{number}:{place}"
            looked += len(keys)
            if looked >= LOOKED_PEOPLE:
                return found, f"{number}:{place}"
        place = FIRST_KEY
    return found, ""
