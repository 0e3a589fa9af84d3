"""Trying: one journey over a file of events, in memory, through the production engine with a clock that is moved.

The clock goes from instant to instant at which anything happens: a line of the file is received, a wait is over, quiet
hours end. After each, whoever went on is looked at: every predicate of the journey with its value and the events behind
it, the steps taken, what would be sent and what the gate says of it. What passes the gate is taken for sent at once,
and goes nowhere.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tactful.errors import UsageError
from tactful.events.addressed import event_of
from tactful.events.derived import (
    EventKept,
    Group,
    OutcomeNoted,
    Reading,
    Responded,
    Row,
    RunEnded,
    SendMessage,
    decode_groups,
    place,
)
from tactful.events.intake import VERSION
from tactful.events.records import Enter, Launch, Publish, Record, decode, encode, unpack
from tactful.events.responses import EMAIL_SENT, MESSAGE_SENT
from tactful.journeys.definition import CHANNELS
from tactful.journeys.program import Branch, WaitFor
from tactful.journeys.rules import JourneyRule
from tactful.kernel.state import Profile
from tactful.kernel.turn import Turn
from tactful.language.compiled import Condition
from tactful.messages.render import render, render_note
from tactful.messages.source import decode as decode_source
from tactful.messages.template import TemplateError
from tactful.operations.lines import History
from tactful.operations.people import persons, telling, telling_runs
from tactful.operations.people.finding import candidates, unknown
from tactful.operations.places import Places
from tactful.operations.stories import StoryLine, Why
from tactful.runtime.house import House
from tactful.runtime.ports import Claimed, Clock, Verdict
from tactful.values import DAY_US, MINUTE_US, format_time

LONGEST_US = 90 * DAY_US
"""After the last line nothing is waited for longer, unless --until says so."""
STILL = 10_000
"""Turns without an end at one instant, after which something must be wrong."""
CODE = "CODE-"
"""Coupons are called so, and numbered."""
STUCK_US = MINUTE_US
"""The clock goes on by so much where something is due and does not happen."""


class TryClock(Clock):
    """Moved by hand."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us


class Message(Struct, frozen=True):
    """What would leave: the gate has said yes."""

    intent: str
    channel: str
    message: str
    address: str
    permit: str
    variant: str
    subject: str
    """Of a mail; the text of a shorter message; why it could not be written."""


class Look(Struct, frozen=True):
    """One person at one instant."""

    at: int
    person: str
    """The key of the profile."""
    lines: tuple[StoryLine, ...]
    predicates: tuple[Why, ...]
    """All of the journey, as they are now."""
    messages: tuple[Message, ...] = ()
    is_asked: bool = False
    """An instant that was asked for (--at), at which nothing need have happened."""


