"""Records: everything that happens to the engine, as it stands in the log.

Only these are read by step(). They are msgpack arrays with a leading number for the kind, so that a field is added at
the end, with a default, and old logs stay readable. `received_at` was stamped by whoever appended the record; the
position is not inside, the log gives it. `key` is the normalized identifier whose home partition the record went to
("u:42"), chosen once when the record came in. `properties` and `context` are msgpack maps of coerced values, decoded
only where a definition reads them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import Raw, Struct

Trust = Literal["browser", "server"]
EMPTY_MAP = Raw(b"\x80")
TIME_ZONE, SESSION_GAP = "time_zone", "session_gap"
"""Settings that a plan takes with it: an IANA name, a duration."""
IDENTITY, CONSENT, SOURCES = "identity", "consent", "sources"
"""More of them, as JSON: those sections of tactful.toml as far as decisions depend on them."""
SENDING = "sending"
"""Likewise: caps, quiet hours, the holdout (kernel/sending.py)."""


class Event(Struct, frozen=True, array_like=True, tag=1, gc=False):
    """One accepted tracking call. For identify and group `properties` are the traits.

    `ids` are all identifiers that the call names, strongest first, `key` the first of them; kinds: `u:` user,
    `x:` external ("x:type:id"), `e:` e-mail, `p:` phone, `a:` anonymous, `d:` device.
    """

    version: int
    source: str
    trust: Trust
    kind: Literal["track", "identify", "page", "screen", "group", "alias", "message"]
    """`message`: what came back from a message (events/responses.py); `"*"` does not mean it."""
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
    is_verified: bool = False
    """A browser's call that brought a token of the shop's server for its userId."""
    salt: bytes = b""
    """For the ledger: of a call that speaks of consent."""
    is_import: bool = False
    """Brought in afterwards (docs/importing.md): it counts and flips segments, and starts nothing."""


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
    """`api`; `unsubscribe` or `confirm` for the signed links (intent in message_id)."""
    address: str = ""
    """Of `confirm`: the e-mail address whose reader has confirmed."""
    salt: bytes = b""
    """For the ledger (consent/ledger.py)."""
    is_verified: bool = False
    """A browser's call that brought a token of the shop's server for its userId."""
    is_import: bool = False
    """As an Event's."""


class Tick(Struct, frozen=True, array_like=True, tag=3):
    """Time passed: fires at most `limit` profiles due, in order of (instant, key), and moves a sweep on by as many."""

    received_at: int
    limit: int


class Publish(Struct, frozen=True, array_like=True, tag=4):
    """A whole project: the text of every definition file by path. Goes to partition 0, which tells the others."""

    received_at: int
    files: dict[str, str]
    settings: dict[str, str]
    """TIME_ZONE, SESSION_GAP, IDENTITY, CONSENT and SOURCES."""
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
    intent is a replay's. A backfill's goes to partition 0 alone, and says nothing of intents."""

    received_at: int
    digest: str
    line: int
    finished: bool = False
    is_backfill: bool = False


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
    """An encoded `Told`."""


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
    is_import: bool = False
    """As an Event's."""


class Threshold(Struct, frozen=True, array_like=True, tag=10):
    """So many percent of the people with a value of this metric or model have at most this one. Goes to partition 0,
    which tells the others."""

    received_at: int
    metric: str
    percent: float
    value: float


class Unmerge(Struct, frozen=True, array_like=True, tag=11):
    """Somebody takes the last tie of an identifier back (IDENTITY.md 6)."""

    received_at: int
    key: str
    author: str = ""


class Enter(Struct, frozen=True, array_like=True, tag=18):
    """Somebody is to enter a journey, by a call of the API or a list."""

    version: int
    source: str
    trust: Trust
    key: str
    message_id: str
    journey: str
    entry_key: str
    received_at: int
    properties: Raw = EMPTY_MAP
    """What messages see as `event.properties`."""
    author: str = ""


class Launch(Struct, frozen=True, array_like=True, tag=19):
    """A campaign begins, for everybody in its segment. Goes to partition 0, which tells the others."""

    received_at: int
    journey: str
    version: str
    """Of the journey as it was approved; another one in force: nothing happens."""
    author: str
    approved_by: str = ""


class Steer(Struct, frozen=True, array_like=True, tag=20):
    """Somebody pauses, resumes, drains or stops a journey, or all sending. Goes to partition 0, which tells the
    others."""

    received_at: int
    journey: str
    """Its name; "" is all sending."""
    order: Literal["resume", "pause", "drain", "stop"]
    """Of all sending: `resume` or `pause`."""
    author: str = ""
    reason: str = ""


