"""A journey as a list of instructions with jumps, which a run walks along. Pure.

Compiled once per plan (kernel/plan.py); what each means is told in docs/journeys.md.

Targets are indices of the program; END is behind the last. A run waits at an instruction whose name it keeps
(`Run.step`), so that it can be found again in another version.
"""

from typing import Any

from msgspec import Struct

from tactful.language.compiled import Condition, EventTest, EventValue, Valued

END = -1
SHARES = 10_000
"""Shares (of a split, a holdout) are counted in hundredths of a percent."""


class Timed(Struct, frozen=True):
    """A condition on the person, exact from `ready_at` on."""

    condition: Condition
    ready_at: int = 0


class EventMatch(Struct, frozen=True):
    """Which events are meant; `same` gives the run's key, or a list that holds it."""

    events: frozenset[str]
    where: EventTest | None = None
    same: EventValue | None = None


class Wait(Struct, frozen=True):
    """Until so long after the moment."""

    name: str
    us: int
    next: int


class WaitUntil(Struct, frozen=True):
    """Until a local time."""

    name: str
    minute: int
    """Of the day, 0 to 1439."""
    weekdays: frozenset[int]
    """Monday 1 ... Sunday 7; empty: any."""
    next: int


class WaitFor(Struct, frozen=True):
    """Until an event, or a condition (one of both), or the time is over."""

    name: str
    match: EventMatch | None
    when: Timed | None
    at_most_us: int
    came: int
    otherwise: int


class Branch(Struct, frozen=True):
    name: str
    when: Timed
    then: int
    otherwise: int


class Split(Struct, frozen=True):
    name: str
    arms: tuple[tuple[str, int, int], ...]
    """Of each arm its name, the end of its share (ascending, the last is SHARES), and its target."""


class Send(Struct, frozen=True):
    name: str
    channel: str
    """`email`, `sms`, `push`, `web_push`, `chat`, `webhook`."""
    target: str
    """The message's name, or the URL of a webhook."""
    purpose: str
    validity_us: int
    next: int


class SetTraits(Struct, frozen=True):
    name: str
    values: tuple[tuple[str, Any | Valued], ...]
    next: int
    ready_at: int = 0
    """From when the values are exact; before it nothing is written."""


class Exit(Struct, frozen=True):
    name: str
    reason: str


Instruction = Wait | WaitUntil | WaitFor | Branch | Split | Send | SetTraits | Exit


class ExitRule(Struct, frozen=True):
    """What ends runs (`unless`): an event, or a condition."""

    match: EventMatch | None = None
    when: Timed | None = None
    unwelcome: int | None = None
    """Number of the aggregate that keeps the newest such event (unwelcome.py), for starts that arrive behind it."""


class GoalRule(Struct, frozen=True):
    match: EventMatch
    within_us: int
    value: EventValue | None = None
    reached: int | None = None
    """Number of the aggregate that keeps such events (reached.py), for runs of another half of the person."""


class Schedule(Struct, frozen=True):
    """Instants by the workspace's clock; `weekdays` as in WaitUntil, `day` of the month (0: none)."""

    minute: int
    weekdays: frozenset[int] = frozenset()
    day: int = 0
