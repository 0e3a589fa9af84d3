"""The producer: what the history has of derived rows. The archiver, the tail and `tactful eval` all make it here.

What step() decided stands in groups of derived rows (events/derived.py); the bodies of records stand in the log, at the
refs that the rows name. A group says all that is the history's with nothing but itself and those records: so any
stretch of positions of any partition can be made, in any order and again, and comes out the same. Pure.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import takewhile
from typing import Union, get_args

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from tactful.consent.policy import GPC
from tactful.events.derived import (
    REF_BITS,
    BecameKnown,
    ConsentChanged,
    DeviceMoved,
    EventKept,
    FragmentsCame,
    Group,
    PlanAdopted,
    RecordKept,
    Row,
    SegmentEntered,
    SegmentLeft,
    TraitRefused,
)
from tactful.events.records import (
    Between,
    Consent,
    Enter,
    Event,
    Forwarded,
    Launch,
    Passed,
    Plan,
    Publish,
    Record,
    Score,
    Steer,
    Take,
    Threshold,
    Unmerge,
    decode,
    decode_told,
    unpack,
)
from tactful.history.cells import (
    EMPTY,
    ConsentRow,
    EventRow,
    Fragment,
    IdentityRow,
    Item,
    KeptEvent,
    MembershipRow,
    PlanRow,
    ScoreRow,
    SteeringRow,
    ThresholdRow,
    cells,
)

Find = Callable[[int], Record | Between]
"""What stands in the logs at a ref: the record itself, or what brought it there."""
_json = msgspec.json.Encoder()


def produce(partition: int, groups: Iterable[Group], find: Find) -> list[Item]:
    """What the history has of groups of one partition."""
    made = _MADE.get
    items: list[Item] = []
    for group in groups:
        applied = group.position << REF_BITS | partition
        for row in group.rows:
            if type(row) is EventKept:
                items.append(_event(row, applied, group, find))
            elif (make := made(type(row))) is not None:
                items += make(row, applied, group, find)
    return items


def _event(row: EventKept, applied: int, group: Group, find: Find) -> KeptEvent:
    event = kept_at(row.ref, find)
    if row.mended:
        event = replace(event, properties=Raw(row.mended))
    refused: tuple[str, ...] = ()
    if event.kind == "identify":
        refused = tuple(one.name for one in group.rows if isinstance(one, TraitRefused) and one.ref == row.ref)
    return KeptEvent(event, row.epoch, row.ref, applied, refused)


def kept_at(ref: int, find: Find) -> Event:
    """The event that entered there."""
    event = bared(find(ref))
    assert isinstance(event, Event), f"an event was kept that is none, at {ref}: {event}"
    return event


def bared(record: Record | Between) -> Record | Between:
    """Of what brought a record along, the record."""
    while True:
        match record:
            case Forwarded():
                record = decode_told(record.record)
            case Passed() | Take():
                record = decode(record.record)
            case _:
                return record


# ---- other records ---------------------------------------------------------------------------------------------------


def _record(row: RecordKept, applied: int, _: Group, find: Find) -> Iterator[Item]:
    record = bared(find(row.ref))
    places = row.ref, applied
    match record:
        case Consent():
            said = {name: getattr(record, name) for name in ("purpose", "granted", "origin", "text_version", "address")}
            yield _of_source(record, "consent", row.epoch, record.timestamp, *places, said)
        case Score():
            value = record.value + 0.0
            told = {"model": record.model, "value": value}
            yield _of_source(record, "score", row.epoch, record.received_at, *places, told)
            yield ScoreRow(record.key, row.epoch, record.model, value, record.received_at, *places)
        case Enter():
            told = {"journey": record.journey, "entry_key": record.entry_key, "author": record.author}
            found = _of_source(record, "enter", row.epoch, record.received_at, *places, told)
            found.properties = cells(unpack(record.properties))
            yield found
        case Unmerge():
            extra = _json.encode({"author": record.author}).decode()
            at = record.received_at
            yield _marker(record.key, row.epoch, "unmerge", at, at, *places, extra=extra)
            if row.begun:
                yield IdentityRow(record.key, row.begun, record.key, at, *places, "unmerge", -1, at)
        case Threshold():
            yield ThresholdRow(record.metric, record.percent + 0.0, record.value + 0.0, record.received_at, *places)
        case Launch():
            said_by = record.author, record.approved_by, ""
            yield SteeringRow(record.journey, "launch", record.version, *said_by, record.received_at, *places)
        case Steer():
            said_by = record.author, "", record.reason
            yield SteeringRow(record.journey, record.order, "", *said_by, record.received_at, *places)
        case _:
            raise AssertionError(f"a record was kept that is none, at {row.ref}: {record}")


def _of_source(
    record: Consent | Score | Enter,
    kind: str,
    epoch: int,
    timestamp: int,
    here: int,
    applied: int,
    said: dict[str, object],
) -> EventRow:
    row = _marker(record.key, epoch, kind, timestamp, record.received_at, here, applied, record.message_id)
    row.source, row.is_server = record.source, record.trust == "server"
    row.is_verified = isinstance(record, Consent) and record.is_verified
    row.is_import = isinstance(record, Consent | Score) and record.is_import
    row.extra = _json.encode(said).decode()
    return row


def _marker(
    identifier: str,
    epoch: int,
    kind: str,
    timestamp: int,
    received_at: int,
    here: int,
    applied: int,
    message_id: str = "",
    extra: str = "{}",
) -> EventRow:
    """By which somebody is known who did nothing."""
    times = timestamp, received_at, here
    return EventRow(
        *(identifier, epoch, kind, None, *times, message_id, None, EMPTY, EMPTY),
        applied,
        ids=(identifier,),
        extra=extra,
    )


def _known(row: BecameKnown, applied: int, _: Group, __: Find) -> Iterator[Item]:
    yield _marker(*fragment(row.fragment), "tie", row.at, row.at, applied, applied)


# ---- whose, who decided, who is where --------------------------------------------------------------------------------


def _came(row: FragmentsCame, applied: int, group: Group, _: Find) -> Iterator[Item]:
    earlier = takewhile(lambda one: one is not row, group.rows)
    first = sum(len(one.fragments) for one in earlier if isinstance(one, FragmentsCame))
    for place, (name, hop, timestamp) in enumerate(zip(row.fragments, row.hops, row.tied, strict=True), first):
        yield IdentityRow(*fragment(name), group.key, row.at, applied, applied, row.cause, hop, timestamp, place)


def _moved(row: DeviceMoved, applied: int, group: Group, _: Find) -> Iterator[Item]:
    """Another period of a device, of somebody else's or, of a shared one, its own."""
    cause, person = ("moved", row.to) if row.to else ("shared", group.key)
    yield IdentityRow(group.key, row.epoch, person, row.at, applied, applied, cause, -1, row.timestamp or row.at)


