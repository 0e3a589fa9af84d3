"""Journeying: one person's runs through one journey, each with what it waits for, its messages and what came back.

The rows of a person (chains.py) are sorted to runs: by key and moment, or by the intent of a message. What a run waits
for now is read off the live profile and the plan; where its messages stand, off the outbox. Nothing is decided here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from tactful.events.derived import (
    GoalReached,
    OutcomeNoted,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
)
from tactful.journeys.program import (
    EventMatch,
    Instruction,
    Wait,
    WaitFor,
    WaitUntil,
)
from tactful.journeys.rules import JourneyRule
from tactful.journeys.runs import Run
from tactful.kernel.plan import CompiledPlan
from tactful.kernel.state import Profile
from tactful.operations.people import telling, telling_runs
from tactful.operations.places import Places
from tactful.operations.stories import StoryLine, Waits
from tactful.runtime.ports import OutboxRow
from tactful.values import format_duration

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Rows(Protocol):
    """What is needed of an Outbox."""

    def row(self, intent: str) -> OutboxRow | None: ...


class MessageStory(Struct, frozen=True):
    """One message of a run: decided, asked of the gate, rendered, and what came back."""

    intent: str
    at: int
    """When it was decided."""
    step: str
    channel: str
    message: str
    status: str
    """As in the outbox; what the trail says where the outbox no longer knows it."""
    reason: str
    detail: str
    """What the gate looked at, with values."""
    address: str
    permit: str
    not_before: int
    """Of one that waits: 0 else."""
    valid_until: int
    finished_at: int
    version: str
    """Digest of the message's source that was rendered; "" where nothing was."""
    variant: str
    digest: str
    """Of the bytes that were sent."""
    responses: tuple[StoryLine, ...]


class RunStory(Struct, frozen=True):
    """One run. `state`: `waiting` at a step; `sending` where all that is left stands in the outbox; `ended`; `never` of
    one that did not begin."""

    journey: str
    entry_key: str
    started_at: int
    version: str
    arm: str
    state: str
    step: str
    """Where it waits, or was when it ended."""
    waits_for: str
    due: int
    """When it goes on at the latest; 0 where it waits for nothing."""
    ended: str
    """Why it ended; "" where it went to its end."""
    goals: int
    worth: float
    lines: tuple[StoryLine, ...]
    messages: tuple[MessageStory, ...]
    steered: str = ""
    """`paused since ... by ann (prices are wrong)`, of a run inside a journey of which somebody has said so."""


class _Found(Struct):
    """A run while its rows come in."""

    entry_key: str
    started_at: int
    lines: list[StoryLine]
    rows: list[Row]
    messages: dict[str, SendMessage]
    responses: dict[str, list[StoryLine]]
    outcomes: dict[str, OutcomeNoted]


def runs_of(
    rows: Iterable[Row], journey: str, profile: Profile, plan: CompiledPlan, outbox: Rows, places: Places
) -> tuple[RunStory, ...]:
    """The runs of a person through a journey, oldest start first; `rows` are the person's, oldest first."""
    found: dict[tuple[str, int], _Found] = {}
    of_intent: dict[str, _Found] = {}
    for row in rows:
        run = _belongs(row, journey, found, of_intent)
        if run is None:
            continue
        run.rows.append(row)
        if isinstance(row, SendMessage):
            run.messages[row.intent] = row
        elif isinstance(row, OutcomeNoted):
            run.outcomes[row.intent] = row
        line = telling.tell(row, places)
        if line is None:
            continue
        if isinstance(row, RunEnded) and run.messages:
            line = telling_runs.ended_after_sending(row, line)
        if isinstance(row, Responded):
            run.responses.setdefault(row.intent, []).append(line)
        run.lines.append(line)
    walking = [one for one in profile.runs if one.journey == journey and not one.intent]
    living = {(one.entry_key, one.started_at): one for one in walking}
    for key in living:
        if key not in found:  # Its beginning has expired from the trail.
            found[key] = _Found(*key, [], [], {}, {}, {})
    stories = [_story(journey, one, living.get(key), plan, outbox) for key, one in found.items()]
    return tuple(sorted(stories, key=lambda story: story.started_at))


def _belongs(
    row: Row, journey: str, found: dict[tuple[str, int], _Found], of_intent: dict[str, _Found]
) -> _Found | None:
    """The run that a row is of, made where it is the first; None for rows of other things."""
    match row:
        case RunStarted() | RunEnded() | StepTaken() | GoalReached() | SendMessage() if row.journey == journey:
            key = row.entry_key, row.started_at or row.at
            run = found.setdefault(key, _Found(*key, [], [], {}, {}, {}))
            if isinstance(row, SendMessage):
                of_intent[row.intent] = run
            return run
        case OutcomeNoted() | Responded():
            return of_intent.get(row.intent)
        case _:
            return None


