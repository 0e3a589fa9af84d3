"""Telling: derived rows and outbox rows into sentences. Pure but for looking up the events that a reason names."""

from collections.abc import Iterable

from tactful.events.derived import (
    ConsentChanged,
    DeviceMoved,
    EventKept,
    EventRefused,
    FragmentsCame,
    FragmentsWent,
    GoalReached,
    IntentMoved,
    OutcomeNoted,
    Reading,
    Responded,
    Row,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    SendMessage,
    StepTaken,
    TieRefused,
    TraitRefused,
)
from tactful.operations.places import EVENTS_BEHIND, Places
from tactful.operations.stories import StoryLine, Why
from tactful.runtime.ports import OutboxRow
from tactful.values import format_duration, format_time

LATE_US = 60_000_000
"""An event that was received this much after it happened is called late."""

_CAUSES = {
    "event": "",
    "score": "as a score came in",
    "consent": "as a purpose was decided",
    "threshold": "as a threshold was worked out anew, for everybody",
    "time": "by itself, as time passed",
    "publish": "when the plan was published, which starts no journey",
    "merge": "as identifiers were tied or un-merged, which starts no journey that does not ask for it",
}
_ENDED = {
    "merged": "two became one person, and the run of the other goes on",
    "already sent": "two became one person, and the other has had this message",
}
"""Reasons that need more words than the engine has for them."""
_CAME = {
    "merge": ("became one person with {giver}", "a call named both"),
    "unmerge": ("got back what is its own from {giver}", "they were un-merged"),
    "new": ("is known through {giver} as well", "a first record came through it"),
}
_WENT = {
    "merge": ("became part of {to}", "a call named both"),
    "unmerge": ("gave {to} back what came from there", "they were un-merged"),
}
_REFUSED = {
    "anonymous": "{name} was kept without identifiers",
    "count": "{name} was counted, and not kept",
    "drop": "{name} was not kept",
    "quarantine": "{name} went into the quarantine",
}
ORIGINS = {
    "api": "told by a source",
    "unsubscribe": "by the unsubscribe link",
    "confirm": "by the link that confirms the address",
    "gpc": "by the browser's Global Privacy Control",
    "categories": "in the consent banner",
}
"""Of decisions, in words."""
_OUTCOMES = {
    "sent": "{what} was accepted by the receiver",
    "refused": "{what} was stopped at the gate",
    "rejected": "{what} was rejected by the receiver",
    "lapsed": "{what} lapsed unsent",
    "held": "{what} is held until somebody has looked",
    "dropped": "{what} was dropped by hand",
    "waiting": "{what} waits",
    "claimed": "{what} is being handed over",
}


def tell(row: Row, places: Places) -> StoryLine | None:
    """One derived row as a step of the story; None for what is none (where an intent is kept)."""
    match row:
        case EventKept():
            return _event(row, places)
        case SegmentEntered(at, segment, cause, because, matched):
            text = f"entered the segment {segment}{_entry(matched)}"
            return StoryLine(at, "entered", text, _CAUSES[cause], whys(because, places))
        case SegmentLeft(at, segment, cause, because):
            cause = _CAUSES[cause].partition(", which")[0]  # What starts journeys is entering.
            return StoryLine(at, "left", f"left the segment {segment}", cause, whys(because, places))
        case RunStarted() | RunEnded() | SendMessage():
            return _of_journey(row, places)
        case OutcomeNoted():
            what = f"the message of {row.journey}" if row.journey else "the message"
            return outcome(row.at, row.intent, row.status, row.reason, row.detail, what, places)
        case ConsentChanged():
            return _consent(row)
        case FragmentsCame() | FragmentsWent() | TieRefused() | DeviceMoved():
            return _of_identity(row)
        case EventRefused() | TraitRefused():
            return _refused(row)
        case IntentMoved():
            return None
        case StepTaken() | GoalReached() | Responded():
            return _of_run(row)


def _of_run(row: StepTaken | GoalReached | Responded) -> StoryLine:
    match row:
        case StepTaken():
            return StoryLine(row.at, "step", f"{row.journey}: {row.step}: {row.what}", row.detail)
        case GoalReached():
            return StoryLine(row.at, "goal", f"reached the goal of {row.journey}")
        case Responded():
            return StoryLine(row.at, "response", row.name, row.detail, intent=row.intent)


def _of_journey(row: RunStarted | RunEnded | SendMessage, places: Places) -> StoryLine:
    match row:
        case RunStarted():
            waits = f", due {format_time(row.due)}" if row.due > row.at else ""
            text = f"started the journey {row.journey}{_entry(row.entry_key)}{waits}"
            return StoryLine(row.at, "started", text, "", whys(row.because, places))
        case RunEnded():
            event = places.event(row.ref) if row.ref else None
            text = f"the journey {row.journey}{_entry(row.entry_key)} ended and sent nothing"
            return StoryLine(row.at, "ended", text, _ENDED.get(row.reason, row.reason), event=event)
        case SendMessage():
            return _intent(row, places)


