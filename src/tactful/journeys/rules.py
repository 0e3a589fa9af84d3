"""Journeys of one step: start, wait, unless, limit, send. Runs in, intents and reasons out. Pure.

`start`, `stop` and `fire` take a person's runs and bring them on; who the person is and which segments flipped is the
kernel's.
"""

from collections.abc import Mapping

from msgspec import Raw, Struct

from tactful.events.derived import Reading, RunEnded, RunStarted, SendMessage
from tactful.journeys.program import EventValue, ExitRule, GoalRule, Instruction, Schedule
from tactful.journeys.runs import Run
from tactful.language.compiled import Condition, EventTest
from tactful.values import digest, format_duration, format_time

NEVER_AGAIN = 1 << 62
STEP = "1"
"""The only step that a journey has so far."""


class JourneyRule(Struct, frozen=True):
    """A compiled journey."""

    name: str
    version: str
    events: frozenset[str]
    where: EventTest | None
    segment: int | None
    """Number of the segment whose entry starts it."""
    condition: Condition | None
    ready_at: int
    """From when the condition is exact."""
    wait_us: int
    unless: frozenset[str]
    unwelcome: int | None
    """Number of the aggregate that keeps the newest `unless` event, for starts that arrive behind it."""
    is_restarting: bool
    limit: int | None
    per_us: int
    validity_us: int
    channel: str
    target: str
    """The message's name, or the URL."""
    purpose: str
    on_merge: bool = False
    """Whether a segment that is entered because identifiers were tied starts it."""
    program: tuple[Instruction, ...] = ()
    left: int | None = None
    """Number of the segment whose leaving starts it."""
    schedule: Schedule | None = None
    audience: int | None = None
    """Number of the segment that a schedule or a campaign is for; None: everybody."""
    is_campaign: bool = False
    is_called: bool = False
    """Calls of the API start it."""
    key: EventValue | None = None
    exits: tuple[ExitRule, ...] = ()
    goal: GoalRule | None = None
    again_us: int = 0
    """So long after a start no other may come; NEVER_AGAIN for ever."""
    priority: int = 50
    group: str = ""
    holdout: int = 0
    """Of SHARES."""
    is_finishing: bool = False
    """Runs go the way of the version that they began with (`editing: finish`)."""
    kept: frozenset[str] | None = None
    """The properties of what started it that its messages read; None: any."""

    @property
    def kept_us(self) -> int:
        """How long what was sent may still matter."""
        return max(self.per_us, self.wait_us + self.validity_us)


class Cause(Struct, frozen=True):
    """What starts a run: an event, or a flip at an instant (no event, its own instant for every time)."""

    at: int
    received_at: int
    ref: int
    message_id: str
    event: str
    properties: Raw
    matched: str = ""
    """The value of a grouped count (`same=`) that the start is about."""
    because: tuple[Reading, ...] = ()
    origin: str = ""
    """The fragment of the record behind it."""


Sent = tuple[int, str, str]
"""An instant, the intent, and what its run was about (the entry key)."""


def used(rule: JourneyRule, sent: Mapping[str, list[Sent]], at: int) -> bool:
    """Is the limit used up at the instant `at`?"""
    if rule.limit is None:
        return False
    return sum(at - rule.per_us < entry[0] <= at for entry in sent.get(rule.name, ())) >= rule.limit


def start(
    rule: JourneyRule,
    runs: list[Run],
    sent: Mapping[str, list[Sent]],
    cause: Cause,
    now: int,
    unwelcome: tuple[int, int] | None,
) -> list[RunStarted | RunEnded]:
    """Begin a run, or say why not. An instant already past is due at once, within the validity.

    `unwelcome` is the newest `unless` event (time, ref): one that happened after a start which arrives late ends the
    run before it begins.
    """
    due = cause.at + rule.wait_us
    if now > due + rule.validity_us:
        late = f"too late: was due at {format_time(due)}, valid for {format_duration(rule.validity_us)}"
        return [RunEnded(now, rule.name, cause.matched, late, cause.ref)]
    if unwelcome is not None and unwelcome > (cause.at, cause.ref):
        first = f"{' or '.join(sorted(rule.unless))} came first"
        return [RunEnded(now, rule.name, cause.matched, first, unwelcome[1])]
    rows: list[RunStarted | RunEnded] = []
    for run in [run for run in runs if run.journey == rule.name and not run.intent]:
        if not rule.is_restarting or cause.at < run.started_at:
            return []
        runs.remove(run)
        rows.append(RunEnded(now, rule.name, run.entry_key, "restarted", cause.ref))
    if used(rule, sent, max(due, now)):
        rows.append(RunEnded(now, rule.name, cause.matched, limit_text(rule), cause.ref))
        return rows
    runs.append(
        Run(
            journey=rule.name,
            entry_key=cause.matched,
            started_at=cause.at,
            started_received=cause.received_at,
            started_ref=cause.ref,
            message_id=cause.message_id,
            due=due,
            event=cause.event,
            properties=cause.properties,
            version=rule.version,
            origin=cause.origin,
        )
    )
    rows.append(RunStarted(now, rule.name, cause.matched, due, cause.because))
    return rows


def stop(journeys: frozenset[str], runs: list[Run], event: tuple[int, int, int], name: str, now: int) -> list[RunEnded]:
    """An unwelcome event (its place in event order) ends the runs that began before it.

    A run that was handed over already is marked, and the gate refuses it if it has not been claimed.
    """
    rows = []
    for run in [run for run in runs if run.journey in journeys and run.started() < event]:
        if run.intent:
            run.exited_by = run.exited_by or event[2]
        else:
            runs.remove(run)
            rows.append(RunEnded(now, run.journey, run.entry_key, f"{name} came first", event[2]))
    return rows


def fire(
    rule: JourneyRule,
    run: Run,
    sent: dict[str, list[Sent]],
    key: str,
    at: int,
    plan: int,
    *,
    is_replay: bool,
) -> SendMessage | RunEnded:
    """The wait is over: an intent, or the reason why none. Its id never depends on which profile the person became
    (IDENTITY.md 4)."""
    if used(rule, sent, at):
        return RunEnded(at, run.journey, run.entry_key, limit_text(rule), run.started_ref)
    begun = run.message_id or f"{run.started_at}"
    run.intent = digest(run.journey, run.version, STEP, run.entry_key, run.origin, begun)
    _count(rule, sent, at, run)
    return SendMessage(
        at=at,
        intent=run.intent,
        key=key,
        journey=run.journey,
        entry_key=run.entry_key,
        channel=rule.channel,
        message=rule.target,
        purpose=rule.purpose,
        due=at,
        valid_until=run.due + rule.validity_us,
        plan=plan,
        started_at=run.started_at,
        started_ref=run.started_ref,
        event=run.event,
        properties=run.properties,
        is_replay=is_replay,
    )


def _count(rule: JourneyRule, sent: dict[str, list[Sent]], at: int, run: Run) -> None:
    """Against the limit, where there is one; beside that the newest of each entry key is kept for as long as a run of
    another half of the person may be about the same."""
    limited = at - rule.per_us if rule.limit is not None else at
    kept = [
        entry
        for entry in sent.get(rule.name, ())
        if entry[0] > limited or (entry[2] != run.entry_key and entry[0] > at - rule.kept_us)
    ]
    sent[rule.name] = [*kept, (at, run.intent, run.entry_key)]


def limit_text(rule: JourneyRule) -> str:
    """The limit in words."""
    return f"limit: {rule.limit} per {format_duration(rule.per_us)}"