def _decided(row: ConsentChanged, applied: int, _: Group, __: Find) -> Iterator[Item]:
    """A decision, once for each fragment that it covers."""
    by, is_gpc = (row.key, row.epoch), row.origin == GPC
    order = row.timestamp, row.received_at, row.ref
    about = row.origin, row.text_version, row.source
    for one in (by, *map(fragment, row.covers)):
        whose = *one, *by
        yield ConsentRow(*whose, row.purpose, row.granted, is_gpc, *order, applied, *about, row.is_hearsay, row.address)


def _flipped(row: SegmentEntered | SegmentLeft, applied: int, group: Group, _: Find) -> Iterator[Item]:
    yield MembershipRow(group.key, row.segment, type(row) is SegmentEntered, row.at, row.cause, applied)


def _adopted(row: PlanAdopted, applied: int, _: Group, find: Find) -> Iterator[Item]:
    record = bared(find(row.ref))
    publish = record.publish if isinstance(record, Plan) else record
    assert isinstance(publish, Publish), f"a plan was adopted that is none, at {row.ref}: {publish}"
    texts: tuple[str | None, str | None] = None, None
    if isinstance(record, Publish):
        texts = _json.encode(publish.files).decode(), _json.encode(publish.settings).decode()
    places = row.ref, applied
    yield PlanRow(row.version, publish.received_at, row.at, *places, publish.author, *texts)


def fragment(name: str) -> Fragment:
    """What a fragment's name names."""
    identifier, _, epoch = name.rpartition("#")
    return identifier, int(epoch)


_MADE: dict[type[Row], Callable[..., Iterator[Item]]] = {
    RecordKept: _record,
    BecameKnown: _known,
    FragmentsCame: _came,
    DeviceMoved: _moved,
    ConsentChanged: _decided,
    SegmentEntered: _flipped,
    SegmentLeft: _flipped,
    PlanAdopted: _adopted,
}
READS: Collection[type[Row]] = {EventKept, TraitRefused, *_MADE}
"""The kinds of rows that are looked at."""


def _reader() -> Callable[[bytes], list[Group]]:
    make = partial(msgspec.defstruct, frozen=True, array_like=True, gc=False)
    rows = tuple(one if one in READS else make("Other", (), tag=one.__struct_config__.tag) for one in get_args(Row))
    group = make("Group", [("position", int), ("key", str), ("before", int), ("rows", tuple[Union[rows], ...])])  # type: ignore[valid-type]  # noqa: UP007  (made of a list)
    return msgspec.msgpack.Decoder(list[group]).decode  # type: ignore[valid-type]  # likewise


read_groups = _reader()
"""Like derived.decode_groups, in half the time: of other rows it says only that they were there."""
