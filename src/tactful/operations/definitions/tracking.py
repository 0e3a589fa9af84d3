"""Tracking: what came in beside what events/ says should, for whoever keeps the two in agreement.

Counts are the hourly tallies of the trail; properties are looked for in the newest records of the log, which says what
clients send now and not what they once sent. An event that is read by a definition and never came is as much of a
finding as one that came and that nobody planned.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from tactful.events import responses
from tactful.events.addressed import event_of
from tactful.events.mentions import EVERYBODY, Tally
from tactful.events.records import decode
from tactful.events.tracking import EventRule, fit
from tactful.kernel.definitions import read_published
from tactful.kernel.state import PlanState
from tactful.language.vocabulary import EventType
from tactful.operations.definitions.completion import SAMPLE
from tactful.operations.places import seen_event
from tactful.operations.stories import SeenEvent
from tactful.runtime.ports import Log
from tactful.values import DAY_US, HOUR_US

EXAMPLES = 10
ENOUGH = 500
"""Newest events of a name that are looked at, or somewhat more."""
AT_ONCE = 500
"""Records of a partition that are read together."""
MOST_PROPERTIES = 200
READING = ("segments", "metrics", "collections", "features", "journeys", "messages")
"""Folders whose files may speak of an event."""


class EventRow(Struct, frozen=True):
    """One event name."""

    name: str
    description: str
    path: str
    """Of the file that plans it; "" where nobody does."""
    number: int
    """Kept in the time asked for."""
    by_day: tuple[int, ...]
    readers: tuple[str, ...]
    """Files that speak of it."""

    @property
    def is_own(self) -> bool:
        """Nobody has to plan it: the protocol's (`$identify`), or what comes back from messages."""
        return self.name.startswith("$") or self.name in responses.NAMES


class PropertyRow(Struct, frozen=True):
    """One property of an event, as planned and as it came."""

    name: str
    planned: str
    """Its type; "" where it is not planned."""
    is_required: bool
    is_personal: bool
    choices: tuple[str, ...]
    description: str
    number: int
    """Of the newest events, how many have it."""
    types: tuple[tuple[str, int], ...]
    """What they had, the most frequent first."""
    misfits: int
    """Of them, how many do not fit the plan; of a required one, without it."""


class EventPage(Struct, frozen=True):
    row: EventRow
    is_server_only: bool
    looked_at: int
    """Newest events of this name that were looked at."""
    properties: tuple[PropertyRow, ...]
    sources: tuple[tuple[str, int], ...]
    """Of those, by source."""
    newest: tuple[SeenEvent, ...]


def events(plan: PlanState | None, tallies: Sequence[Tally], from_us: int, days: int) -> list[EventRow]:
    """Every name that is planned, was kept since `from_us`, or is spoken of; the most frequent first. `tallies` are of
    what belongs to no definition ("")."""
    planned = _planned(plan)
    counts: dict[str, list[int]] = {}
    for one in tallies:
        day = (one.hour * HOUR_US - from_us) // DAY_US
        if one.definition == EVERYBODY and one.what == "kept" and 0 <= day < days:
            counts.setdefault(one.name, [0] * days)[day] += one.number
    files = plan.plan.publish.files if plan is not None else {}
    paths = _paths(files)
    names = {*planned, *counts}
    rows = [
        EventRow(
            name=name,
            description=planned[name].description if name in planned else "",
            path=paths.get(name, ""),
            number=sum(counts.get(name, ())),
            by_day=tuple(counts.get(name, [0] * days)),
            readers=readers(name, files),
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: (-row.number, row.name))


def readers(name: str, files: Mapping[str, str]) -> tuple[str, ...]:
    """Files of definitions that speak of an event."""
    whole = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w])")
    speaking = sorted(path for path, text in files.items() if name in text and path.partition("/")[0] in READING)
    return tuple(path for path in speaking if whole.search(files[path]) is not None)


def event_page(plan: PlanState | None, rule: EventRule | None, log: Log, row: EventRow) -> EventPage:
    """One event in full, with the rule by which the engine looks at it; reads the newest records of every partition."""
    planned = _planned(plan).get(row.name)
    found = [event for partition in range(log.partitions) for event in _newest(log, partition, row.name)]
    found.sort(key=lambda event: event.received_at, reverse=True)
    return EventPage(
        row=row,
        is_server_only=planned is not None and planned.is_server_only,
        looked_at=len(found),
        properties=_properties(planned, rule, found),
        sources=tuple(Counter(event.source for event in found).most_common()),
        newest=tuple(found[:EXAMPLES]),
    )


def _newest(log: Log, partition: int, name: str) -> list[SeenEvent]:
    """Of one partition, newest first: about its share of ENOUGH, among its share of SAMPLE records."""
    found: list[SeenEvent] = []
    text = name.encode("utf-8", "replace")  # As it stands in a record that speaks of the event.
    before = log.end(partition)
    last = max(log.start(partition), before - SAMPLE // log.partitions)
    while before > last and len(found) < ENOUGH // log.partitions:
        after = max(last, before - AT_ONCE)
        for position, body in reversed(log.read(partition, after, before - after)):
            event = event_of(decode(body)) if text in body and position <= before else None
            if event is not None and event.name == name:
                found.append(seen_event(partition, position, event))
        before = after
    return found


def _planned(plan: PlanState | None) -> Mapping[str, EventType]:
    return read_published(plan.plan.publish).events if plan is not None else {}


def _paths(files: Mapping[str, str]) -> dict[str, str]:
    """By event name, the file that plans it."""
    named = {}
    for path, text in files.items():
        if path.startswith("events/"):
            said = re.search(r"^name:\s*(.+?)\s*$", text, re.MULTILINE)
            name = said[1].strip("'\"") if said else path.removeprefix("events/").removesuffix(".yaml")
            named[name] = path
    return named


def _properties(
    planned: EventType | None, rule: EventRule | None, found: Sequence[SeenEvent]
) -> tuple[PropertyRow, ...]:
    types: dict[str, Counter[str]] = {}
    misfits: Counter[str] = Counter()
    for event in found:
        for name, value in event.properties.items():
            types.setdefault(name, Counter())[type_of(value)] += 1
        if rule is not None:
            misfits.update({one.field for one in fit(rule, event.properties, mends=False)[1]})
    declared = planned.properties if planned is not None else {}
    often = sorted(types, key=lambda name: (-types[name].total(), name))[:MOST_PROPERTIES]
    return tuple(
        PropertyRow(
            name=name,
            planned=declared.get(name, ""),
            is_required=planned is not None and name in planned.required,
            is_personal=planned is not None and name in planned.personal,
            choices=tuple(map(str, planned.choices.get(name, ()))) if planned is not None else (),
            description=planned.descriptions.get(name, "") if planned is not None else "",
            number=types[name].total() if name in types else 0,
            types=tuple(types[name].most_common()) if name in types else (),
            misfits=misfits[name],
        )
        for name in dict.fromkeys((*declared, *often))
    )


def type_of(value: object) -> str:
    kinds = {bool: "boolean", int: "number", float: "number", str: "text", list: "list", dict: "object"}
    return kinds.get(type(value), "nothing")
