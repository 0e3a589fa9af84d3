"""A journey as it is written in journeys/NAME.yaml, read and checked (reading.py); docs/journeys.md says what it means.

Steps stand within steps here, as in the file; a run walks along the list of instructions that kernel/programs.py makes
of them.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from tactful.journeys.program import Schedule
from tactful.language.check import Checked
from tactful.language.tree import Scalar

CHANNELS = ("email", "sms", "push", "web_push", "chat", "webhook")
StartKind = Literal["event", "segment", "left", "schedule", "campaign", "call"]


class EventsWanted(Struct, frozen=True):
    """Which events are meant: names (sorted), a condition on the event, and what gives the key of the run meant."""

    events: tuple[str, ...] = ()
    where: Checked | None = None
    same: Checked | None = None


class Start(Struct, frozen=True):
    """What begins a run."""

    kind: StartKind = "event"
    events: tuple[str, ...] = ()
    where: Checked | None = None
    segment: str = ""
    """That is entered or left, or that a schedule or a campaign is for ("" of a schedule: everybody)."""
    schedule: Schedule | None = None


class Limit(Struct, frozen=True):
    """At most so many messages of this journey per person in any window of this length."""

    times: int
    per_us: int


class Ending(Struct, frozen=True):
    """Of `unless`: an event, or a condition on the person; one of both."""

    wanted: EventsWanted | None = None
    when: Checked | None = None


class Goal(Struct, frozen=True):
    wanted: EventsWanted
    within_us: int
    value: Checked | None = None
    """Over the event."""


# ---- steps -----------------------------------------------------------------------------------------------------------


class WaitStep(Struct, frozen=True):
    name: str
    us: int


class UntilStep(Struct, frozen=True):
    name: str
    minute: int
    """Of the day."""
    weekdays: frozenset[int]
    """Monday 1 ... Sunday 7; empty: any."""


class AwaitStep(Struct, frozen=True):
    """`wait: {for: ...}` or `wait: {when: ...}`; one of both."""

    name: str
    wanted: EventsWanted | None
    when: Checked | None
    at_most_us: int
    then: "Steps" = ()
    otherwise: "Steps" = ()


class IfStep(Struct, frozen=True):
    name: str
    when: Checked
    then: "Steps" = ()
    otherwise: "Steps" = ()


class Arm(Struct, frozen=True):
    """A branch of a split."""

    name: str
    weight: int
    """In hundredths; a share of those of all arms together."""
    steps: "Steps" = ()


class SplitStep(Struct, frozen=True):
    name: str
    arms: tuple[Arm, ...]


class SendStep(Struct, frozen=True):
    name: str
    channel: str
    message: str
    """Name of the message, or the URL of a webhook."""
    purpose: str = ""
    """Of a webhook; a message has its own."""
    validity_us: int | None = None
    """None: the journey's."""
    at: int = 0
    """Where in the file the message is named."""


class SetStep(Struct, frozen=True):
    name: str
    values: tuple[tuple[str, Scalar | Checked], ...]
    """By trait; an expression over the person, or what it is for everybody."""


class ExitStep(Struct, frozen=True):
    name: str
    reason: str


Step = WaitStep | UntilStep | AwaitStep | IfStep | SplitStep | SendStep | SetStep | ExitStep
Steps = tuple[Step, ...]


class Journey(Struct, frozen=True):
    name: str
    description: str
    start: Start
    condition: Checked | None
    """`if`."""
    unless: tuple[Ending, ...]
    repeat: Literal["ignore", "restart"]
    limit: Limit | None
    validity_us: int
    steps: Steps
    version: str
    """Digest of the source."""
    on_merge: bool = False
    """Whether it starts where a segment is entered by a merge (IDENTITY.md 5)."""
    on_publish: bool = False
    """Whether it starts where a segment is entered since it was published (DESIGN.md 4)."""
    key: Checked | None = None
    """Over the starting event."""
    goal: Goal | None = None
    again_us: int = 0
    """After the last start with the same key; rules.NEVER_AGAIN for ever."""
    priority: int = 50
    group: str = ""
    group_at: int = 0
    """Where in the file it is named."""
    holdout: int = 0
    """Of program.SHARES."""
    is_finishing: bool = False
    """`editing: finish`."""

    def sends(self) -> Iterator[SendStep]:
        return (step for step in walk(self.steps) if isinstance(step, SendStep))

    def first_wait_us(self) -> int:
        """How long after its start the first message is due at the earliest (docs/journeys.md, "Starts")."""
        first = self.steps[0] if self.steps else None
        return first.us if isinstance(first, WaitStep) else 0

    def expressions(self) -> Iterator[Checked]:
        """Everything in it that names traits, events, segments ...; those over the person and those over events."""
        goal = self.goal
        found: list[Checked | None] = [self.start.where, self.key, self.condition, goal.value if goal else None]
        wanted = [ending.wanted for ending in self.unless] + [goal.wanted if goal else None]
        found += [ending.when for ending in self.unless]
        for step in walk(self.steps):
            match step:
                case AwaitStep():
                    wanted.append(step.wanted)
                    found.append(step.when)
                case IfStep():
                    found.append(step.when)
                case SetStep():
                    found += [value for _, value in step.values if isinstance(value, Checked)]
        found += [part for one in wanted if one is not None for part in (one.where, one.same)]
        return (one for one in found if one is not None)


def branches(step: Step) -> Iterator[tuple[str, Steps]]:
    """The branches of a step by name, in the order of the file."""
    match step:
        case IfStep() | AwaitStep():
            yield "then", step.then
            yield "else", step.otherwise
        case SplitStep():
            for arm in step.arms:
                yield arm.name, arm.steps


def walk(steps: Steps) -> Iterator[Step]:
    """Every step, before those within it."""
    for step in steps:
        yield step
        for _, inner in branches(step):
            yield from walk(inner)