def _story(journey: str, found: _Found, living: Run | None, plan: CompiledPlan, outbox: Rows) -> RunStory:
    started = next((row for row in found.rows if isinstance(row, RunStarted)), None)
    ended = next((row for row in reversed(found.rows) if isinstance(row, RunEnded)), None)
    goals = [row for row in found.rows if isinstance(row, GoalReached)]
    messages = tuple(_message(intent, found, outbox) for intent in found.messages.values())
    if living is not None:
        state, step = "waiting", living.step
    elif ended is not None:
        state, step = ("ended" if started is not None or found.messages else "never"), ended.step
    else:
        is_sending = any(message.status in ("waiting", "claimed", "held") for message in messages)
        state, step = ("sending" if is_sending else "ended"), ""
    known = started or ended
    return RunStory(
        journey=journey,
        entry_key=found.entry_key,
        started_at=found.started_at,
        version=living.version if living is not None else (known.version if known is not None else ""),
        arm=living.arm if living is not None else (known.arm if known is not None else ""),
        state=state,
        step=step,
        waits_for=_waits_for(living, plan) if living is not None else "",
        due=living.due if living is not None else 0,
        ended=ended.reason if ended is not None and living is None else "",
        goals=len(goals),
        worth=sum(row.value or 0.0 for row in goals),
        lines=tuple(found.lines),
        messages=messages,
    )


def _message(intent: SendMessage, found: _Found, outbox: Rows) -> MessageStory:
    row, noted = outbox.row(intent.intent), found.outcomes.get(intent.intent)
    is_waiting = row is not None and row.status == "waiting"
    status = row.status if row is not None else noted.status if noted is not None else "unknown"
    return MessageStory(
        intent=intent.intent,
        at=intent.at,
        step=intent.step,
        channel=intent.channel,
        message=intent.message,
        status=status,
        reason=row.reason if row is not None else noted.reason if noted is not None else "",
        detail=row.detail if row is not None else noted.detail if noted is not None else "",
        address=row.address if row is not None else "",
        permit=row.permit if row is not None else "",
        not_before=row.not_before if is_waiting and row is not None else 0,
        valid_until=intent.valid_until,
        finished_at=(row.finished_at or 0) if row is not None else noted.at if noted is not None else 0,
        version=row.template if row is not None else "",
        variant=row.variant if row is not None else "",
        digest=row.digest if row is not None else "",
        responses=tuple(found.responses.get(intent.intent, ())),
    )


# ---- what a run waits for --------------------------------------------------------------------------------------------


def rule_of(run: Run, plan: CompiledPlan) -> JourneyRule | None:
    """The rule that a run goes by: that of its own version where it finishes on it."""
    rule = plan.journeys.get(run.journey)
    if rule is not None and rule.is_finishing and run.version != rule.version:
        return plan.editions.get((run.journey, run.version), rule)
    return rule


def waiting(profile: Profile, plan: CompiledPlan) -> tuple[Waits, ...]:
    """The runs that walk; what was handed over to the outbox stands there."""
    return tuple(
        Waits(run.journey, run.started_at, run.due, run.step, run.entry_key, run.arm, _waits_for(run, plan))
        for run in profile.runs
        if not run.intent
    )


def _waits_for(run: Run, plan: CompiledPlan) -> str:
    rule = rule_of(run, plan)
    if rule is None:
        return "nothing: the journey is no longer published"
    waits = next((one for one in rule.program if one.name == run.step), None)
    return described(waits) if waits is not None else ""


def described(instruction: Instruction) -> str:
    """What a wait waits for: `30m`, `Order Completed, at most 2d`, `09:00 on Monday`."""
    match instruction:
        case Wait():
            return format_duration(instruction.us)
        case WaitUntil():
            days = ", ".join(_DAYS[day - 1] for day in sorted(instruction.weekdays))
            clock = f"{instruction.minute // 60:02}:{instruction.minute % 60:02} of the person's clock"
            return f"{clock}, on {days}" if days else clock
        case WaitFor():
            what = _match(instruction.match) if instruction.match is not None else ""
            if instruction.when is not None:
                what = f"until {instruction.when.condition.said}"
            return f"{what}, at most {format_duration(instruction.at_most_us)}"
        case _:
            return ""


def _match(match: EventMatch) -> str:
    where = f" where {match.where.text}" if match.where is not None else ""
    return " or ".join(sorted(match.events)) + where


def journeys_of(rows: Sequence[Row], profile: Profile) -> Mapping[str, int]:
    """The journeys that a person was in, or nearly, with the number of their rows."""
    named: dict[str, int] = {run.journey: 0 for run in profile.runs}
    for row in rows:
        if isinstance(row, RunStarted | RunEnded | SendMessage):
            named[row.journey] = named.get(row.journey, 0) + 1
    return named