class Trial:
    """A project with one journey, over records; `looks` plays them."""

    def __init__(
        self, house: House, clock: TryClock, journey: str, files: Mapping[str, str], settings: Mapping[str, str]
    ) -> None:
        self._house, self._clock, self._journey = house, clock, journey
        self._worker = house.worker(0, clock)
        house.log.append({0: [encode(Publish(clock.at_us, dict(files), dict(settings), "try"))]})
        self._position = 0
        self._intents: set[str] = set()
        self._sending: set[tuple[str, str, int]] = set()
        """Runs that have handed a message over: person, key, start."""
        self._said: dict[str, tuple[str, str]] = {}
        """What the gate has said of messages that wait."""
        self._pump()
        self._fresh()

    @property
    def rule(self) -> JourneyRule:
        return self._worker.plan.journeys[self._journey]

    @property
    def verdicts(self) -> dict[str, int]:
        """Events that were not kept as they came, by verdict."""
        return dict(self._worker.state.verdicts)

    def looks(
        self, records: Sequence[History], enter: Sequence[str], asked: Sequence[int], until: int | None
    ) -> Iterator[Look]:
        """In order of time. Somebody enters, and a campaign is launched, behind the last line."""
        asked = sorted(asked)
        self._load_coupons(len(records) + len(enter))
        for record in records:
            while asked and asked[0] < record.received_at:
                yield from self._ask(asked.pop(0))
            yield from self._advance(record.received_at)
            yield from self._take(record)
        for started in self._starts(enter):
            yield from self._take(started)
        last = self._clock.at_us
        for at in asked:
            yield from self._ask(max(at, last))
        if until is not None:
            yield from self._advance(until)
        else:
            yield from self._advance(last + LONGEST_US, while_inside=True)

    def is_of(self, look: Look, text: str) -> bool:
        """Whether a look is at the person whom this names, through whatever identifier."""
        if look.person in candidates(text):
            return True
        named, seen = (persons.find(one, self._house.stores()) for one in (text, look.person))
        return named is not None and seen is not None and named.profile.key == seen.profile.key

    def _load_coupons(self, people: int) -> None:
        """Stand-ins for codes, enough for everybody; the real ones lie in a data folder."""
        for pool in {message.coupon for message in self._worker.plan.messages.values() if message.coupon}:
            codes = [f"{CODE}{number}" for number in range(1, people + 1)]
            self._house.outbox.coupons.load(pool, codes, self._clock.now_us())

    def _starts(self, enter: Sequence[str]) -> Iterator[Enter | Launch]:
        """What no line of a file says."""
        rule, now = self.rule, self._clock.at_us
        if rule.is_campaign:
            yield Launch(now, self._journey, rule.version, "try")
        if enter and not rule.is_called:
            raise UsageError(f"the journey {self._journey} is not entered by a call: leave --enter out")
        for number, text in enumerate(enter):
            key = next(iter(candidates(text)), None)
            if key is None:
                raise UsageError(unknown(text))
            yield Enter(VERSION, "try", "server", key, f"try {number}", self._journey, "", now)

    # ---- time ------------------------------------------------------------------------------------------------------

    def _take(self, record: Record) -> Iterator[Look]:
        self._house.log.append({0: [encode(record)]})
        yield from self._happened()

    def _advance(self, until: int, *, while_inside: bool = False) -> Iterator[Look]:
        """From instant to instant; with `while_inside` only as long as anybody is inside or anything waits."""
        before = None
        while (wake := self._worker.next_wake()) is not None:
            wake = max(wake, self._clock.at_us) if wake != before else self._clock.at_us + STUCK_US
            if wake > until or (while_inside and not self._is_inside()):
                break
            before = self._worker.next_wake()
            self._clock.at_us = wake
            yield from self._happened()
        if not while_inside:
            self._clock.at_us = max(self._clock.at_us, until)
            yield from self._happened()

    def _is_inside(self) -> bool:
        store = self._house.store(0)
        profiles = (persons.load(key, [store]) for key in store.keys_after("%", 1 << 30))
        return any(run.journey == self._journey for profile in profiles if profile is not None for run in profile.runs)

    def _pump(self) -> list[Claimed]:
        """Until nobody has anything left to do at this instant; returns what passed the gate."""
        outbox, claims = self._house.outbox, []
        for _ in range(STILL):
            is_busy = self._worker.turn()
            claimed = [one for channel in CHANNELS for one in outbox.claimed(channel)]
            if claimed:
                names = [one.intent.intent for one in claimed]
                outbox.hand_off(names, "try")
                outbox.finish([Verdict(name, "sent", "tried, not sent") for name in names], self._clock.at_us)
                self._worker.report()
                claims += claimed
            if not is_busy and not claimed:
                return claims
        raise AssertionError("the engine is busy for nothing")

    # ---- looking ---------------------------------------------------------------------------------------------------

    def _happened(self) -> Iterator[Look]:
        """What this instant has brought about, by person."""
        claims = self._pump()
        found: dict[str, list[Row]] = {}
        for group in self._fresh():
            rows = [row for row in group.rows if self._is_of_journey(row)]
            if rows:
                found.setdefault(group.key, []).extend(rows)
        for claimed in claims:
            found.setdefault(claimed.intent.key, [])
        places = Places(self._house.log, self._house.trail, self._house.stores())
        for key, rows in found.items():
            yield self._look(key, rows, [one for one in claims if one.intent.key == key], places)
        yield from self._held_back(places)

    def _fresh(self) -> list[Group]:
        """Groups that were decided since the last time, oldest first."""
        trail, end = self._house.trail, self._house.trail.end(0)
        groups: list[Group] = []
        if end > self._position:
            for blob in trail.between(0, self._position + 1, end):
                groups += [group for group in decode_groups(blob) if group.position > self._position]
            self._position = end
        return groups

    def _is_of_journey(self, row: Row) -> bool:
        """Rows of the journey; events that start it, also where nothing came of them."""
        match row:
            case SendMessage():
                self._intents.add(row.intent)
                return row.journey == self._journey
            case OutcomeNoted():
                # That it was sent is what is only supposed here.
                return row.intent in self._intents and row.status != "sent"
            case Responded():
                return row.intent in self._intents and row.name not in (EMAIL_SENT, MESSAGE_SENT)
            case EventKept():
                return row.name in self.rule.events
            case _:
                return isinstance(row, telling_runs.RunRow) and row.journey == self._journey

    def _line(self, key: str, row: Row, places: Places) -> StoryLine | None:
        line = telling.tell(row, places)
        if isinstance(row, SendMessage):
            self._sending.add((key, row.entry_key, row.started_at))
        elif isinstance(row, RunEnded) and line is not None and (key, row.entry_key, row.started_at) in self._sending:
            return telling_runs.ended_after_sending(row, line)
        return line

    def _look(self, key: str, rows: Iterable[Row], claims: Iterable[Claimed], places: Places) -> Look:
        rows = list(rows)
        lines = [line for row in rows if (line := self._line(key, row, places)) is not None]
        for claimed in claims:
            shown = self._house.outbox.row(claimed.intent.intent)
            passed = telling.claim(shown) if shown is not None else None
            if passed is not None:
                behind = [n for n, line in enumerate(lines, 1) if line.intent == passed.intent]
                lines.insert(max(behind, default=len(lines)), passed)
        # What a row was decided by stands beside it; here is how everything stands behind it.
        told = {(reading.text, reading.value) for row in rows for reading in getattr(row, "because", ())}
        readings = [one for one in self._readings(key, rows) if (one.text, one.value) not in told]
        messages = tuple(self._message(claimed) for claimed in claims)
        return Look(self._clock.at_us, key, tuple(lines), telling_runs.whys(readings, places), messages)

    def _readings(self, key: str, rows: Iterable[Row] = ()) -> list[Reading]:
        profile = self._profile(key)
        if profile is None:
            return []
        worker, now = self._worker, self._clock.at_us
        view = Turn(worker.state, worker.plan, worker.plan_state, worker.find).view(profile)
        readings = [one for row in rows if isinstance(row, EventKept) for one in self._of_event(row)]
        for condition in _conditions(self.rule):
            own, holds = condition.because(view, now), condition.holds(view, now)
            answers = [one for one in own if isinstance(one.value, bool)]
            # Where one of its parts says it all, the whole would say it again.
            is_told = len(answers) == 1 and answers[0].value is holds
            readings += own if is_told else (Reading(condition.said, holds), *own)
        return list({(one.text, one.value): one for one in readings}.values())

    def _of_event(self, row: EventKept) -> Iterator[Reading]:
        """What `start: where:` says of an event that could start it."""
        where = self.rule.where
        partition, position = place(row.ref)
        for at, body in self._house.log.read(partition, position - 1, 1) if where is not None else ():
            event = event_of(decode(body))
            if where is not None and at == position and event is not None:
                holds = where.holds(unpack(event.properties), unpack(event.context))
                yield Reading(where.text, holds, (row.ref,))

    def _profile(self, key: str) -> Profile | None:
        found = persons.find(key, self._house.stores())
        return found.profile if found is not None else None

    def _held_back(self, places: Places) -> Iterator[Look]:
        """Messages that wait, where the gate has said something new of them."""
        waiting = self._house.outbox.rows("waiting", None, None, 1_000)
        for row in waiting:
            said = row.reason, row.detail
            intent = row.intent.intent
            if row.reason and intent in self._intents and self._said.get(intent) != said:
                self._said[intent] = said
                what = f"the {row.intent.channel} {row.intent.message} waits until {format_time(row.not_before)}"
                because = ": ".join(part for part in said if part)
                line = StoryLine(self._clock.at_us, "outcome", what, because, intent=intent, status="waiting")
                yield Look(self._clock.at_us, row.intent.key, (line,), ())

    def _ask(self, at: int) -> Iterator[Look]:
        """Everybody who is inside at an instant."""
        yield from self._advance(at)
        store = self._house.store(0)
        places = Places(self._house.log, self._house.trail, self._house.stores())
        for key in store.keys_after("%", 1 << 30):
            profile = persons.load(key, [store])
            for run in profile.runs if profile is not None else ():
                if run.journey == self._journey and not run.intent:
                    about = telling_runs.entry(run.entry_key)
                    text = f"is in {run.journey}{about} at {run.step}, until {format_time(run.due)} at the latest"
                    whys = telling_runs.whys(self._readings(key), places)
                    yield Look(at, key, (StoryLine(at, "wait", text),), whys, is_asked=True)

    def _message(self, claimed: Claimed) -> Message:
        intent = claimed.intent
        subject = self._subject(claimed) if claimed.template else ""
        return Message(
            intent.intent, intent.channel, intent.message, claimed.address, claimed.permit, claimed.variant, subject
        )

    def _subject(self, claimed: Claimed) -> str:
        """The subject of a mail, the text of a shorter message, filled in."""
        source = decode_source(self._house.outbox.template(claimed.template))
        values: dict[str, Any] = msgspec.msgpack.decode(claimed.frozen)
        values["workspace"] = {"name": self._house.settings.workspace.name}
        try:
            if source.channel == "email":
                return render(source, values, claimed.claimed_at, "https://unsubscribe.example/").subject
            return render_note(source, values, claimed.claimed_at).text
        except TemplateError as error:
            return f"could not be written: {error}"


def _conditions(rule: JourneyRule) -> Iterator[Condition]:
    """Every predicate on a person that the journey asks, in the order of its file."""
    if rule.condition is not None:
        yield rule.condition
    for one in rule.exits:
        if one.when is not None:
            yield one.when.condition
    for instruction in rule.program:
        if isinstance(instruction, Branch | WaitFor) and instruction.when is not None:
            yield instruction.when.condition


def through(look: Look) -> Look:
    """With the person beside each line."""
    return replace(look, lines=tuple(replace(line, through=look.person) for line in look.lines))