def _of_identity(row: FragmentsCame | FragmentsWent | TieRefused | DeviceMoved) -> StoryLine:
    """Who belongs to whom."""
    match row:
        case FragmentsCame():
            text, because = _CAME[row.cause]
            return StoryLine(row.at, "tied", text.format(giver=row.giver), because)
        case FragmentsWent():
            text, because = _WENT[row.cause]
            return StoryLine(row.at, "went", text.format(to=row.to), because)
        case TieRefused() if not row.by:
            return StoryLine(row.at, "apart", f"an un-merge of {row.identifier} changed nothing", row.reason)
        case TieRefused():
            return StoryLine(row.at, "apart", f"{row.identifier} and {row.by} were not tied", row.reason)
        case DeviceMoved():
            if not row.to:
                return StoryLine(row.at, "went", "is a shared device: what it does is its own from here on")
            return StoryLine(row.at, "went", f"belongs to {row.to} from here on", "what came before stays where it is")


def _refused(row: EventRefused | TraitRefused) -> StoryLine:
    if isinstance(row, TraitRefused):
        return StoryLine(row.at, "barred", f"the trait {row.name} was not taken over", row.reason)
    text = _REFUSED.get(row.verdict, "{name} was not kept as it came").format(name=row.name)
    return StoryLine(row.at, "barred", text, row.message or row.code)


def _event(row: EventKept, places: Places) -> StoryLine:
    event = places.event(row.ref)
    late_us = event.received_at - event.at if event is not None else 0
    late = f"received {_about(late_us)} after it happened" if late_us > LATE_US else ""
    unplanned = f"does not fit the tracking plan: {', '.join(row.flags)}" if row.flags else ""
    because = "; ".join(part for part in (late, unplanned) if part)
    return StoryLine(row.at, "event", row.name, because, event=event)


def _intent(row: SendMessage, places: Places) -> StoryLine:
    what = f"e-mail {row.message}" if row.channel == "email" else f"{row.channel} {row.message}"
    because = f"the journey {row.journey}{_entry(row.entry_key)} was due"
    if row.is_replay:
        because += "; an import replays the past, so nothing is handed over"
    event = places.event(row.started_ref) if row.started_ref else None
    return StoryLine(row.at, "intent", f"decided to send the {what}", because, event=event, intent=row.intent)


def _consent(row: ConsentChanged) -> StoryLine:
    verb = "granted" if row.granted else "denied"
    is_told = row.origin == "api" and row.source
    through = f"told by the source {row.source}" if is_told else ORIGINS.get(row.origin, row.origin)
    version = f", text {row.text_version}" if row.text_version else ""
    return StoryLine(row.at, "consent", f"{verb} {row.purpose}", f"{through}{version}", status=verb)


def outcome(at: int, intent: str, status: str, reason: str, detail: str, what: str, places: Places) -> StoryLine:
    """What became of an intent, in words."""
    event = None
    if detail.startswith("ref ") and detail[4:].isdigit():
        event = places.event(int(detail[4:]))
        detail = f"{event.name} at {format_time(event.at)}" if event is not None else "an event the log no longer holds"
    because = ": ".join(part for part in (reason, detail) if part)
    text = _OUTCOMES.get(status, "{what}: " + status).format(what=what)
    return StoryLine(at, "outcome", text, because, event=event, intent=intent, status=status)


def claim(row: OutboxRow) -> StoryLine | None:
    """The hand-off's beginning, where there is one."""
    if row.claimed_at is None:
        return None
    again = f", attempt {row.attempt}" if row.attempt > 1 else ""
    text = f"passed the gate to {row.address}{again}"
    return StoryLine(row.claimed_at, "claim", text, row.permit, intent=row.intent.intent)


def whys(readings: Iterable[Reading], places: Places) -> tuple[Why, ...]:
    """The predicates behind a flip, with the newest of the events that gave each its value."""
    return tuple(_why(reading, places) for reading in readings)


def _why(reading: Reading, places: Places) -> Why:
    looked_up = [places.event(number) for number in reading.refs[-EVENTS_BEHIND:]]
    found = tuple(event for event in looked_up if event is not None)
    return Why(reading.text, reading.value, found, len(reading.refs) - len(found))


def _entry(entry_key: str) -> str:
    return f" for {entry_key}" if entry_key else ""


def _about(duration_us: int) -> str:
    """A duration in its largest unit that leaves at least two of it: "90m", "3h"."""
    for unit_us in (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000):
        if duration_us >= 2 * unit_us:
            return format_duration(duration_us // unit_us * unit_us)
    return format_duration(duration_us)
