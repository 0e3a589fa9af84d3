"""Everybody, as the oracle of journeys knows them: all that was ever said, asked anew each time.

Who is who and what an expression means comes from the naive oracle of the language (tests/parity/oracle); here is only
what journeys ask beside: events that fit, keys, traits, zones, and when something might change by itself.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tactful.events.records import Consent, Event, Score, unpack
from tests.parity.oracle import Project, Reader, parse
from tests.parity.oracle.asking import is_meant
from tests.parity.oracle.lines import Happening, Saying, Told, World, decided
from tests.parity.oracle.lines import world as world_of
from tests.parity.oracle.lines import zone as zone_named
from tests.parity.oracle.ties import Fragment, Ties
from tests.parity.oracle.values import Moment, Span, is_number, written
from tests.simulation.journeys.reading import Match, duration

DURATION = re.compile(r'"(\d+[smhdw])"')


class Everybody:
    """What was said so far, in the order of the log."""

    def __init__(self, time_zone: str = "UTC") -> None:
        self.time_zone = time_zone
        self.ties = Ties()
        self.sayings: list[Saying] = []
        self.segments: Mapping[str, str] = {}
        self._reader = Reader(Project())
        self._meanings: dict[tuple[str, bool], Any] = {}
        self._lengths: list[int] = []
        self._seen: dict[str, tuple[object, World]] = {}
        self._changes = 0

    def publish(self, segments: Mapping[str, str], expressions: Iterable[str], time_zone: str) -> None:
        self.time_zone = time_zone
        self.segments = segments
        self._reader = Reader(Project(segments=segments, time_zone=time_zone))
        self._meanings = {}
        texts = [*segments.values(), *expressions]
        self._lengths = sorted({duration(found) for text in texts for found in DURATION.findall(text)})

    def zone(self) -> Any:
        return zone_named(self.time_zone)

    # ---- what is said --------------------------------------------------------------------------------------------

    def enter(self, record: Event | Consent | Score, place: int) -> Happening | None:
        """One record; the event as it is seen, where it is one."""
        self._changes += 1
        fragment = self.ties.enter(record.key)
        said = Saying(record.received_at, "track", [record.key], fragment, None, None, frozenset())
        match record:
            case Event():
                values = unpack(record.properties), unpack(record.context)
                times = record.timestamp, record.received_at, place
                call = Happening(*times, record.kind, record.name, *values, record.source)
                self.sayings.append(said._replace(kind=record.kind, names=list(record.ids), call=call))
                return call
            case Score():
                told = Told(record.received_at, place, record.model, record.value)
                self.sayings.append(said._replace(kind="score", told=told))
            case Consent():
                mine = {one for one in self.ties.fragments() if self.ties.person(one) == self.ties.person(fragment)}
                told = Told(record.received_at, place, record.purpose, record.granted)
                # Of decisions the first field is when they were taken, by which they count.
                timely = said._replace(received=record.timestamp)
                self.sayings.append(timely._replace(kind="consent", told=told, covers=frozenset(mine)))
        return None

    def meet(self, event: Event) -> None:
        self._changes += 1
        self.ties.meet(list(event.ids), event.kind)

    def undo(self, name: str) -> None:
        self._changes += 1
        self.ties.undo(name)

    def person(self, fragment: Fragment) -> str:
        return self.ties.person(fragment)

    # ---- what is asked -------------------------------------------------------------------------------------------

    def world(self, key: str, now: int) -> World:
        known = self._seen.get(key)
        if known is None or known[0] != self._changes:
            mine = [one for one in self.sayings if one.kind != "unmerge" and self.person(one.fragment) == key]
            decisions = [one for one in self.sayings if any(self.person(each) == key for each in one.covers)]
            timely = sorted(decisions, key=lambda one: (one.received, one.told[:2] if one.told else ()))
            yes_and_no = decided(self.ties, key, timely)
            known = (self._changes, world_of(now, mine, yes_and_no, {}, self.time_zone, {}, {}))
            self._seen[key] = known
        return known[1]._replace(now=now)

    def _meaning(self, text: str, *, is_event: bool) -> Any:
        asked = (text, is_event)
        if asked not in self._meanings:
            self._meanings[asked] = self._reader.meaning(parse(text), is_event=is_event)
        return self._meanings[asked]

    def holds(self, condition: str, key: str, now: int) -> bool:
        return self._meaning(condition, is_event=False)(self.world(key, now), None) is True

    def value(self, expression: str, key: str, now: int) -> Any:
        return written(self._meaning(expression, is_event=False)(self.world(key, now), None))

    def of_event(self, expression: str, call: Happening, key: str, now: int) -> Any:
        return self._meaning(expression, is_event=True)(self.world(key, now), call)

    def fits(self, match: Match, call: Happening, key: str, now: int, about: str | None = None) -> bool:
        """Whether the event is meant; with `same`, of a run about this."""
        if not is_meant(match.events, call):
            return False
        if match.where and self.of_event(match.where, call, key, now) is not True:
            return False
        if match.same and about is not None:
            found = self.of_event(match.same, call, key, now)
            return about in [key_text(one) for one in (found if isinstance(found, list) else [found])]
        return True

    def instants(self, key: str, after: int, up_to: int) -> set[int]:
        """When something about the person might change by itself: any duration that is written anywhere, after any
        event, or a microsecond later."""
        calls = self.world(key, after).calls
        edges = {call.timestamp + length + late for call in calls for length in self._lengths for late in (0, 1)}
        return {at for at in edges if after < at <= up_to}


def key_text(value: Any) -> str | None:
    """A key as text; None where there is none."""
    if value is None or isinstance(value, list | dict | Moment | Span):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if is_number(value) and float(value).is_integer():
        return str(int(value))
    return str(value)
