"""Telling of runs: the rows of one person's way through a journey as sentences, with the predicates behind them.

A run is named by its journey, its key and its moment; what a message of it did later is named by the intent. Which of a
run's rows belong together is told in journeying.py; here each is one line.
"""

from collections.abc import Iterable

from tactful.events.derived import (
    GoalReached,
    Reading,
    Responded,
    RunEnded,
    RunStarted,
    SendMessage,
    StepTaken,
)
from tactful.kernel.walking import FINISHED
from tactful.operations.places import EVENTS_BEHIND, Places
from tactful.operations.stories import StoryLine, Why
from tactful.values import format_time

RunRow = RunStarted | RunEnded | SendMessage | StepTaken | GoalReached | Responded
HELD_OUT = {"holdout": "the holdout of the journey", "global": "the holdout of the workspace"}
"""Arms in words."""
_ENDED = {
    "merged": "two became one person, and the run of the other goes on",
    FINISHED: "it went to its end",
    "already sent": "two became one person, and the other has had this message",
    **{f"holdout: {arm}": f"held out: {words}" for arm, words in HELD_OUT.items()},
}
"""Reasons that need more words than the engine has for them."""
_STEPS = {
    "wait": ("wait", "waits at {step}{until}"),
    "came": ("came", "what was waited for at {step} came"),
    "over": ("over", "the time was over at {step}"),
    "branch": ("branch", "took the branch {detail} at {step}"),
    "split": ("split", "went the way {detail} at {step}, by chance"),
    "set": ("set", "set traits at {step}"),
    "withheld": ("withheld", "sent nothing at {step}"),
}
_TOLD_IN_TEXT = ("branch", "split")
"""Steps whose sentence holds the detail already."""


def tell(row: RunRow, places: Places) -> StoryLine:
    """One row of a run as a line of the story."""
    match row:
        case RunStarted():
            return _started(row, places)
        case RunEnded():
            return _ended(row, places)
        case SendMessage():
            return _intent(row, places)
        case StepTaken():
            return _step(row, places)
        case GoalReached():
            return _goal(row, places)
        case Responded():
            return _response(row)


def in_words(reason: str) -> str:
    """Why a run ended, or sent nothing, for a reader."""
    return _ENDED.get(reason, reason)


def _started(row: RunStarted, places: Places) -> StoryLine:
    waits = f", due {format_time(row.due)}" if row.due > row.at else ""
    out = f"; {HELD_OUT[row.arm]}: nothing will be sent" if row.arm in HELD_OUT else ""
    text = f"started the journey {row.journey}{entry(row.entry_key)}{waits}{out}"
    return StoryLine(row.at, "started", text, "", whys(row.because, places))


def _ended(row: RunEnded, places: Places) -> StoryLine:
    """Whether it had sent something is not in the row: who knows the rows before says so (narration.py)."""
    event = places.event(row.ref) if row.ref else None
    text = f"the journey {row.journey}{entry(row.entry_key)} ended and sent nothing"
    return StoryLine(row.at, "ended", text, in_words(row.reason), event=event)


def ended_after_sending(row: RunEnded, line: StoryLine) -> StoryLine:
    """The line of a run that has handed a message over before it ended."""
    at = f" at {row.step}" if row.step else ""
    text = f"the journey {row.journey}{entry(row.entry_key)} ended{at}"
    return StoryLine(line.at, line.kind, text, line.because, event=line.event)


def _intent(row: SendMessage, places: Places) -> StoryLine:
    what = f"e-mail {row.message}" if row.channel == "email" else f"{row.channel} {row.message}"
    at = f" at {row.step}" if row.step and not row.step.isdecimal() else ""
    because = f"the journey {row.journey}{entry(row.entry_key)} was due{at}"
    if row.is_replay:
        because += "; an import replays the past, so nothing is handed over"
    event = places.event(row.started_ref) if row.started_ref else None
    return StoryLine(row.at, "intent", f"decided to send the {what}", because, event=event, intent=row.intent)


def _step(row: StepTaken, places: Places) -> StoryLine:
    kind, form = _STEPS.get(row.what, (row.what, f"{row.what} at {{step}}"))
    until = f" until {format_time(row.until)}" if row.until else ""
    text = form.format(step=row.step, until=until, detail=row.detail)
    because = "" if row.what in _TOLD_IN_TEXT else in_words(row.detail)
    if row.what == "wait" and because:
        because = f"for {because}"
    event = places.event(row.ref) if row.ref else None
    line = f"{row.journey}{entry(row.entry_key)}: {text}"
    return StoryLine(row.at, kind, line, because, whys(row.because, places), event=event)


def _goal(row: GoalReached, places: Places) -> StoryLine:
    again = f", once more, the {_ordinal(row.nth)} time" if row.nth > 1 else ""
    worth = f", worth {row.value:g}" if row.value is not None else ""
    text = f"reached the goal of {row.journey}{entry(row.entry_key)}, begun {format_time(row.started_at)}{again}{worth}"
    event = places.event(row.ref) if row.ref else None
    return StoryLine(row.at, "goal", text, f"held out: {HELD_OUT[row.arm]}" if row.arm in HELD_OUT else "", event=event)


def _response(row: Responded) -> StoryLine:
    of = f": the message of {row.journey}" if row.journey else ""
    machine = "a machine, by the stated rules" if row.is_machine else ""
    because = "; ".join(part for part in (row.detail, machine) if part)
    return StoryLine(row.at, "response", f"{row.name}{of}", because, intent=row.intent)


def whys(readings: Iterable[Reading], places: Places) -> tuple[Why, ...]:
    """The predicates behind a decision, with the newest of the events that gave each its value."""
    return tuple(_why(reading, places) for reading in readings)


def _why(reading: Reading, places: Places) -> Why:
    looked_up = [places.event(number) for number in reading.refs[-EVENTS_BEHIND:]]
    found = tuple(event for event in looked_up if event is not None)
    return Why(reading.text, reading.value, found, len(reading.refs) - len(found))


def entry(entry_key: str) -> str:
    """` for c-7`, where a run is about something."""
    return f" for {entry_key}" if entry_key else ""


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
