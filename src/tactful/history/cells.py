"""Cells: the JSON values of an event as an engine can read them without parsing (docs/history.md).

Every path of names has one cell with what language.meaning.follow finds there: a scalar in the map of its type, or a
list, whose elements stand in parallel lists by type. A text that reads as a time has the microseconds beside it. What
lies inside the elements of lists is written once more under the place of its element (`products[0].sku`), which only
paths with an index read. Pure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tactful.events import zones
from tactful.events.records import Event
from tactful.kernel.addresses import is_proved
from tactful.language.sql.layout import FLAT, escaped
from tactful.messages.mail import mailbox
from tactful.values import read_time


class Elements(NamedTuple):
    """Of a list: each has as many entries as the list; where none of them says anything, the element is null."""

    nums: list[float | None]
    texts: list[str | None]
    flags: list[bool | None]
    times: list[int | None]
    """What the texts read as."""
    keys: list[str | None]
    """Places of the elements that are lists or objects."""


class Cell(NamedTuple):
    """One value, where it cannot stand in a map of its type. Nothing at all for null, which has no cell."""

    num: float | None = None
    text: str | None = None
    flag: bool | None = None
    time: int | None = None
    list: Elements | None = None
    object: bool | None = None
    """True for an object."""


class Cells(Struct):
    """Of one object, by key (layout.key)."""

    nums: list[tuple[str, float]] = []
    texts: list[tuple[str, str]] = []
    flags: list[tuple[str, bool]] = []
    times: list[tuple[str, int]] = []
    lists: list[tuple[str, Elements]] = []
    objects: list[str] = []
    """Where objects are."""
    elements: list[tuple[str, Cell]] = []
    """Inside the elements of lists, by place."""
    json: str = "{}"
    """The whole object, to be shown."""

    def put(self, key: str, value: Any) -> None:
        kind = type(value)
        if kind is str:
            self.texts.append((key, value))
            at = _time(value)
            if at is not None:
                self.times.append((key, at))
        elif kind is bool:
            self.flags.append((key, value))
        elif kind is float or kind is int:
            self.nums.append((key, float(value) + 0.0))
        elif kind is dict:
            self.objects.append(key)
            for name, inner in value.items():
                self.put(f"{key}.{escaped(name)}", inner)
        elif kind is list:
            self.lists.extend(_lists(key, value))
            for place, element in _nested(key, value):
                self.elements.extend(_inside(place, element))


class EventRow(Struct):
    """A record by which somebody is known: a call; a score, a decision, an entry into a journey, an un-merge or a tie,
    which have no name here."""

    identifier: str
    """Where the record entered, and the period of ownership in which it did."""
    epoch: int
    kind: str
    name: str | None
    timestamp: int
    received_at: int
    ref: int
    message_id: str
    zone: str | None
    """context.timezone, where it names a time zone."""
    properties: Cells
    context: Cells
    applied: int = 0
    """The place in the logs at which it was decided, in the partition of the person; so for every table."""
    source: str = ""
    is_server: bool = False
    """The source is trusted as one."""
    is_verified: bool = False
    is_import: bool = False
    ids: Sequence[str] = ()
    """All identifiers that the call names, strongest first."""
    extra: str = "{}"
    """What else the record says, as JSON (history/records.py)."""


class TraitRow(Struct):
    """One trait as an identify call wrote it."""

    identifier: str
    epoch: int
    name: str
    timestamp: int
    received_at: int
    ref: int
    source: str
    traits: Cells
    """Of an object with this trait alone; empty where the call cleared it."""
    applied: int = 0
    is_hearsay: bool = False
    """A browser said so without a token that proves it, so that anybody may have."""
    address: str | None = None
    """Of the trait `email`, the mailbox that mail goes to."""


class ScoreRow(Struct):
    identifier: str
    epoch: int
    model: str
    value: float
    received_at: int
    ref: int
    applied: int = 0


class ThresholdRow(Struct):
    metric: str
    percent: float
    value: float
    received_at: int
    ref: int
    applied: int = 0


class ConsentRow(Struct):
    """A decision, once for each fragment that it covers: all that were the person's then."""

    identifier: str
    epoch: int
    by: str
    by_epoch: int
    """The fragment where it entered."""
    purpose: str
    granted: bool
    is_gpc: bool
    """By Global Privacy Control, of which the first counts."""
    timestamp: int
    received_at: int
    ref: int
    applied: int = 0
    origin: str = ""
    """`api`, `unsubscribe`, `confirm`, ... (events/records.py)."""
    text_version: str = ""
    source: str = ""
    is_hearsay: bool = False
    """A browser said so without a token, so that anybody may have."""
    address: str = ""
    """Of a confirmation, the mailbox whose reader has agreed."""


class IdentityRow(Struct):
    """From here on a fragment is somebody's; before the first such row it is its own identifier's."""

    identifier: str
    epoch: int
    person: str
    received_at: int
    ref: int
    """Of the record by which it came."""
    applied: int = 0
    cause: str = "merge"
    """`merge`, `unmerge`; `new`: the first record that was passed on; `moved`, `shared`: a device is somebody else's
    from here on, or everybody's."""
    hop: int = 0
    """How often the fragment has gone over, -1 where its period begins: of several rows at one instant the highest
    holds."""
    timestamp: int = 0
    """When what tied them, or took them apart, happened; never before that of the fragment's row before."""
    place: int = 0
    """Among the fragments that came to the person with one record, from 0."""


