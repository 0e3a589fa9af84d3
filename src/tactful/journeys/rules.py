"""Journeys as runs go by them: what a rule says, which events it means, what counts against its limit. Pure.

How a run begins and walks is the kernel's (kernel/starting.py, kernel/walking.py), since it asks the person.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Raw, Struct

from tactful.events.derived import Reading
from tactful.journeys.program import (
    SHARES,
    EventMatch,
    ExitRule,
    GoalRule,
    Instruction,
    Schedule,
    Send,
    Wait,
    WaitFor,
    WaitUntil,
)
from tactful.journeys.runs import Run
from tactful.language.compiled import Condition, EventTest, EventValue
from tactful.values import DAY_US, WEEK_US, digest, format_duration

NEVER_AGAIN = 1 << 62
LONGEST_KEY = 128
"""Characters of an entry key; a longer one is kept as its digest."""


class JourneyRule(Struct, frozen=True, dict=True):
    """A compiled journey; what follows from its program is worked out once, where it is asked for."""

    name: str
    version: str
    events: frozenset[str]
    where: EventTest | None
    segment: int | None
    """Number of the segment whose entry starts it."""
    condition: Condition | None
    ready_at: int
    """From when the condition is exact."""
    is_restarting: bool
    limit: int | None
    per_us: int
    validity_us: int
    """How late it may start, and a message leave that says nothing else."""
    on_merge: bool = False
    """Whether a segment that is entered because identifiers were tied starts it."""
    on_publish: bool = False
    """Whether one that is entered because its definition is new does."""
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

    @cached_property
    def kept_us(self) -> int:
        """How long what was sent may still matter: to the limit, or to a run of another half of the person."""
        valid_us = max((one.validity_us for one in self.sends), default=0)
        return max(self.per_us, sum(_longest_us(one) for one in self.program) + max(self.validity_us, valid_us))

    @cached_property
    def sends(self) -> tuple[Send, ...]:
        return tuple(one for one in self.program if isinstance(one, Send))

    @cached_property
    def is_asking(self) -> bool:
        """Whether anything that happens to a person may be what a run waits for, or ends by: a condition, or another
        time zone. Other runs go on by events that they name, and when they are due."""
        if any(one.when is not None for one in self.exits):
            return True
        waits = (
            one.when is not None if isinstance(one, WaitFor) else isinstance(one, WaitUntil) for one in self.program
        )
        return any(waits)

    @cached_property
    def first_us(self) -> int:
        """How long after its start a run goes on for the first time, where that is known beforehand."""
        first = self.program[0]
        return first.us if isinstance(first, Wait) else 0

    @cached_property
    def first_send_us(self) -> int | None:
        """How long after its start its first message is due; None where that depends."""
        after, index = 0, 0
        for _ in self.program:
            one = self.program[index]
            if isinstance(one, Send):
                return after
            if not isinstance(one, Wait) or one.next < 0:
                return None
            after, index = after + one.us, one.next
        return None

    def place(self, step: str) -> int | None:
        """Where in the program a step of this name stands."""
        return self._places.get(step)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {one.name: index for index, one in reversed(list(enumerate(self.program)))}


def _longest_us(step: Instruction) -> int:
    match step:
        case Wait(us=us):
            return us
        case WaitFor(at_most_us=us):
            return us
        case WaitUntil():
            return WEEK_US + DAY_US
        case _:
            return 0


class Cause(Struct, frozen=True):
    """What starts a run: an event, or an instant (no event, its own instant for every time)."""

    at: int
    received_at: int
    ref: int
    message_id: str
    event: str
    properties: Raw
    matched: str = ""
    """The value of a grouped count (`same=`) that the start is about; the entry key of a call."""
    because: tuple[Reading, ...] = ()
    origin: str = ""
    """The fragment of the record behind it; "" for the profile's own."""
    key: str | None = None
    """The value of `key:`, where the journey has one."""

    def started(self) -> tuple[int, int, int]:
        """In event order (LANGUAGE.md 1.4)."""
        return self.at, self.received_at, self.ref


Sent = tuple[int, str, str, str]
"""An instant, the intent, what its run was about (the entry key), and the step."""


# ---- which events are meant ------------------------------------------------------------------------------------------


class Told(Struct, frozen=True):
    """An event as journeys look at it, decoded."""

    name: str
    names: frozenset[str]
    """By which definitions may mean it: its own, and "*"."""
    order: tuple[int, int, int]
    """Its place in event order (LANGUAGE.md 1.4)."""
    properties: Mapping[str, Any]
    context: Mapping[str, Any]

    def fits(self, match: EventMatch, key: str) -> bool:
        """Whether it is meant, of a run with this key."""
        if match.events.isdisjoint(self.names):
            return False
        if match.where is not None and not match.where.holds(self.properties, self.context):
            return False
        return match.same is None or is_of(match.same(self.properties, self.context), key)


def key_text(value: Any) -> str | None:
    """A value as the key of a run: 3.0 is "3"; None for what is missing, a list or an object."""
    match value:
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            text = str(int(value))
        case int() | float() | str():
            text = str(value)
        case _:
            return None
    return text if len(text) <= LONGEST_KEY else digest(text)


def is_of(value: Any, key: str) -> bool:
    """Whether a value is the key, or a list that holds it."""
    return any(key_text(one) == key for one in value) if isinstance(value, list) else key_text(value) == key


# ---- chance ----------------------------------------------------------------------------------------------------------


def share_of(*parts: str) -> int:
    """A number below SHARES that is as good as drawn, and always the same."""
    return int(digest(*parts)[:15], 16) % SHARES


def arm_of(rule: JourneyRule, holdout: int, key: str) -> str:
    """`global` or `holdout` where the person is held out; `holdout` (a share) is the workspace's."""
    if holdout and share_of("holdout", "", key) < holdout:
        return "global"
    return "holdout" if rule.holdout and share_of("holdout", rule.name, key) < rule.holdout else ""


# ---- limits ----------------------------------------------------------------------------------------------------------


def used(rule: JourneyRule, sent: Mapping[str, list[Sent]], at: int) -> bool:
    """Is the limit used up at the instant `at`?"""
    entries = sent.get(rule.name) if rule.limit is not None else None
    if rule.limit is None or entries is None:
        return False
    return sum(at - rule.per_us < entry[0] <= at for entry in entries) >= rule.limit


def count(rule: JourneyRule, sent: dict[str, list[Sent]], at: int, run: Run) -> None:
    """Against the limit, where there is one; beside that the newest of each entry key and step is kept for as long as a
    run of another half of the person may be about the same."""
    limited = at - rule.per_us if rule.limit is not None else at
    about = run.entry_key, run.step
    kept = [
        entry
        for entry in sent.get(rule.name, ())
        if entry[0] > limited or (entry[2:] != about and entry[0] > at - rule.kept_us)
    ]
    sent[rule.name] = [*kept, (at, run.intent, *about)]


def limit_text(rule: JourneyRule) -> str:
    """The limit in words."""
    return f"limit: {rule.limit} per {format_duration(rule.per_us)}"
