"""Records: everything that happens to the engine, as it stands in the log.

Only these are read by step(). They are msgpack arrays with a leading number for the kind, so that a field is added at
the end, with a default, and old logs stay readable. `received_at` was stamped by whoever appended the record; the
position is not inside, the log gives it. `key` is the normalized identifier whose home partition the record went to
("u:42"), chosen once when the record came in. `properties` and `context` are msgpack maps of coerced values, decoded
only where a definition reads them.
"""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

Trust = Literal["browser", "server"]
EMPTY_MAP = Raw(b"\x80")
TIME_ZONE, SESSION_GAP = "time_zone", "session_gap"
"""Settings that a plan takes with it: an IANA name, a duration."""


class Event(Struct, frozen=True, array_like=True, tag=1):
    """One accepted tracking call. For identify and group `properties` are the traits.

    `ids` are all identifiers that the call names, strongest first, `key` the first of them; kinds: `u:` user,
    `x:` external ("x:type:id"), `e:` e-mail, `p:` phone, `a:` anonymous, `d:` device.
    """

    version: int
    source: str
    trust: Trust
    kind: Literal["track", "identify", "page", "screen", "group", "alias"]
    name: str
    """The event name of the language: track's `event`; else `$identify`, `$page`, ..."""
    key: str
    ids: tuple[str, ...]
    message_id: str
    timestamp: int
    """When it happened, corrected for the client's clock (LANGUAGE.md 1.3)."""
    received_at: int
    properties: Raw = EMPTY_MAP
    context: Raw = EMPTY_MAP
    extra: Raw = EMPTY_MAP
    """What the call said beside these: groupId, previousId, original timestamp, integrations ..."""


class Consent(Struct, frozen=True, array_like=True, tag=2):
    """Somebody said yes or no to a purpose."""

    version: int
    source: str
    trust: Trust
    key: str
    message_id: str
    purpose: str
    granted: bool
    timestamp: int
    received_at: int
    text_version: str = ""
    origin: str = "api"
    """`api`, or `unsubscribe` for the signed link (intent in message_id)."""


class Tick(Struct, frozen=True, array_like=True, tag=3):
    """Time passed: fires at most `limit` profiles due, in order of (instant, key), and moves a sweep on by as many."""

    received_at: int
    limit: int


class Publish(Struct, frozen=True, array_like=True, tag=4):
    """A whole project: the text of every definition file by path. Goes to partition 0, which tells the others."""

    received_at: int
    files: dict[str, str]
    settings: dict[str, str]
    """TIME_ZONE and SESSION_GAP."""
    author: str = ""


class Outcome(Struct, frozen=True, array_like=True, tag=5):
    """What became of an intent: sent, refused (by the gate), rejected (by the receiver), lapsed, held, dropped."""

    received_at: int
    key: str
    intent: str
    status: str
    reason: str
    detail: str = ""
    digest: str = ""
    """Of the bytes that were sent."""
    attempt: int = 1
    journey: str = ""


class Imported(Struct, frozen=True, array_like=True, tag=6):
    """A replay got so far; written to every partition, with the records it tells of. Until the finished one, every
    intent is a replay's."""

    received_at: int
    digest: str
    line: int
    finished: bool = False


class Plan(Struct, frozen=True, array_like=True, tag=7):
    """A published project with its version, as partition 0 tells it to every partition."""

    version: int
    publish: Publish


class Forwarded(Struct, frozen=True, array_like=True, tag=8):
    """A record from another partition: read exactly once and in order by (src, seq); brings the sender's clock."""

    received_at: int
    src: int
    seq: int
    clock: int
    record: Raw
    """An encoded Plan or Threshold (with identity: take, give, fwd, ...)."""


class Score(Struct, frozen=True, array_like=True, tag=9):
    """What a model says of a person; the newest by (received_at, ref) counts."""

    version: int
    source: str
    trust: Trust
    key: str
    message_id: str
    model: str
    value: float
    received_at: int


class Threshold(Struct, frozen=True, array_like=True, tag=10):
    """So many percent of the people with a value of this metric or model have at most this one. Goes to partition 0,
    which tells the others."""

    received_at: int
    metric: str
    percent: float
    value: float


Record = Event | Consent | Tick | Publish | Outcome | Imported | Plan | Forwarded | Score | Threshold

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
_values = msgspec.msgpack.Decoder(dict[str, Any])


def encode(record: Record) -> bytes:
    return _encoder.encode(record)


def decode(body: bytes | Raw) -> Record:
    record: Record = _decoder.decode(body)
    return record


def pack(values: Mapping[str, Any]) -> Raw:
    """A msgpack map of coerced values."""
    return Raw(_encoder.encode(values))


def unpack(values: Raw) -> dict[str, Any]:
    return _values.decode(values)
