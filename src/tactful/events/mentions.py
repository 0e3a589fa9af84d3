"""Mentions: which definitions encoded groups of derived rows speak of, without reading the rest of them."""

import msgspec
from msgspec import Struct


class _Names(Struct, array_like=True):
    """As much of a row as says which definition it speaks of; what stands behind is skipped, not read."""

    at: int
    definition: str


class _Entered(_Names, tag=1):
    pass


class _Left(_Names, tag=2):
    pass


class _Started(_Names, tag=3):
    pass


class _Ended(_Names, tag=4):
    pass


class _Sends(Struct, array_like=True, tag=5):
    at: int
    intent: str
    key: str
    definition: str


class _Noted(Struct, array_like=True, tag=6):
    at: int
    intent: str
    definition: str


class _Consents(Struct, array_like=True, tag=7):
    pass


class _Keeps(Struct, array_like=True, tag=8):
    pass


class _Came(_Keeps, tag=9):
    pass


class _Went(_Keeps, tag=10):
    pass


class _TieRefused(_Keeps, tag=11):
    pass


class _Moved(_Keeps, tag=12):
    pass


class _EventRefused(_Keeps, tag=13):
    pass


class _TraitRefused(_Keeps, tag=14):
    pass


class _IntentMoved(_Keeps, tag=15):
    pass


class _Takes(_Names, tag=16):
    pass


class _Reaches(_Names, tag=17):
    pass


class _Responds(_Names, tag=18):
    pass


class _Mentions(Struct, array_like=True):
    position: int
    key: str
    before: int
    rows: list[
        _Entered
        | _Left
        | _Started
        | _Ended
        | _Sends
        | _Noted
        | _Consents
        | _Keeps
        | _Came
        | _Went
        | _TieRefused
        | _Moved
        | _EventRefused
        | _TraitRefused
        | _IntentMoved
        | _Takes
        | _Reaches
        | _Responds
    ]


_mentions = msgspec.msgpack.Decoder(list[_Mentions])


IDENTITY = "identity"
"""Stands among definitions for whom identifiers belong to."""


def mentions(body: bytes) -> set[str]:
    """The definitions that encoded groups speak of: "segment/NAME", "journey/NAME", IDENTITY."""
    segments, journeys, others = set(), set(), set()
    for group in _mentions.decode(body):
        for row in group.rows:
            if isinstance(row, _Entered | _Left):
                segments.add(row.definition)
            elif isinstance(row, _Came):
                others.add(IDENTITY)
            elif not isinstance(row, _Keeps | _Consents):
                journeys.add(row.definition)
    return {f"segment/{name}" for name in segments} | {f"journey/{name}" for name in journeys} | others
