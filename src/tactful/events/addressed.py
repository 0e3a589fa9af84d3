"""Forwarded records: whom they are addressed to, and whether they hold an event, without reading the rest."""

import msgspec
from msgspec import Raw, Struct

from tactful.events.records import Event, Forwarded, Record, decode


class _Addressed(Struct, array_like=True):
    """As much of a record as says whom it is addressed to."""

    key: str


class _ToTake(_Addressed, tag=12):
    pass


class _ToLink(_Addressed, tag=13):
    pass


class _ToGive(_Addressed, tag=14):
    pass


class _ToLost(_Addressed, tag=15):
    pass


class _ToDetach(_Addressed, tag=16):
    pass


class _ToPassed(_Addressed, tag=17):
    pass


class _ToAll(Struct, array_like=True, tag=7):
    pass


class _ToAllThreshold(Struct, array_like=True, tag=10):
    pass


class _ToAllLaunch(Struct, array_like=True, tag=19):
    pass


class _ToAllSteer(Struct, array_like=True, tag=20):
    pass


class _ToAllSeed(Struct, array_like=True, tag=21):
    pass


class _Enters(Struct, array_like=True, tag=1):
    version: int
    source: str
    trust: str
    kind: str
    name: str
    key: str


_addressed = msgspec.msgpack.Decoder(
    _ToTake
    | _ToLink
    | _ToGive
    | _ToLost
    | _ToDetach
    | _ToPassed
    | _ToAll
    | _ToAllThreshold
    | _ToAllLaunch
    | _ToAllSteer
    | _ToAllSeed
    | _Enters
)


def key_within(told: Raw) -> str | None:
    """The identifier that a `Told` is addressed to; None for what concerns everybody. The rest of it is not read."""
    record = _addressed.decode(told)
    return record.key if isinstance(record, _Addressed | _Enters) else None


def event_of(record: Record) -> Event | None:
    """The event that stands at a place of a log: as a call left it there, or a journey that has set traits; None for
    other records."""
    if isinstance(record, Forwarded) and isinstance(_addressed.decode(record.record), _Enters):
        record = decode(record.record)
    return record if isinstance(record, Event) else None
