"""Mentions: which definitions encoded groups of derived rows speak of, and how often what happened in which hour.

Hours are those at which something took effect here (flips and waits at
their own instant, events when they were applied), counted from 1970. Nothing that is counted names a person.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tactful.events.derived import (
    Closed,
    ConsentChanged,
    EventKept,
    EventRefused,
    FragmentsCame,
    GoalReached,
    Group,
    OutcomeNoted,
    Responded,
    RunEnded,
    RunStarted,
    SegmentEntered,
    SegmentLeft,
    SendMessage,
    StepTaken,
    decode_groups,
)
from tactful.events.reasons import reason_of
from tactful.values import HOUR_US

IDENTITY = "identity"
"""Stands among definitions for whom identifiers belong to."""
EVERYBODY = ""
"""Stands among definitions for what belongs to none: events, refusals, new people."""
MOST_KINDS = 200
"""Different (name, detail) of one `what` of a definition in one hour that are counted apart; more are OTHER."""
OTHER = "other"


class Tally(NamedTuple):
    """How often something happened in an hour.

    | `definition` | `what` | `name` | `detail` |
    |---|---|---|---|
    | "" | `kept` | the event | |
    | "" | `refused` | `anonymous`, `quarantine` | the code |
    | "" | `met` (a person or a visitor for the first time) | | |
    | "" | `consent` | the purpose | `yes`, `no` |
    | "identity" | `came` | `merge`, `unmerge`, `new` | |
    | "segment/NAME" | `entered`, `left` | the cause | |
    | "journey/NAME" | `started` | the arm | |
    | "journey/NAME" | `refused` (a start that was none) | | the reason |
    | "journey/NAME" | `ended` | the step | the reason |
    | "journey/NAME" | `wait`, `over`, `set`; `came`, `branch`, `split`, `withheld` | the step | of these what |
    | "journey/NAME", "message/NAME" | `intent` | the step; the journey | |
    | "journey/NAME" | `outcome` | the status | the reason |
    | "journey/NAME" | `response` | the event | `machine` |
    | "journey/NAME" | `goal` | the arm | `again` |
    """

    hour: int
    definition: str
    what: str
    name: str
    detail: str
    number: int


Key = tuple[int, str, str, str, str]
Tallies = dict[Key, int]


def speaks_of(group: Group, definition: str) -> bool:
    """Whether a group of rows mentions a definition."""
    kind, _, name = definition.partition("/")
    match kind:
        case "segment":
            return any(isinstance(row, SegmentEntered | SegmentLeft) and row.segment == name for row in group.rows)
        case "journey":
            return any(getattr(row, "journey", None) == name for row in group.rows)
        case _:
            return definition == IDENTITY and any(isinstance(row, FragmentsCame) for row in group.rows)


def tells_of(group: Closed, definition: str) -> bool:
    """The same of a group that nobody has read; most need not be."""
    _, _, name = definition.partition("/")
    return name.encode("utf-8", "replace") in bytes(group.rows) and speaks_of(group.open(), definition)


def definitions(tallies: Tallies) -> set[str]:
    """Those by which rows are found."""
    return {key[1] for key in tallies if key[1] and not key[1].startswith("message/")}


def told(body: bytes) -> Tallies:
    """What encoded groups tell, by hour."""
    tallies: Tallies = {}
    for group in decode_groups(body):
        rows = group.rows
        if not group.before and group.key and rows:
            _add(tallies, _at(rows[0]), EVERYBODY, "met", "", "")
        for row in rows:
            if isinstance(row, EventKept):  # By far the most.
                key = ((row.at + row.late_us) // HOUR_US, EVERYBODY, "kept", row.name, "")
                tallies[key] = tallies.get(key, 0) + 1
            elif (count := _COUNTED.get(type(row))) is not None:
                count(tallies, row)
    return tallies


def _at(row: Any) -> int:
    return int(row.at) + int(getattr(row, "late_us", 0))


def _add(tallies: Tallies, at: int, definition: str, what: str, name: str, detail: str) -> None:
    key = (at // HOUR_US, definition, what, name, detail)
    tallies[key] = tallies.get(key, 0) + 1


def _flipped(tallies: Tallies, row: SegmentEntered | SegmentLeft) -> None:
    what = "entered" if isinstance(row, SegmentEntered) else "left"
    _add(tallies, row.at, f"segment/{row.segment}", what, row.cause, "")


def _started(tallies: Tallies, row: RunStarted) -> None:
    _add(tallies, row.at, f"journey/{row.journey}", "started", row.arm, "")


def _ended(tallies: Tallies, row: RunEnded) -> None:
    what = "ended" if row.step else "refused"
    _add(tallies, row.at, f"journey/{row.journey}", what, row.step, reason_of(row.reason))


def _sends(tallies: Tallies, row: SendMessage) -> None:
    _add(tallies, row.at, f"journey/{row.journey}", "intent", row.step, "")
    if row.channel != "webhook":
        _add(tallies, row.at, f"message/{row.message}", "intent", row.journey, "")


def _noted(tallies: Tallies, row: OutcomeNoted) -> None:
    reason = reason_of(row.reason) if row.reason else ""
    _add(tallies, row.at, f"journey/{row.journey}", "outcome", row.status, reason)


def _consents(tallies: Tallies, row: ConsentChanged) -> None:
    _add(tallies, row.at, EVERYBODY, "consent", row.purpose, "yes" if row.granted else "no")


def _came(tallies: Tallies, row: FragmentsCame) -> None:
    _add(tallies, row.at, IDENTITY, "came", row.cause, "")


def _refused(tallies: Tallies, row: EventRefused) -> None:
    _add(tallies, row.at + row.late_us, EVERYBODY, "refused", row.verdict, row.code)


def _takes(tallies: Tallies, row: StepTaken) -> None:
    """What a step sets is somebody's, and is not counted."""
    detail = ""
    if row.what in ("came", "branch", "split"):
        detail = row.detail
    elif row.what == "withheld":
        detail = reason_of(row.detail)
    _add(tallies, row.at, f"journey/{row.journey}", row.what, row.step, detail)


def _reaches(tallies: Tallies, row: GoalReached) -> None:
    _add(tallies, row.at, f"journey/{row.journey}", "goal", row.arm, "" if row.nth == 1 else "again")


def _responds(tallies: Tallies, row: Responded) -> None:
    detail = "machine" if row.is_machine else ""
    _add(tallies, row.at, f"journey/{row.journey}", "response", row.name, detail)


_COUNTED: Mapping[type, Callable[[Tallies, Any], None]] = {
    SegmentEntered: _flipped,
    SegmentLeft: _flipped,
    RunStarted: _started,
    RunEnded: _ended,
    SendMessage: _sends,
    OutcomeNoted: _noted,
    ConsentChanged: _consents,
    FragmentsCame: _came,
    EventRefused: _refused,
    StepTaken: _takes,
    GoalReached: _reaches,
    Responded: _responds,
}


def within(key: Key, known: int) -> Key:
    """Where it is counted, given how many kinds of this `what` are counted in that hour already, this one not."""
    return key if known < MOST_KINDS else (*key[:3], OTHER, "")
