"""The gate's answers beside what docs/journeys.md and docs/configuration.md say of them.

A recorder notes every answer that stood when its transaction ended, with what counted then. The oracle, brought to the
same place in the log, is asked the same: may it leave now, and if not, why, or when?
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from tactful.adapters.memory.outbox import MemoryOutbox
from tactful.events.derived import SendMessage
from tactful.runtime.ports import Claimed, Verdict
from tests.simulation.journeys import clocks
from tests.simulation.journeys.oracle import Oracle
from tests.simulation.journeys.reading import DAY, MINUTE, duration, minute
from tests.simulation.journeys.runs import Person, Sent

MAILS_PER_ADDRESS = 10
COUNTS = ("claimed", "sent", "held")
Answer = tuple[str, Any]
"""`claim`, the address; `refused` or `lapsed`, the reason; `later`, until when."""


@dataclass(frozen=True)
class Counted:
    """A claim that counts."""

    key: str
    journey: str
    channel: str
    address: str
    claimed_at: int


@dataclass(frozen=True)
class Asked:
    """One answer of the gate."""

    intent: SendMessage
    partition: int
    position: int
    """The place in the partition's log."""
    now: int
    answer: Answer
    counted: tuple[Counted, ...]
    suppressed: frozenset[str]


class Recorder:
    """Notes the answers of an outbox in memory; those of a transaction that failed are forgotten. `position`: how far a
    partition has read its log."""

    def __init__(self, outbox: MemoryOutbox, position: Callable[[int], int]) -> None:
        self.asked: list[Asked] = []
        self._position = position
        self._outbox = outbox
        self._claiming = outbox.claiming
        outbox.claiming = self.claiming  # type: ignore[assignment,method-assign]  # it is listened to

    @contextmanager
    def claiming(self, partition: int, token: int) -> Iterator["_Listening"]:
        before = len(self.asked)
        try:
            with self._claiming(partition, token) as claiming:
                yield _Listening(claiming, self, partition)
        except BaseException:
            del self.asked[before:]
            raise

    def note(self, partition: int, intent: str, now: int, answer: Answer) -> None:
        rows = self._outbox.rows(limit=1 << 30)
        counted = tuple(
            Counted(row.intent.key, row.intent.journey, row.intent.channel, row.address, row.claimed_at or 0)
            for row in rows
            if row.status in COUNTS and row.claimed_at is not None
        )
        suppressed = frozenset(address for address, *_ in self._outbox.suppressions())
        about = next(row.intent for row in rows if row.intent.intent == intent)
        where = partition, self._position(partition)
        self.asked.append(Asked(about, *where, now, answer, counted, suppressed))


class _Listening:
    """A Claiming that is listened to."""

    def __init__(self, claiming: Any, recorder: Recorder, partition: int) -> None:
        self._claiming, self._recorder, self._partition = claiming, recorder, partition
        self._now = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._claiming, name)

    def waiting(self, partition: int, channel: str, now_us: int, limit: int) -> Any:
        self._now = now_us
        return self._claiming.waiting(partition, channel, now_us, limit)

    def claim(self, claimed: Claimed, template_source: bytes) -> None:
        answer = ("claim", claimed.address)
        self._recorder.note(self._partition, claimed.intent.intent, claimed.claimed_at, answer)
        self._claiming.claim(claimed, template_source)

    def close(self, verdict: Verdict, at_us: int) -> None:
        self._recorder.note(self._partition, verdict.intent, at_us, (verdict.status, reason(verdict.reason)))
        self._claiming.close(verdict, at_us)

    def postpone(self, intent: str, not_before: int, why: str, detail: str = "") -> None:
        self._recorder.note(self._partition, intent, self._now, ("later", not_before))
        self._claiming.postpone(intent, not_before, why, detail)


REASONS = {
    "came first": "came first",
    "unless ": "unless",
    "consent withdrawn": "consent withdrawn",
    "quiet hours": "quiet hours",
    "valid until": "validity",
    "was stopped": "steering: stop",
    "no e-mail": "no address",
    "no consent": "no consent",
    "suppressed": "suppressed",
    "mails to one address": "mails",
    "cap: ": "cap",
    "limit: ": "limit",
}


def reason(text: str) -> str:
    return next((word for part, word in REASONS.items() if part in text), text)


# ---- the oracle's answer ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sending:
    """`[sending]`, as plain values: what is said of a channel ("" is all)."""

    caps: dict[str, list[str]]
    quiet: dict[str, str]

    def of(self, channel: str) -> list[tuple[str, str]]:
        """The caps that a message must keep, the channel's own first."""
        own = [(channel, cap) for cap in self.caps.get(channel, [])]
        return own if channel == "webhook" else own + [("", cap) for cap in self.caps.get("", [])]

    def hours(self, channel: str) -> str:
        if channel in self.quiet or channel == "webhook":
            return self.quiet.get(channel, "")
        return self.quiet.get("", "")


