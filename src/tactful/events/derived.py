"""Derived rows: what step() decided, with the reason. Never read back; a replay makes the same ones again.

Rows of one person at one position stand together in a Group, and each group names the person's group before it, so that
a person's story is read backwards from `Profile.tail` without an index by person. Past tense for what happened, an
order for what shall (SendMessage).
"""

from collections.abc import Sequence
from typing import Literal

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
    """`event`, `score`, `consent`, `threshold`, `time`; `publish` and `merge` (which start no journey unless it asks
    for it)."""
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
    version: str = ""
    """Of the journey."""
    arm: str = ""
    """`holdout`, `global`: nothing will be sent; "" otherwise."""
    started_at: int = 0
    """Its moment; with journey and entry key it names the run."""


class RunEnded(Struct, frozen=True, array_like=True, tag=4):
    """A run that sends nothing (or a run that never began), and why: the reason and the event behind it."""

    at: int
    journey: str
    entry_key: str
    reason: str
    ref: int = 0
    version: str = ""
    arm: str = ""
    started_at: int = 0
    step: str = ""
    """Where it was; "" of a run that never began."""


class SendMessage(Struct, frozen=True, array_like=True, tag=5):
    """An intent. Leaves only through the outbox and the gate."""

    at: int
    intent: str
    key: str
    journey: str
    entry_key: str
    channel: str
    """`email`, `sms`, `push`, `web_push`, `chat`, `webhook`."""
    message: str
    """The message's name, or the URL of a webhook."""
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
    version: str = ""
    """Of the journey."""
    step: str = ""
    priority: int = 50


class OutcomeNoted(Struct, frozen=True, array_like=True, tag=6):
    at: int
    intent: str
    journey: str
    status: str
    reason: str
    detail: str = ""


class ConsentChanged(Struct, frozen=True, array_like=True, tag=7):
    """A decision of a person, also one that changed nothing; an entry of the partition's ledger (consent/ledger.py)."""

    at: int
    purpose: str
    granted: bool
    origin: str
    text_version: str
    number: int = 0
    """In the ledger of the partition, from 1."""
    key: str = ""
    """The identifier that decided."""
    timestamp: int = 0
    source: str = ""
    salt: bytes = b""
    chain: bytes = b""
    """The ledger's hash with this entry."""
    ref: int = 0
    """Where the record entered the log, and when it was received."""
    received_at: int = 0
    epoch: int = 1
    """Of `key`: the fragment that decided."""
    covers: tuple[str, ...] = ()
    """The other fragments that were the person's then: it decides for them too."""
    is_hearsay: bool = False
    """A browser said so without a token."""
    address: str = ""
    """Of a confirmation, the mailbox whose reader has agreed."""


class EventKept(Struct, frozen=True, array_like=True, tag=8, gc=False):
    """The event itself stands in the log at `ref`; here only what a story needs when the log has expired."""

    at: int
    name: str
    ref: int
    fragment: str = ""
    """"identifier#epoch" where it entered; "" for the current one of the profile itself."""
    flags: tuple[str, ...] = ()
    """What of it does not fit the tracking plan."""
    late_us: int = 0
    """How much later than `at` it was applied."""
    epoch: int = 1
    """Of the identifier where it entered."""
    mended: bytes = b""
    """The properties as they were mended by the tracking plan (events/records.py: pack), where they were."""


class FragmentsCame(Struct, frozen=True, array_like=True, tag=9):
    """Fragments are this profile's from here on: by a merge, an un-merge, or because a first record was passed on
    (`new`). A fragment belongs to the profile that it came to last; without such a row to its own identifier."""

    at: int
    cause: str
    """`merge`, `unmerge`, `new`."""
    giver: str
    partition: int
    """Of the giver."""
    tail: int
    """Position of the giver's newest group there (0: none): the story goes on there."""
    fragments: tuple[str, ...]
    hops: tuple[int, ...] = ()
    """Beside each fragment, how often it has gone over: where rows of several partitions tell of it, the highest is
    right."""
    tied: tuple[int, ...] = ()
    """Beside each, when what brought it happened, never before what had brought it before."""


class FragmentsWent(Struct, frozen=True, array_like=True, tag=10):
    """Fragments were handed over to another profile."""

    at: int
    cause: str
    """`merge`, `unmerge`."""
    to: str
    fragments: tuple[str, ...]


class TieRefused(Struct, frozen=True, array_like=True, tag=11):
    """Two identifiers were named together and stay apart (or an un-merge had nothing to do), and why."""

    at: int
    identifier: str
    by: str
    reason: str


class DeviceMoved(Struct, frozen=True, array_like=True, tag=12):
    """From here on records of this device belong to somebody else; what came before stays. `to` is "" for a shared
    device, whose records are its own."""

    at: int
    epoch: int
    to: str
    timestamp: int = 0
    """When what brought it about happened."""