class PlanRow(Struct):
    """A published project, as a partition took it up."""

    version: int
    published_at: int
    received_at: int
    """When this partition knew of it."""
    ref: int
    applied: int
    author: str
    files: str | None
    """JSON, text by path; only in the row of partition 0, where plans are published."""
    settings: str | None
    """JSON, likewise."""


class MembershipRow(Struct):
    """Somebody entered a segment, or left it."""

    identifier: str
    """The person's, as they were called then."""
    segment: str
    entered: bool
    at: int
    cause: str
    applied: int


class SteeringRow(Struct):
    """A campaign was launched, or somebody paused, resumed, drained or stopped a journey, or all sending."""

    journey: str
    """"" is all sending."""
    what: str
    """`launch`, `pause`, `resume`, `drain`, `stop`."""
    version: str
    """Of a launched campaign."""
    author: str
    approved_by: str
    """Of a launch."""
    reason: str
    received_at: int
    ref: int
    applied: int


class ZoneRow(Struct):
    """The offset of a time zone from one instant to the next change."""

    zone: str
    from_us: int
    until_us: int
    offset_us: int


OfPeople = EventRow | TraitRow | ScoreRow | ConsentRow | IdentityRow | MembershipRow
Row = OfPeople | ThresholdRow | PlanRow | SteeringRow | ZoneRow

Fragment = tuple[str, int]
"""An identifier and its period of ownership."""


class KeptEvent(NamedTuple):
    """A call that was kept, not yet unfolded: most of a history."""

    event: Event
    epoch: int
    """Of the identifier where it entered, `event.key`."""
    ref: int
    applied: int
    refused: tuple[str, ...] = ()
    """Of an identify call, traits that it may not write."""


Item = KeptEvent | Row
"""What the producer gives, beside calls as they stand in the log (history/packed.py)."""

_json = msgspec.json.Encoder()
EMPTY = Cells()


def zone_rows(names: Iterable[str], from_us: int, until_us: int) -> Iterator[ZoneRow]:
    """What local time needs from one instant to another."""
    for name in sorted(names):
        changes = zones.transitions(name, from_us, until_us)
        ends = [at for at, _ in changes[1:]] + [until_us + 1]
        for (at, offset), end in zip(changes, ends, strict=True):
            yield ZoneRow(name, at, end, offset)


def cells(values: Mapping[str, Any]) -> Cells:
    """Of a decoded object."""
    found = Cells(json=_json.encode(values).decode())
    for name, value in values.items():
        found.put(escaped(name), value)
    return found


def is_hearsay(event: Event, name: str, value: object) -> bool:
    """Whether anybody may have said this of a trait."""
    return event.trust == "browser" and not is_proved(event, name, value)


def address(name: str, value: object) -> str | None:
    """The mailbox that a trait says."""
    return mailbox(value) if name == "email" else None


# ---- lists -----------------------------------------------------------------------------------------------------------


def _lists(key: str, value: list[Any]) -> Iterator[tuple[str, Elements]]:
    """A list as it is, and by every path below it the list of what its elements hold."""
    placed = list(_nested(key, value))
    yield key, _elements((f"{key}[{index}]", element) for index, element in enumerate(value))
    if any(element is None or type(element) is list for element in value):
        yield key + FLAT, _elements(_flat(key, value))
    if placed:
        yield from _below(key, [(place, one) for place, one in _flat(key, value) if type(one) is dict])


def _below(key: str, objects: list[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, Elements]]:
    for name in dict.fromkeys(name for _, one in objects for name in one):
        step = "." + escaped(name)
        held = [found for place, one in objects for found in _flat(place + step, one.get(name))]
        if held:
            yield key + step, _elements(held)
            inner = [(place, one) for place, one in held if type(one) is dict]
            if inner:
                yield from _below(key + step, inner)


def _flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """With lists opened at every depth and without null, each with its place."""
    if type(value) is list:
        for index, element in enumerate(value):
            yield from _flat(f"{place}[{index}]", element)
    elif value is not None:
        yield place, value


def _nested(key: str, value: list[Any]) -> Iterator[tuple[str, Any]]:
    for index, element in enumerate(value):
        if type(element) is dict or type(element) is list:
            yield f"{key}[{index}]", element


def _elements(held: Iterable[tuple[str, Any]]) -> Elements:
    elements = Elements([], [], [], [], [])
    for place, value in held:
        kind = type(value)
        elements.nums.append(float(value) + 0.0 if kind is float or kind is int else None)
        elements.texts.append(value if kind is str else None)
        elements.flags.append(value if kind is bool else None)
        elements.times.append(_time(value) if kind is str else None)
        elements.keys.append(place if kind is dict or kind is list else None)
    return elements


def _inside(place: str, value: Any) -> Iterator[tuple[str, Cell]]:
    """The cells of what stands in a list, by place."""
    kind = type(value)
    if kind is dict:
        yield place, Cell(object=True)
        for name, inner in value.items():
            yield from _inside(f"{place}.{escaped(name)}", inner)
    elif kind is list:
        for path, elements in _lists(place, value):
            yield path, Cell(list=elements)
        for inner_place, element in _nested(place, value):
            yield from _inside(inner_place, element)
    elif kind is str:
        yield place, Cell(text=value, time=_time(value))
    elif kind is bool:
        yield place, Cell(flag=value)
    elif value is not None:
        yield place, Cell(num=float(value) + 0.0)


def _time(text: str) -> int | None:
    """Only what begins as a year may be a time; looking costs less than reading."""
    return read_time(text) if len(text) >= 10 and text[4] == "-" else None