class Seed(Struct, frozen=True, array_like=True, tag=21):
    """What aggregates that began in the midst of history would have counted before: an immutable file of states by
    fragment. Goes to partition 0, which numbers it and tells the others."""

    received_at: int
    digest: str
    """Of the file."""
    numbers: tuple[int, ...]
    """The aggregates."""
    barriers: tuple[int, ...]
    """By partition, the position at which they began there: what was applied up to it is in the file."""
    ordinal: int = 0
    """Given by partition 0, from 1."""
    since_us: int = 0
    """The first instant at which they began anywhere."""


# ---- between identifiers (IDENTITY.md 4): from the state of one to that of another, whose `key` stands first ---------

Edge = tuple[str, int]
"""An identifier and its period of ownership: what a fragment crossed."""


class Take(Struct, frozen=True, array_like=True, tag=12):
    """A call named `by` and the weaker `key` together."""

    key: str
    by: str
    record: Raw = EMPTY_MAP
    """The call itself, where `by` has not decided, and only what `key` has decided can allow to keep it."""
    ref: int = 0
    """Where it entered the log; 0: no call comes with it."""
    is_alias: bool = False
    """Somebody says so expressly: it holds although they were un-merged."""
    epoch: int = 0
    """The period of `by` in which the call entered; 0: nothing is known of `by`."""
    is_import: bool = False
    """The call was an imported one: that two are one starts nothing."""
    timestamp: int = 0
    """When the call happened."""


class Link(Struct, frozen=True, array_like=True, tag=13):
    """An alias: `key`, the weaker of the two, or whoever has it, joins `to`."""

    key: str
    to: str
    is_import: bool = False
    """As a Take's, and the timestamp."""
    timestamp: int = 0


class Give(Struct, frozen=True, array_like=True, tag=14):
    """All that the giver's state holds; with `is_back` the answer to a Detach."""

    key: str
    giver: str
    epoch: int
    """The giver's period that ends with it; 0 for `is_back`."""
    bundle: Raw
    """kernel/fragments.py."""
    is_back: bool = False
    is_import: bool = False
    """As a Take's, and the timestamp."""
    timestamp: int = 0


class Lost(Struct, frozen=True, array_like=True, tag=15):
    """The device went to somebody else; who names it again takes it again."""

    key: str
    identifier: str


class Detach(Struct, frozen=True, array_like=True, tag=16):
    """Give back everything that came over this edge."""

    key: str
    identifier: str
    epoch: int
    timestamp: int = 0
    """When it was asked for."""


class Passed(Struct, frozen=True, array_like=True, tag=17):
    """A person's record that entered at another identifier, which belongs to this one."""

    key: str
    record: Raw
    ref: int
    """Where the record entered the log."""
    fragment: str
    """"identifier#epoch" of its entry."""
    path: tuple[Edge, ...]
    is_entering: bool = False
    """It comes back to where it entered (Take.record), and may be a repeat."""
    tied: int = 0
    """When what made the identifiers on its way somebody's happened; 0 where nobody knows."""


Between = Take | Link | Give | Lost | Detach | Passed
Told = Plan | Threshold | Launch | Steer | Seed | Event | Between
"""What a Forwarded holds; an Event is a journey's `set`, on its way to the home of the person."""
Record = (
    Event
    | Consent
    | Tick
    | Publish
    | Outcome
    | Imported
    | Plan
    | Forwarded
    | Score
    | Threshold
    | Unmerge
    | Enter
    | Launch
    | Steer
    | Seed
)
"""What stands in a log."""

CALL = b"\xdc\x00\x11\x01"
"""By which an Event begins that has all its fields: an array of 17, the number of its kind first."""
_MANY = b"\xdd"
"""By which an array begins whose length stands in four bytes."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)
_all = msgspec.msgpack.Decoder(list[Record])
_told = msgspec.msgpack.Decoder(Record | Between)
_values = msgspec.msgpack.Decoder(dict[str, Any])


def encode(record: Record | Between) -> bytes:
    return _encoder.encode(record)


def decode(body: bytes | Raw) -> Record:
    record: Record = _decoder.decode(body)
    return record


def decode_all(bodies: Sequence[bytes]) -> list[Record]:
    """Of many at once, in a third less time; they keep a copy of all of them alive."""
    records: list[Record] = _all.decode(b"".join((_MANY, len(bodies).to_bytes(4, "big"), *bodies)))
    return records


def decode_told(body: bytes | Raw) -> Record | Between:
    """What one partition or identifier told another."""
    record: Record | Between = _told.decode(body)
    return record


def pack(values: Mapping[str, Any]) -> Raw:
    """A msgpack map of coerced values."""
    return Raw(_encoder.encode(values))


def unpack(values: Raw) -> dict[str, Any]:
    return _values.decode(values)
