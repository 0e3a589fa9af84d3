"""Playing: one unit of people through the production kernel, alone in a partition, from its first record to its last.

Records are read in the order in which they were known; between two of them everybody who is due is woken at their own
instant, by a Tick, and what then waits to leave comes before the gate. A worker (runtime/worker.py) does the
same, with a store, an outbox and a clock in the place of dictionaries and of the records' own times. What passes the
gate is taken for sent at that instant, and said so to the engine (runtime/outcomes.py). Nothing is encoded, nothing is
written, and no two units share anything: so a backtest is the same on any number of processes.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from tactful.events.derived import Group, Row, SendMessage
from tactful.events.records import EMPTY_MAP, Launch, Record, Steer, Threshold, Tick, decode
from tactful.events.responses import EMAIL_SENT, KIND, MESSAGE_SENT
from tactful.journeys.definition import CHANNELS
from tactful.journeys.rules import Cause
from tactful.kernel import launching
from tactful.kernel.gate import MAILS_PER_ADDRESS
from tactful.kernel.instants import pass_time
from tactful.kernel.looks import Look
from tactful.kernel.readers import EventReader
from tactful.kernel.starting import begin
from tactful.kernel.state import PartitionState, Profile
from tactful.kernel.step import step
from tactful.kernel.turn import Turn
from tactful.language.compiled import View
from tactful.operations.backtesting.desk import PARTITION, Desk
from tactful.operations.backtesting.stages import Brought, Stage
from tactful.runtime.claims import Claims
from tactful.runtime.outcomes import outcome, response
from tactful.runtime.ports import Claimed, OutboxRow, Verdict
from tactful.segments.membership import matched_text

EVER = 1 << 62
SLOTS = 1 << 40
"""Of each channel: nothing waits for a free sender."""


class Period(Struct, frozen=True):
    """Instants: where history begins, from when on the journey is in force, and up to where it is played."""

    begin: int
    from_us: int
    until_us: int


class Outside(Struct, frozen=True):
    """What the gate asks of an installation beside its people."""

    suppressed: dict[str, int] = {}
    """Addresses to which nothing goes, and since when."""
    empty: dict[str, int] = {}
    """Pools of coupons in which no code is left, and since when."""
    mails_per_address: int = MAILS_PER_ADDRESS


class Listener(Protocol):
    """Whoever counts what happens; told in order."""

    def groups(self, groups: Sequence[Group], record: Record) -> None:
        """What one record brought about."""
        ...

    def claimed(self, claim: Claimed, view: View) -> None:
        """With what expressions see of whoever gets it."""
        ...

    def refused(self, intent: SendMessage, verdict: Verdict, at: int) -> None: ...

    def postponed(self, intent: SendMessage, reason: str, at: int) -> None: ...


class _Unit(Turn):
    """A turn that never ends: `changed` is everybody there is, and `touched` whom the present step has met."""

    __slots__ = ("touched",)

    def __init__(self, state: PartitionState, stage: Stage) -> None:
        super().__init__(state, stage.before, stage.plan_state, _nobody)
        self.touched: list[Profile] = []

    def known(self, key: str) -> Profile | None:
        profile = self.changed.get(key)
        if profile is not None:
            self.touched.append(profile)
        return profile

    def person(self, key: str) -> Profile:
        profile = self.changed.get(key) or super().person(key)
        self.touched.append(profile)
        return profile


def _nobody(_: str) -> Profile | None:
    return None


class Player:
    """Plays records that come in order of `received_at`."""

    def __init__(
        self,
        stage: Stage,
        period: Period,
        outside: "Outside",
        listener: Listener,
        asked: str,
        brought: Brought | None = None,
        *,
        is_steered: bool = False,
    ) -> None:
        """`asked`: the journey that it is all about, though this version may not have it; `is_steered`: what was
        said of it, and of all sending, counts, too."""
        self._asked, self._is_steered = asked, is_steered
        self._brought = brought
        self._stage, self._period, self._listener = stage, period, listener
        self.state = PartitionState(PARTITION, 1, clock=period.begin, is_counted=True)
        self._turn = _Unit(self.state, stage)
        self._desk = Desk(outside.suppressed, outside.empty)
        used = {
            send.channel
            for rule in (*stage.plan.journeys.values(), *stage.plan.editions.values())
            for send in rule.sends
        }
        slots = {channel: SLOTS for channel in CHANNELS if channel in used}
        self._claims = Claims(PARTITION, self._desk, slots, outside.mails_per_address, is_rendered=False)
        self._heard = {name for name in (EMAIL_SENT, MESSAGE_SENT) if _is_read(stage.plan.reader(KIND, name))}
        """What nobody asks for is not told."""
        self._position = 0
        self._wakes: list[tuple[int, str]] = []
        self._noted: dict[str, int] = {}
        """For which instant each stands in the heap."""
        self._is_begun = False
        self._launched = set[tuple[str, str]]()
        """Campaigns of history, by name and version."""
        launching.adopted(self._turn)

    @property
    def people(self) -> Mapping[str, Profile]:
        """By identifier, those that belong to somebody else too."""
        return self._turn.changed

    @property
    def codes(self) -> Iterable[str]:
        """The pool of each coupon that was given."""
        return (pool for pool, _ in self._desk.codes)

    def play(self, records: Iterable[Record]) -> None:
        """All of them that came before the period's end."""
        until = self._period.until_us
        for record in records:
            at = record.received_at  # type: ignore[union-attr]  # a Plan, which has none, is no record of history
            if at >= until:
                break
            if at > self.state.clock:
                self._pass(at)
            if isinstance(record, Launch | Steer):
                self._order(record, at)
            else:
                self._step(record, self._due(at) if type(record) is Threshold else ())
        self._pass(until)

    def _order(self, record: Launch | Steer, at: int) -> None:
        """What somebody said in history: of all journeys but the one that is asked about, which is in force as if
        nobody had, unless this is wanted, too. Definitions hold from the beginning, so a campaign begins as it is now,
        once for each version that was launched."""
        if record.journey in ("", self._asked) and not self._is_steered:
            return
        if isinstance(record, Launch):
            rule = self._turn.plan.journeys.get(record.journey)
            if rule is None or (record.journey, record.version) in self._launched:
                return
            self._launched.add((record.journey, record.version))
            self.state.campaigns.pop(f"{rule.name}@{rule.version}", None)
            record = replace(record, version=rule.version)
        self._step(record, self._due(at))
        self._decide(at)

    # ---- records ---------------------------------------------------------------------------------------------------

    def _step(self, record: Record, due: Sequence[str] = (), swept: Sequence[str] = ()) -> None:
        """One record, and what the engine tells itself by it: traits that a journey sets."""
        turn = self._turn
        self._position += 1
        step(turn, record, self._position, due, swept)
        self._note(record)
        while turn.outgoing:
            told, turn.outgoing = turn.outgoing, []
            for _, _, body in told:
                self._step(decode(body))

    def _note(self, record: Record) -> None:
        turn, noted = self._turn, self._noted
        # Whom a Tick has passed over holds their time back, and is met again by a record.
        now, is_tick = self.state.clock, type(record) is Tick
        for profile in turn.touched:
            wake = profile.wake_at
            if wake is not None and noted.get(profile.key) != wake and (wake > now or not is_tick):
                noted[profile.key] = wake
                heappush(self._wakes, (wake, profile.key))
        turn.touched.clear()
        if turn.groups:
            self._listener.groups(turn.groups, record)
            turn.groups = []
        if turn.intents:
            self._desk.put(turn.intents)
            turn.intents = []
            self._claims.look()
        if turn.moved:
            self._desk.moved(turn.moved)
            turn.moved = []
            self._claims.look()
        turn.decisions.clear()
        turn.refused.clear()

    # ---- time ------------------------------------------------------------------------------------------------------

    def _pass(self, until: int) -> None:
        """Everything that happens by itself before `until`, each at its instant: what comes in at an instant stands
        before what is due at it."""
        begins = self._period.from_us
        while True:
            self._leave()
            wake = self._next()
            if not self._is_begun and begins <= min(wake, until):
                self._begin(begins)
                continue
            if self._is_begun and self._brought is not None and self._brought.at <= min(wake, until):
                brought, self._brought = self._brought, None
                self._bring(brought.at)
                continue
            if wake >= until:
                return
            self._tick(max(wake, self.state.clock))

    def _next(self) -> int:
        """The next instant at which something happens by itself."""
        wakes, people = self._wakes, self._turn.changed
        while wakes and people[wakes[0][1]].wake_at != wakes[0][0]:
            at, key = heappop(wakes)
            if self._noted.get(key) == at:
                del self._noted[key]
        at = wakes[0][0] if wakes else EVER
        state = self.state
        if state.sweep is not None:
            return state.clock
        for other in (state.ready_at, state.start_at, self._claims.next_waiting):
            if other is not None and other < at:
                at = other
        return at

    def _tick(self, at: int) -> None:
        """Everybody who is due, and, where something concerns everybody, all the others."""
        due, state = self._due(at), self.state
        swept: list[str] = []
        if state.sweep is not None:
            cursor = state.sweep
            swept = sorted(key for key in self._turn.changed if key > cursor)
        if due or swept or state.sweep is not None or _is_past(state.start_at, at) or _is_past(state.ready_at, at):
            self._step(Tick(at, len(due) + len(swept) + 1), due, swept)
        self._leave(at)

    def _due(self, at: int) -> list[str]:
        """Whose instant has come, in order; each is noted anew when the step is done."""
        due: dict[str, None] = {}
        wakes = self._wakes
        while wakes and wakes[0][0] <= at:
            wake, key = heappop(wakes)
            if self._noted.get(key) == wake:
                del self._noted[key]
            if self._turn.changed[key].wake_at == wake:
                due[key] = None
        return list(due)

    def _begin(self, at: int) -> None:
        """The journey is published."""
        self._is_begun = True
        turn, stage = self._turn, self._stage
        turn.plan = stage.plan
        turn.look_around()
        self._step(Tick(max(at, self.state.clock), 1))
        rule = stage.plan.journeys.get(stage.journey)
        if rule is None:
            return
        if rule.schedule is not None:
            self.state.scheduled[rule.name] = self.state.clock
            self.state.start_at = launching.next_start(turn)
        if rule.is_campaign and not self._is_steered:
            self._step(Launch(at, rule.name, rule.version, "backtest"))

    def _bring(self, at: int) -> None:
        """The publication brings people into the segment: as the kernel does it for whoever a sweep finds entering
        (instants.py)."""
        turn, stage = self._turn, self._stage
        rule = stage.plan.journeys[stage.journey]
        segment = stage.plan.by_number[rule.segment or 0]
        tick = Tick(max(at, self.state.clock), 1)
        self._step(tick)
        self._position += 1
        for key in sorted(turn.changed):
            profile, rows = turn.changed[key], list[Row]()
            if profile.owner() is None:
                pass_time(turn, profile, tick.received_at, rows)
            if segment.number in profile.segments and stage.was not in profile.segments:
                profile.now = tick.received_at
                look = Look(turn, profile, turn.view(profile), profile.now, rows)
                matched = matched_text(segment.condition.key(look.view, look.at))
                begin(look, rule, Cause(look.at, look.at, 0, "", f"entered {segment.name}", EMPTY_MAP, matched))
            turn.touched.append(profile)
            turn.close(profile, self._position, rows)
        self._note(tick)

    # ---- leaving ---------------------------------------------------------------------------------------------------

    def _leave(self, now: int | None = None) -> None:
        """Put before the gate what waits by now, until nothing more comes of it."""
        while (waits := self._claims.next_waiting) is not None and waits <= (now or self.state.clock):
            if not self._decide(now or self.state.clock):
                return

    def _decide(self, at: int) -> bool:
        """Whether anything came of it."""
        self._desk.now = at
        decided = self._claims.decide(
            self._turn.plan, self._turn.changed.get, at, position=self._position, is_behind=False, state=self.state
        )
        self._report(at)
        return bool(decided)

    def _report(self, at: int) -> None:
        """What became of intents goes back into the engine."""
        desk, listener = self._desk, self._listener
        claims, desk.claims = desk.claims, []
        ended, desk.ended = desk.ended, []
        postponed, desk.postponed = desk.postponed, []
        for intent, reason in postponed:
            listener.postponed(intent, reason, at)
        for claim in claims:
            listener.claimed(claim, self._turn.view(self._turn.changed[claim.intent.key]))
        for intent, verdict in ended:
            listener.refused(intent, verdict, at)
        done = [(claim.intent, Verdict(claim.intent.intent, "sent", "")) for claim in claims]
        for intent, verdict in (*done, *ended):
            row = _row(intent, verdict, at)
            self._step(outcome(row, at))
            if self._heard and (told := response(row, at)) is not None and told.name in self._heard:
                self._step(told)


def _is_read(reader: EventReader) -> bool:
    return reader.read is not None or bool(reader.starts) or reader.follows


def _is_past(at: int | None, now: int) -> bool:
    return at is not None and at <= now


def _row(intent: SendMessage, verdict: Verdict, at: int) -> OutboxRow:
    return OutboxRow(intent, PARTITION, verdict.status, 1, at, at, 0, "", "", verdict.reason, verdict.detail, at)
