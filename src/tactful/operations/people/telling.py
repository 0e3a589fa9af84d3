"""Telling: derived rows and outbox rows into sentences. Pure but for looking up the events that a reason names."""

from tactful.events.derived import (
    BecameKnown,
    ConsentChanged,
    DeviceMoved,
    EventKept,
    EventRefused,
    FragmentsCame,
    FragmentsWent,
    GoalReached,
    IntentMoved,
    OutcomeNoted,
    PlanAdopted,
    RecordKept,
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
from tactful.operations.people import telling_runs
from tactful.operations.places import Places
from tactful.operations.stories import StoryLine
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
    "import": "with what was imported, which starts no journey",
    "merge": "as identifiers were tied or un-merged, which starts no journey that does not ask for it",
}
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
            text = f"entered the segment {segment}{telling_runs.entry(matched)}"
            return StoryLine(at, "entered", text, _CAUSES[cause], telling_runs.whys(because, places))
        case SegmentLeft(at, segment, cause, because):
            cause = _CAUSES[cause].partition(", which")[0]  # What starts journeys is entering.
            return StoryLine(at, "left", f"left the segment {segment}", cause, telling_runs.whys(because, places))
        case RunStarted() | RunEnded() | SendMessage() | StepTaken() | GoalReached() | Responded():
            return telling_runs.tell(row, places)
        case OutcomeNoted():
            what = f"the message of {row.journey}" if row.journey else "the message"
            return outcome(row.at, row.intent, row.status, row.reason, row.detail, what, places)
        case ConsentChanged():
            return _consent(row)
        case FragmentsCame() | FragmentsWent() | TieRefused() | DeviceMoved():
            return _of_identity(row)
        case EventRefused() | TraitRefused():
            return _refused(row)
        case IntentMoved() | RecordKept() | BecameKnown() | PlanAdopted():
            return None


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


def _about(duration_us: int) -> str:
    """A duration in its largest unit that leaves at least two of it: "90m", "3h"."""
    for unit_us in (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000):
        if duration_us >= 2 * unit_us:
            return format_duration(duration_us // unit_us * unit_us)
    return format_duration(duration_us)
