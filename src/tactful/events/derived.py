"""Derived rows: what step() decided, with the reason. Never read back; a replay makes the same ones again.

Rows of one person at one position stand together in a Group, and each group names the person's group before it, so that
a person's story is read backwards from `Profile.tail` without an index by person. Past tense for what happened, an
order for what shall (SendMessage).
"""

import msgspec
from msgspec import Raw, Struct


class Reading(Struct, frozen=True, array_like=True):
    """One predicate as it was read: its text, its value (a list as JSON text), the events behind it as refs, newest
    last."""

    text: str
    value: bool | float | str | None
    refs: tuple[int, ...] = ()


class SegmentEntered(Struct, frozen=True, array_like=True, tag=1):
    at: int
    segment: str
    cause: str
    """`event`, `score`, `consent`, `threshold`, `time`, or `publish` (which starts no journey)."""
    because: tuple[Reading, ...] = ()
    matched: str = ""
    """The value that a grouped count of the condition is about (`same=`)."""


class SegmentLeft(Struct, frozen=True, array_like=True, tag=2):
    at: int
    segment: str
    cause: str
    because: tuple[Reading, ...] = ()


class RunStarted(Struct, frozen=True, array_like=True, tag=3):
    at: int
    journey: str
    entry_key: str
    due: int
    because: tuple[Reading, ...] = ()


class RunEnded(Struct, frozen=True, array_like=True, tag=4):
    """A run that sends nothing (or a run that never began), and why: the reason and the event behind it."""

    at: int
    journey: str
    entry_key: str
    reason: str
    ref: int = 0


class SendMessage(Struct, frozen=True, array_like=True, tag=5):
    """An intent. Leaves only through the outbox and the gate."""

    at: int
    intent: str
    key: str
    journey: str
    entry_key: str
    channel: str
    """`email` or `webhook`."""
    message: str
    """The message's name (email), or the URL (webhook)."""
    purpose: str
    """Purpose of consent that it needs; "" where it needs none (webhook to one's own systems)."""
    due: int
    valid_until: int
    plan: int
    started_at: int
    started_ref: int
    event: str
    properties: Raw
    is_replay: bool = False


class OutcomeNoted(Struct, frozen=True, array_like=True, tag=6):
    at: int
    intent: str
    journey: str
    status: str
    reason: str
    detail: str = ""


class ConsentChanged(Struct, frozen=True, array_like=True, tag=7):
    at: int
    purpose: str
    granted: bool
    origin: str
    text_version: str


class EventKept(Struct, frozen=True, array_like=True, tag=8):
    """The event itself stands in the log at `ref`; here only what a story needs when the log has expired."""

    at: int
    name: str
    ref: int


Row = SegmentEntered | SegmentLeft | RunStarted | RunEnded | SendMessage | OutcomeNoted | ConsentChanged | EventKept


class Group(Struct, frozen=True, array_like=True):
    """The rows of one person at one position; `before` is the position of that person's group before (0: none)."""

    position: int
    key: str
    before: int
    rows: tuple[Row, ...]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Group])


def encode_groups(groups: list[Group]) -> bytes:
    return _encoder.encode(groups)


def decode_groups(body: bytes) -> list[Group]:
    return _decoder.decode(body)


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


class _Mentions(Struct, array_like=True):
    position: int
    key: str
    before: int
    rows: list[_Entered | _Left | _Started | _Ended | _Sends | _Noted | _Consents | _Keeps]


_mentions = msgspec.msgpack.Decoder(list[_Mentions])


def mentions(body: bytes) -> set[str]:
    """The definitions that encoded groups speak of: "segment/NAME", "journey/NAME"."""
    segments, journeys = set(), set()
    for group in _mentions.decode(body):
        for row in group.rows:
            if isinstance(row, _Entered | _Left):
                segments.add(row.definition)
            elif not isinstance(row, _Keeps | _Consents):
                journeys.add(row.definition)
    return {f"segment/{name}" for name in segments} | {f"journey/{name}" for name in journeys}


REF_BITS = 10


def ref(partition: int, position: int) -> int:
    """One number for a place in the logs: entry partition and position there."""
    return position << REF_BITS | partition


def place(number: int) -> tuple[int, int]:
    """(partition, position) of a ref."""
    return number & ((1 << REF_BITS) - 1), number >> REF_BITS
