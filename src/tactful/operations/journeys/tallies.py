"""Tallies: the rows of one journey, streamed from the trail into columns of numbers.

A million rows of a journey must fit: pieces are read in pages, of each row only the fields that are counted are
decoded, and what is kept of it are a few numbers in arrays (people and intents as 64-bit hashes, made anew in each
process). What needs no person is counted on the way. Whom identifiers came to belong to is read from the same trail, so
that somebody who began as a visitor and bought as a customer is one person.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from tactful.events.mentions import IDENTITY
from tactful.events.reasons import reason_of
from tactful.kernel.walking import FINISHED
from tactful.runtime.keeping import Trail

EVER = (-(1 << 62), 1 << 62)
"""Of all time."""
PAGE = 16
"""Pieces of the trail read at once."""
HASH = 0xFFFF_FFFF_FFFF_FFFF
ARMS = ("", "holdout", "global")
STATUSES = ("sent", "refused", "rejected", "lapsed", "held", "dropped")
RESPONSES = (
    "delivered",
    "opened",
    "clicked",
    "bounced",
    "complained",
    "unsubscribed",
)
_RESPONSE_OF = {
    "Email Delivered": "delivered",
    "Message Delivered": "delivered",
    "Email Opened": "opened",
    "Email Link Clicked": "clicked",
    "Message Clicked": "clicked",
    "Email Bounced": "bounced",
    "Message Failed": "bounced",
    "Email Marked as Spam": "complained",
    "Unsubscribed": "unsubscribed",
}
REASONS = 200
"""Different reasons that are counted apart; all others are "other"."""


def response_of(name: str) -> str | None:
    """The kind of an event that came back from a message; None of one that counts for nothing."""
    return _RESPONSE_OF.get(name)


# ---- as much of each row as is counted -------------------------------------------------------------------------------


class _Skipped(Struct, array_like=True, tag=1):
    pass


class _Left(_Skipped, tag=2):
    pass


class _Started(Struct, array_like=True, tag=3):
    at: int
    journey: str
    entry_key: str
    due: int
    because: msgspec.Raw = msgspec.Raw()
    version: str = ""
    arm: str = ""
    started_at: int = 0


class _Ended(Struct, array_like=True, tag=4):
    at: int
    journey: str
    entry_key: str
    reason: str
    ref: int = 0
    version: str = ""
    arm: str = ""
    started_at: int = 0
    step: str = ""


class _Sends(Struct, array_like=True, tag=5):
    at: int
    intent: str
    key: str
    journey: str
    entry_key: str
    channel: str
    message: str
    purpose: str
    due: int
    valid_until: int
    plan: int
    started_at: int
    started_ref: int
    event: str
    properties: msgspec.Raw
    is_replay: bool = False
    version: str = ""
    step: str = ""


class _Noted(Struct, array_like=True, tag=6):
    at: int
    intent: str
    journey: str
    status: str
    reason: str


class _Consents(_Skipped, tag=7):
    pass


class _Keeps(_Skipped, tag=8):
    pass


class _Came(Struct, array_like=True, tag=9):
    at: int
    cause: str
    giver: str


class _Went(_Skipped, tag=10):
    pass


class _TieRefused(_Skipped, tag=11):
    pass


class _Moved(_Skipped, tag=12):
    pass


class _EventRefused(_Skipped, tag=13):
    pass


class _TraitRefused(_Skipped, tag=14):
    pass


class _IntentMoved(_Skipped, tag=15):
    pass


class _RecordKept(_Skipped, tag=19):
    pass


class _BecameKnown(_Skipped, tag=20):
    pass


class _PlanAdopted(_Skipped, tag=21):
    pass


class _Takes(Struct, array_like=True, tag=16):
    at: int
    journey: str
    entry_key: str
    started_at: int
    step: str
    what: str
    detail: str = ""
    until: int = 0
    because: msgspec.Raw = msgspec.Raw()
    ref: int = 0
    version: str = ""


class _Reaches(Struct, array_like=True, tag=17):
    at: int
    journey: str
    entry_key: str
    started_at: int
    version: str
    arm: str
    ref: int
    nth: int
    value: float | None = None


class _Responds(Struct, array_like=True, tag=18):
    at: int
    journey: str
    intent: str
    name: str
    detail: str = ""
    is_machine: bool = False


class _Group(Struct, array_like=True):
    position: int
    key: str
    before: int
    rows: list[
        _Skipped
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
        | _RecordKept
        | _BecameKnown
        | _PlanAdopted
    ]


_groups = msgspec.msgpack.Decoder(list[_Group])


# ---- columns ---------------------------------------------------------------------------------------------------------


class Tallies:
    """One journey, of runs whose moment lies in [from_us, until_us). Columns of one kind stand beside each other:
    `starts_person[n]`, `starts_version[n]`, ... are of the n-th start. `day` gives the day of an instant."""

    def __init__(self, journey: str, from_us: int, until_us: int, day: Callable[[int], str]) -> None:
        self.journey = journey
        self._from_us, self._until_us, self._day = from_us, until_us, day
        self.versions: dict[str, int] = {}
        """Numbers of versions, in the order in which they were met."""
        self.steps: dict[tuple[str, str], int] = {}
        """Numbers of steps that sent, with the message that it was."""
        self.daily: Counter[tuple[str, int, str]] = Counter()
        """By day, version and what: "ended: no longer true: ...", "not begun: ...", "withheld: ..."."""
        self.starts_person = array("Q")
        self.starts_version, self.starts_arm = array("H"), array("B")
        self.starts_at = array("q")
        self.sends_intent, self.sends_person = array("Q"), array("Q")
        self.sends_version, self.sends_replay, self.sends_step = array("H"), array("B"), array("H")
        self.sends_due, self.sends_started = array("q"), array("q")
        self.noted_intent, self.noted_status, self.noted_reason = array("Q"), array("B"), array("H")
        self.noted_at = array("q")
        self.goals_person, self.goals_ref, self.goals_first = array("Q"), array("Q"), array("B")
        self.goals_version, self.goals_value = array("H"), array("d")
        self.responses_intent, self.responses_kind, self.responses_machine = array("Q"), array("B"), array("B")
        self.came_giver, self.came_taker, self.came_at = array("Q"), array("Q"), array("q")
        self.reasons: dict[str, int] = {"": 0}
        self.rows = 0

    def gather(self, trail: Trail, partitions: int) -> None:
        """Everything that the trail holds of the journey, and of whom identifiers belong to."""
        for partition in range(partitions):
            for group in _read(trail, partition, f"journey/{self.journey}"):
                self._take(group)
            for group in _read(trail, partition, IDENTITY):
                for row in group.rows:
                    if isinstance(row, _Came):
                        self._came(row, group.key)

    def _take(self, group: _Group) -> None:
        person = hash(group.key) & HASH
        for row in group.rows:
            if isinstance(row, _Skipped | _Came) or row.journey != self.journey:
                continue
            self.rows += 1
            match row:
                case _Started():
                    self._started(row, person)
                case _Ended():
                    self._ended(row)
                case _Sends():
                    self._sends(row, person)
                case _Noted():
                    self._noted(row)
                case _Takes():
                    self._takes(row)
                case _Reaches():
                    self._reaches(row, person)
                case _Responds():
                    self._responds(row)

    def _is_meant(self, started_at: int) -> bool:
        return self._from_us <= started_at < self._until_us

    def _version(self, version: str) -> int:
        return self.versions.setdefault(version, len(self.versions))

    def _reason(self, text: str) -> int:
        reason = reason_of(text) if text else ""
        if reason not in self.reasons and len(self.reasons) >= REASONS:
            reason = "other"
        return self.reasons.setdefault(reason, len(self.reasons))

    def _started(self, row: _Started, person: int) -> None:
        at = row.started_at or row.at
        if not self._is_meant(at):
            return
        self.starts_person.append(person)
        self.starts_version.append(self._version(row.version))
        self.starts_arm.append(ARMS.index(row.arm))
        self.starts_at.append(at)

    def _ended(self, row: _Ended) -> None:
        # Who was sent what there was to send has not been kept from anything.
        if row.reason != FINISHED and self._is_meant(row.started_at or row.at):
            kind = "ended" if row.step else "not begun"
            self.daily[self._day(row.at), self._version(row.version), f"{kind}: {reason_of(row.reason)}"] += 1

    def _sends(self, row: _Sends, person: int) -> None:
        if not self._is_meant(row.started_at):
            return
        self.sends_intent.append(hash(row.intent) & HASH)
        self.sends_person.append(person)
        self.sends_version.append(self._version(row.version))
        self.sends_replay.append(row.is_replay)
        self.sends_step.append(self.steps.setdefault((row.step, row.message), len(self.steps)))
        self.sends_due.append(row.due)
        self.sends_started.append(row.started_at)

    def _noted(self, row: _Noted) -> None:
        if row.status in STATUSES:
            self.noted_intent.append(hash(row.intent) & HASH)
            self.noted_status.append(STATUSES.index(row.status))
            self.noted_reason.append(self._reason(row.reason))
            self.noted_at.append(row.at)

    def _takes(self, row: _Takes) -> None:
        if row.what == "withheld" and self._is_meant(row.started_at):
            self.daily[self._day(row.at), self._version(row.version), f"withheld: {reason_of(row.detail)}"] += 1

    def _reaches(self, row: _Reaches, person: int) -> None:
        if not self._is_meant(row.started_at):
            return
        self.goals_person.append(person)
        self.goals_first.append(row.nth == 1)
        self.goals_ref.append(row.ref)
        self.goals_version.append(self._version(row.version))
        self.goals_value.append(row.value or 0.0)

    def _responds(self, row: _Responds) -> None:
        kind = response_of(row.name)
        if kind is not None:
            self.responses_intent.append(hash(row.intent) & HASH)
            self.responses_kind.append(RESPONSES.index(kind))
            self.responses_machine.append(row.is_machine)

    def _came(self, row: _Came, key: str) -> None:
        own, giver = hash(key) & HASH, hash(row.giver) & HASH
        # Un-merged, it is nobody's but its own again.
        self.came_giver.append(own if row.cause == "unmerge" else giver)
        self.came_taker.append(own)
        self.came_at.append(row.at)


def _read(trail: Trail, partition: int, definition: str) -> Iterator[_Group]:
    """Groups of the pieces that speak of a definition, oldest first."""
    after = 0
    while pages := trail.onward(partition, definition, after, PAGE):
        for last, body in pages:
            after = last
            yield from _groups.decode(body) if body else ()
