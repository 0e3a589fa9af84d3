"""From a journey as it is written to the rule that runs go by: its steps as a list of instructions with jumps.

Steps stand in the list in the order of the file, each before what is within it, so a branch begins right behind its
step or behind the branch before. Every expression over the person has a name here ("journey/cart/if",
"journey/cart/3.then.1"): under it the plan keeps since when it holds (kernel/plan.py). Pure.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from tactful.journeys import definition as written
from tactful.journeys import program
from tactful.journeys.definition import EventsWanted, Journey, Steps
from tactful.journeys.program import END, SHARES, EventMatch, GoalRule, Instruction, Timed
from tactful.journeys.rules import JourneyRule
from tactful.language.check import Checked
from tactful.language.compile import compile_event_value, compile_test
from tactful.language.compiled import Condition, EventValue, Valued
from tactful.messages.definition import Message

_EVENT = re.compile(
    r"(?<![\w.-])event(?![\w-])(?:\.properties\.(?P<property>[A-Za-z_][\w-]*)|\.(?P<own>name|timestamp|key)(?![\w-]))?"
)
"""How templates name what started the run."""


class Made(NamedTuple):
    """What the plan has made of the expressions, by their names."""

    conditions: Mapping[str, Condition]
    values: Mapping[str, Valued]
    unwelcome: Mapping[str, int]
    """Of exits, the number of the aggregate with the newest event."""
    reached: Mapping[str, int]
    """Of goals, that of the one with the events that count."""
    ready_at: Callable[[str], int]
    """From when what has this name is exact."""
    numbers: Mapping[str, int]
    """Of segments: "segment/NAME"."""


def name_of(journey: Journey, edition: str = "") -> str:
    """What the names of its expressions begin with; `edition` is the version of one that is not the present."""
    return f"journey/{journey.name}@{edition}" if edition else f"journey/{journey.name}"


def conditions(journey: Journey, name: str) -> Iterator[tuple[str, Checked]]:
    """Every condition on the person."""
    if journey.condition is not None:
        yield f"{name}/if", journey.condition
    for number, ending in enumerate(journey.unless, start=1):
        if ending.when is not None:
            yield f"{name}/unless/{number}", ending.when
    for step in written.walk(journey.steps):
        if isinstance(step, written.IfStep | written.AwaitStep) and step.when is not None:
            yield f"{name}/{step.name}", step.when


def values(journey: Journey, name: str) -> Iterator[tuple[str, Checked]]:
    """Every value of the person that a trait is set to."""
    for step in written.walk(journey.steps):
        for trait, value in step.values if isinstance(step, written.SetStep) else ():
            if isinstance(value, Checked):
                yield f"{name}/{step.name}/{trait}", value


def exits(journey: Journey, name: str) -> Iterator[tuple[str, EventsWanted]]:
    """The events that end runs."""
    for number, ending in enumerate(journey.unless, start=1):
        if ending.wanted is not None:
            yield f"{name}/unless/{number}", ending.wanted


def journey_rule(journey: Journey, messages: Mapping[str, Message], made: Made, *, edition: str = "") -> JourneyRule:
    """`edition`: of an earlier version, which starts nothing any more."""
    name, start = name_of(journey, edition), journey.start
    condition = made.conditions.get(f"{name}/if")
    segment = made.numbers.get(f"segment/{start.segment}") if start.segment and not edition else None
    limit = journey.limit
    is_entered = start.kind in ("schedule", "campaign")
    return JourneyRule(
        name=journey.name,
        version=journey.version,
        events=frozenset() if edition else frozenset(start.events),
        where=compile_test(start.where) if start.where is not None else None,
        segment=segment if start.kind == "segment" else None,
        condition=condition,
        ready_at=made.ready_at(f"{name}/if") if condition is not None else 0,
        is_restarting=journey.repeat == "restart",
        limit=limit.times if limit is not None else None,
        per_us=limit.per_us if limit is not None else 0,
        validity_us=journey.validity_us,
        on_merge=journey.on_merge,
        on_publish=journey.on_publish,
        program=program_of(journey, messages, made, name),
        left=segment if start.kind == "left" else None,
        schedule=start.schedule if not edition else None,
        audience=segment if is_entered else None,
        is_campaign=start.kind == "campaign" and not edition,
        is_called=start.kind == "call" and not edition,
        key=_event_value(journey.key),
        exits=tuple(_exits(journey, made, name)),
        goal=_goal(journey, made, name),
        again_us=journey.again_us,
        priority=journey.priority,
        group=journey.group,
        holdout=journey.holdout,
        is_finishing=journey.is_finishing,
        kept=None if edition else kept(journey, messages),
    )


def _exits(journey: Journey, made: Made, name: str) -> Iterator[program.ExitRule]:
    for number, ending in enumerate(journey.unless, start=1):
        key = f"{name}/unless/{number}"
        if ending.wanted is not None:
            yield program.ExitRule(match=match_of(ending.wanted), unwelcome=made.unwelcome.get(key))
        else:
            yield program.ExitRule(when=_timed(made, key))


def _goal(journey: Journey, made: Made, name: str) -> GoalRule | None:
    goal = journey.goal
    if goal is None:
        return None
    return GoalRule(match_of(goal.wanted), goal.within_us, _event_value(goal.value), made.reached.get(f"{name}/goal"))


def match_of(wanted: EventsWanted) -> EventMatch:
    where = compile_test(wanted.where) if wanted.where is not None else None
    return EventMatch(frozenset(wanted.events), where, _event_value(wanted.same))


def _event_value(value: Checked | None) -> EventValue | None:
    return compile_event_value(value) if value is not None else None


def _timed(made: Made, name: str) -> Timed:
    return Timed(made.conditions[name], made.ready_at(name))


def _purpose(step: written.SendStep, messages: Mapping[str, Message]) -> str:
    message = messages.get(step.message) if step.channel != "webhook" else None
    return message.purpose if message is not None else step.purpose


# ---- the program -----------------------------------------------------------------------------------------------------


def program_of(journey: Journey, messages: Mapping[str, Message], made: Made, name: str) -> tuple[Instruction, ...]:
    writing = _Writing(journey, messages, made, name)
    writing.lay(journey.steps, END)
    return tuple(writing.found)


def _size(steps: Steps) -> int:
    return sum(1 + sum(_size(inner) for _, inner in written.branches(step)) for step in steps)


class _Writing:
    """Instructions are put in place in the order of the file; where a branch begins is counted before."""

    def __init__(self, journey: Journey, messages: Mapping[str, Message], made: Made, name: str) -> None:
        self.found: list[Instruction] = []
        self._journey = journey
        self._messages = messages
        self._made = made
        self._name = name

    def lay(self, steps: Steps, behind: int) -> None:
        """Steps one behind the other; the last goes on to `behind`."""
        for index, step in enumerate(steps):
            next_ = len(self.found) + _size((step,)) if index + 1 < len(steps) else behind
            targets = self._targets(step, next_)
            self.found.append(self._instruction(step, targets, next_))
            for _, inner in written.branches(step):
                self.lay(inner, next_)

    def _targets(self, step: written.Step, behind: int) -> list[int]:
        """Where each branch begins; an empty one goes on behind the step."""
        at, targets = len(self.found) + 1, []
        for _, inner in written.branches(step):
            targets.append(at if inner else behind)
            at += _size(inner)
        return targets

    def _instruction(self, step: written.Step, targets: list[int], next_: int) -> Instruction:
        made, place = self._made, f"{self._name}/{step.name}"
        match step:
            case written.WaitStep(name=name, us=us):
                return program.Wait(name, us, next_)
            case written.UntilStep(name=name, minute=minute, weekdays=weekdays):
                return program.WaitUntil(name, minute, weekdays, next_)
            case written.AwaitStep(name=name, wanted=wanted, at_most_us=at_most_us):
                match = match_of(wanted) if wanted is not None else None
                when = _timed(made, place) if wanted is None else None
                return program.WaitFor(name, match, when, at_most_us, *targets)
            case written.IfStep(name=name):
                return program.Branch(name, _timed(made, place), *targets)
            case written.SplitStep(name=name, arms=arms):
                return program.Split(name, tuple(_arms(arms, targets)))
            case written.SendStep():
                return self._send(step, next_)
            case written.SetStep(name=name):
                return self._set(step, place, next_)
            case written.ExitStep(name=name, reason=reason):
                return program.Exit(name, reason)

    def _send(self, step: written.SendStep, next_: int) -> program.Send:
        purpose = _purpose(step, self._messages)
        validity_us = self._journey.validity_us if step.validity_us is None else step.validity_us
        return program.Send(step.name, step.channel, step.message, purpose, validity_us, next_)

    def _set(self, step: written.SetStep, place: str, next_: int) -> program.SetTraits:
        names = {trait: f"{place}/{trait}" for trait, value in step.values if isinstance(value, Checked)}
        found = tuple(
            (trait, self._made.values[names[trait]] if trait in names else value) for trait, value in step.values
        )
        ready_at = max((self._made.ready_at(name) for name in names.values()), default=0)
        return program.SetTraits(step.name, found, next_, ready_at)


def _arms(arms: Iterable[written.Arm], targets: Iterable[int]) -> Iterator[tuple[str, int, int]]:
    total, sum_ = sum(arm.weight for arm in arms), 0
    for arm, target in zip(arms, targets, strict=True):
        sum_ += arm.weight
        yield arm.name, round(sum_ * SHARES / total), target


def exact_from(rule: JourneyRule) -> int:
    """From when everything is exact that the journey asks of people."""
    found = [rule.ready_at, *(one.when.ready_at for one in rule.exits if one.when is not None)]
    for one in rule.program:
        match one:
            case program.Branch(when=when) | program.WaitFor(when=program.Timed() as when):
                found.append(when.ready_at)
            case program.SetTraits(ready_at=ready_at):
                found.append(ready_at)
    return max(found)


# ---- what is looked at -----------------------------------------------------------------------------------------------


def kept(journey: Journey, messages: Mapping[str, Message]) -> frozenset[str] | None:
    """The properties of what started it that its messages read; None: any. A webhook gets all of them."""
    found: frozenset[str] = frozenset()
    for step in journey.sends():
        message = messages.get(step.message) if step.channel != "webhook" else None
        read = None if message is None else _read_by(message)
        if read is None:
            return None
        found |= read
    return found


def _read_by(message: Message) -> frozenset[str] | None:
    """Every text of the message is looked at, whatever it is for; a property whose name stands nowhere in plain sight
    (`event.properties[name]`, `assign e = event`) may be any. Too many harm nobody."""
    found: set[str] = set()
    for text in _texts(msgspec.structs.asdict(message)):
        for said in _EVENT.finditer(text):
            if said["property"] is None and said["own"] is None:
                return None
            if said["property"]:
                found |= {said["property"], *said["property"].split("-")}
    return frozenset(found)


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for one in value.values():
                yield from _texts(one)
        case list() | tuple():
            for one in value:
                yield from _texts(one)
        case msgspec.Struct() if not isinstance(value, Checked):
            yield from _texts(msgspec.structs.asdict(value))