class EventRefused(Struct, frozen=True, array_like=True, tag=13):
    """An event that was not kept as it came: `anonymous`, `count`, `drop` or `quarantine`, and why. Of people who may
    not be remembered these rows stand in a group without key."""

    at: int
    name: str
    ref: int
    verdict: str
    code: str
    field: str
    message: str
    late_us: int = 0
    """How much later than `at` it was applied."""


class TraitRefused(Struct, frozen=True, array_like=True, tag=14):
    """A browser may not say this of somebody known; the rest of the event counts."""

    at: int
    name: str
    reason: str
    ref: int = 0
    """Of the event."""


class IntentMoved(Struct, frozen=True, array_like=True, tag=15):
    """An intent belongs to this profile now (`key` is "" while it is on the way)."""

    at: int
    intent: str
    key: str
    hop: int
    """Counts up; of two the higher is right."""


class StepTaken(Struct, frozen=True, array_like=True, tag=16):
    """A run came to a step, or went on from it."""

    at: int
    journey: str
    entry_key: str
    started_at: int
    step: str
    what: str
    """`wait` (it waits, until `until` at the latest), `came` (what it waited for), `over` (the time), `branch`,
    `split`, `set`, `withheld` (a message that is not sent)."""
    detail: str = ""
    """`then` or `else`; the arm; the event; the reason; the traits as JSON."""
    until: int = 0
    because: tuple[Reading, ...] = ()
    ref: int = 0
    version: str = ""
    """Of the journey when the run started."""


class GoalReached(Struct, frozen=True, array_like=True, tag=17):
    """An event that counts for a run's goal."""

    at: int
    journey: str
    entry_key: str
    started_at: int
    version: str
    arm: str
    ref: int
    nth: int
    """1 for the first of the run."""
    value: float | None = None


class Responded(Struct, frozen=True, array_like=True, tag=18):
    """Something came back from a message (events/responses.py)."""

    at: int
    journey: str
    intent: str
    name: str
    """`Email Opened`, ..."""
    detail: str = ""
    """The link, or the reason."""
    is_machine: bool = False
    """A mail proxy or a scanner, and no person, by the stated rules."""


class RecordKept(Struct, frozen=True, array_like=True, tag=19):
    """Another record than an event counts from here on. It stands in the log at `ref`."""

    at: int
    kind: Literal["consent", "score", "enter", "unmerge", "threshold", "launch", "steer"]
    ref: int
    epoch: int = 1
    """Of the identifier where it entered."""
    begun: int = 0
    """Of an un-merge, the period of the identifier that begins with it."""


class BecameKnown(Struct, frozen=True, array_like=True, tag=20):
    """Somebody is a person of their own from here on, perhaps without any record by which they would be known."""

    at: int
    fragment: str


class PlanAdopted(Struct, frozen=True, array_like=True, tag=21):
    """A plan is in force in this partition; in a group without key. The record stands in the log at `ref`."""

    at: int
    version: int
    ref: int


Row = (
    SegmentEntered
    | SegmentLeft
    | RunStarted
    | RunEnded
    | SendMessage
    | OutcomeNoted
    | ConsentChanged
    | EventKept
    | FragmentsCame
    | FragmentsWent
    | TieRefused
    | DeviceMoved
    | EventRefused
    | TraitRefused
    | IntentMoved
    | StepTaken
    | GoalReached
    | Responded
    | RecordKept
    | BecameKnown
    | PlanAdopted
)


class Group(Struct, frozen=True, array_like=True, gc=False):
    """The rows of one person at one position; `before` is the position of that person's group before (0: none)."""

    position: int
    key: str
    before: int
    rows: tuple[Row, ...]


class Closed(Struct, frozen=True, array_like=True):
    """A group whose rows nobody has read yet: much quicker to find among many."""

    position: int
    key: str
    before: int
    rows: Raw

    def open(self) -> Group:
        return Group(self.position, self.key, self.before, _rows.decode(self.rows))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Group])
_closed = msgspec.msgpack.Decoder(list[Closed])
_rows = msgspec.msgpack.Decoder(tuple[Row, ...])


def encode_groups(groups: Sequence[Group | Closed]) -> bytes:
    return _encoder.encode(groups)


def decode_groups(body: bytes) -> list[Group]:
    return _decoder.decode(body)


def decode_closed(body: bytes) -> list[Closed]:
    """They keep `body` alive."""
    return _closed.decode(body)


REF_BITS = 10


def ref(partition: int, position: int) -> int:
    """One number for a place in the logs: entry partition and position there."""
    return position << REF_BITS | partition


def place(number: int) -> tuple[int, int]:
    """(partition, position) of a ref."""
    return number & ((1 << REF_BITS) - 1), number >> REF_BITS