NOTHING = Sending({}, {})


class Gate:
    """Answers for the place in the log at which the oracle stands."""

    def __init__(self, oracle: Oracle, sending: Sending) -> None:
        self._oracle = oracle
        self._sending = sending

    def answer(self, asked: Asked) -> Answer:
        person, sent = self._find(asked.intent)
        if self._oracle.steering.get(sent.run.journey.name) == "pause" and asked.now <= sent.valid_until:
            return "waits", "nobody asks while it is paused"
        if sent.stopped:
            return "refused", sent.stopped
        if asked.now > sent.valid_until:
            return "lapsed", "validity"
        if self._oracle.steering.get(sent.run.journey.name) == "stop":
            return "refused", "steering: stop"
        world = self._oracle.everybody.world(person.key, asked.now)
        address = sent.target if sent.channel == "webhook" else world.traits.get("email")
        if not address:
            return "refused", "no address"
        if sent.purpose and not world.decisions.get(sent.purpose, False):
            return "refused", "no consent"
        if address in asked.suppressed:
            return "refused", "suppressed"
        return (
            self._quiet(sent, asked.now, world.zone)
            or self._too_many(person, sent, str(address), asked, world.zone)
            or ("claim", address)
        )

    def _find(self, intent: SendMessage) -> tuple[Person, Sent]:
        name = self._oracle.intents[intent.intent]
        for person in self._oracle.people.values():
            for sent in person.sent:
                if sent.name() == name and sent.run in person.runs and not sent.is_over:
                    return person, sent
        raise AssertionError(f"nobody has sent {name}")

    def _quiet(self, sent: Sent, now: int, zone: ZoneInfo) -> Answer | None:
        hours = self._sending.hours(sent.channel)
        if not hours:
            return None
        begin, end = (minute(part) for part in hours.split("-"))

        def is_quiet(instant: int) -> bool:
            shown = clocks.local(instant, zone)
            at = shown.hour * 60 + shown.minute
            return begin <= at < end if begin < end else at >= begin or at < end

        if not is_quiet(now):
            return None
        until = now - now % MINUTE
        while is_quiet(until):  # Where the clock goes back it may be quiet again, so every minute is tried.
            until += MINUTE
        return ("lapsed", "quiet hours") if until > sent.valid_until else ("later", until)

    def _too_many(self, person: Person, sent: Sent, address: str, asked: Asked, zone: ZoneInfo) -> Answer | None:
        ties, now = self._oracle.everybody.ties, asked.now
        keys = {name for name, _ in ties.fragments() if ties.person((name, 1)) == person.key}
        keys |= {name for name, period in ties.fragments() if ties.person((name, period)) == person.key} | {person.key}
        is_call = sent.channel == "webhook"

        def counts(one: Counted, since: int) -> bool:
            is_same = one.address == address and not is_call
            return one.claimed_at >= since and (one.key in keys or is_same)

        mails = [one for one in asked.counted if one.channel == "email" and one.address == address]
        if sent.channel == "email" and sum(one.claimed_at > now - DAY for one in mails) >= MAILS_PER_ADDRESS:
            return "refused", "mails"
        for channel, cap in self._sending.of(sent.channel):
            most, window = cap.split(" per ")
            since = self._midnight(now, zone) if window == "day" else now - duration(window) + 1
            meant = [one for one in asked.counted if (one.channel == channel if channel else one.channel != "webhook")]
            if sum(counts(one, since) for one in meant) >= int(most):
                return "refused", "cap"
        if sent.run.journey.name in self._oracle.journeys:
            limit = self._oracle.journeys[sent.run.journey.name].limit
            meant = [one for one in asked.counted if one.journey == sent.run.journey.name]
            if limit is not None and sum(counts(one, now - limit[1] + 1) for one in meant) >= limit[0]:
                return "refused", "limit"
        return None

    def _midnight(self, now: int, zone: ZoneInfo) -> int:
        return clocks.shows(clocks.local(now, zone).date(), 0, zone)


def wrong(oracle: Oracle, asked: Iterable[Asked], sending: Sending) -> list[str]:
    """Answers that the oracle, where it stands, would not have given."""
    found = []
    for one in asked:
        wanted = Gate(oracle, sending).answer(one)
        if wanted != one.answer:
            found.append(f"gate: {oracle.intents[one.intent.intent]} at {one.now}: {one.answer}, oracle {wanted}")
    return found
