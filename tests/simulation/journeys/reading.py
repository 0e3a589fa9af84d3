"""A journey's file as the oracle reads it: plain YAML into plain values, after the tables of docs/journeys.md.

Nothing is checked: only what is right is given to it. Nothing of the engine is used; durations and times of day are read
here once more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 86_400 * SECOND
UNITS = {"s": SECOND, "m": 60 * SECOND, "h": 3600 * SECOND, "d": DAY, "w": 7 * DAY}
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NEVER = 1 << 62
CHANNELS = ("email", "sms", "push", "web_push", "chat", "webhook")


def duration(text: str) -> int:
    """Microseconds of "30m"."""
    return int(text[:-1]) * UNITS[text[-1]]


def minute(text: str) -> int:
    """Of the day, of "09:00"."""
    return int(text[:2]) * 60 + int(text[3:])


def share(text: str) -> float:
    """Percent of "2.5%"."""
    return float(text.replace("%", ""))


@dataclass(frozen=True)
class Match:
    """Events that are meant, with what is asked of them."""

    events: tuple[str, ...]
    where: str = ""
    same: str = ""


@dataclass(frozen=True)
class Ending:
    """One line of `unless`: an event, or a condition."""

    match: Match | None = None
    when: str = ""


@dataclass(frozen=True)
class Goal:
    match: Match
    within: int
    value: str = ""


@dataclass(frozen=True)
class Schedule:
    minute: int
    days: frozenset[int] = frozenset()
    """Monday 1 ... Sunday 7; empty: any."""
    of_month: int = 0


@dataclass(frozen=True)
class Step:
    """One step; what it needs of these fields says its kind."""

    kind: str
    """wait, until, for, when, if, split, send, set, exit."""
    name: str
    place: str
    length: int = 0
    """Of a wait; at_most of one for something; the validity of a message (0: the journey's)."""
    minute: int = 0
    days: frozenset[int] = frozenset()
    match: Match | None = None
    condition: str = ""
    arms: tuple[tuple[str, float], ...] = ()
    branches: Mapping[str, tuple["Step", ...]] = field(default_factory=dict)
    channel: str = ""
    target: str = ""
    purpose: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""

    def waits(self) -> bool:
        return self.kind in ("wait", "until", "for", "when")


@dataclass(frozen=True)
class Start:
    events: tuple[str, ...] = ()
    where: str = ""
    segment: str = ""
    left: str = ""
    schedule: Schedule | None = None
    campaign: str = ""
    call: bool = False
    audience: str = ""
    """The segment of a schedule or a campaign."""


@dataclass(frozen=True)
class Journey:
    name: str
    text: str
    start: Start
    steps: tuple[Step, ...]
    key: str = ""
    condition: str = ""
    unless: tuple[Ending, ...] = ()
    goal: Goal | None = None
    limit: tuple[int, int] | None = None
    validity: int = DAY
    restarts: bool = False
    again: int = 0
    priority: int = 50
    group: str = ""
    holdout: float = 0.0
    on_merge: bool = False
    finishes: bool = False

    def all_steps(self) -> Iterator[Step]:
        yield from _under(self.steps)

    def step(self, name: str) -> Step | None:
        return next((step for step in self.all_steps() if step.name == name), None)

    def first(self) -> Step | None:
        return self.steps[0] if self.steps else None

    def behind(self, step: Step) -> Step | None:
        """The step after it, or after the branching step whose branch it ends."""
        return _behind(self.steps, step, None)

    def first_wait(self) -> int:
        """How long a `wait: D` at the beginning takes."""
        first = self.first()
        return first.length if first is not None and first.kind == "wait" else 0

    def first_message(self) -> int | None:
        """How long after the start the first message is due; None where nobody knows."""
        after = 0
        for step in self.steps:
            if step.kind == "send":
                return after
            if step.kind != "wait":
                return None
            after += step.length
        return None

    def expressions(self) -> Iterator[str]:
        """All conditions on the person."""
        yield self.condition
        yield from (ending.when for ending in self.unless)
        yield from (step.condition for step in self.all_steps())


def _under(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in step.branches.values():
            yield from _under(branch)


def _behind(steps: Sequence[Step], wanted: Step, after: Step | None) -> Step | None:
    for index, step in enumerate(steps):
        following = steps[index + 1] if index + 1 < len(steps) else after
        if step is wanted:
            return following
        for branch in step.branches.values():
            if any(one is wanted for one in _under(branch)):
                return _behind(branch, wanted, following)
    raise AssertionError(wanted.name)


# ---- reading ---------------------------------------------------------------------------------------------------------


def read(name: str, text: str) -> Journey:
    said = yaml.load(text, yaml.BaseLoader)
    again = said.get("again", "always")
    limit = re.fullmatch(r"(\d+) per (\S+)", said["limit"]) if "limit" in said else None
    return Journey(
        name=name,
        text=text,
        start=_start(said["start"]),
        steps=_steps(said["steps"], "") if "steps" in said else _one_message(said),
        key=said.get("key", ""),
        condition=said.get("if", ""),
        unless=tuple(_endings(_listed(said.get("unless", [])))),
        goal=_goal(said["goal"]) if "goal" in said else None,
        limit=(int(limit[1]), duration(limit[2])) if limit else None,
        validity=duration(said.get("validity", "24h")),
        restarts=said.get("repeat", "ignore") == "restart",
        again=NEVER if again == "never" else 0 if again == "always" else duration(again),
        priority=int(said.get("priority", "50")),
        group=said.get("group", ""),
        holdout=share(said.get("holdout", "0%")),
        on_merge=said.get("on_merge", "ignore") == "start",
        finishes=said.get("editing", "move") == "finish",
    )


def _listed(said: Any) -> list[Any]:
    return said if isinstance(said, list) else [said]


def _events(said: Any) -> tuple[str, ...]:
    return tuple(_listed(said))


def _start(said: Mapping[str, Any]) -> Start:
    has_audience = "schedule" in said or "campaign" in said
    campaign = said.get("campaign", "")
    return Start(
        events=_events(said["event"]) if "event" in said else (),
        where=said.get("where", ""),
        segment="" if has_audience else said.get("segment", ""),
        left=said.get("left", ""),
        schedule=schedule(said["schedule"]) if "schedule" in said else None,
        campaign=campaign,
        call="call" in said,
        audience=campaign or (said.get("segment", "") if has_audience else ""),
    )


def schedule(text: str) -> Schedule:
    """ "mondays 09:00", "weekdays at 09:00", "monthly on the 31 at 08:30"."""
    words = text.replace(",", " ").replace(" at ", " ").lower().split()
    at = minute(words[-1])
    if words[0] == "monthly":
        return Schedule(at, of_month=int(words[-2]))
    found: set[int] = set()
    for word in words[:-1]:
        match word:
            case "daily":
                pass
            case "weekdays":
                found |= {1, 2, 3, 4, 5}
            case "weekends":
                found |= {6, 7}
            case _:
                found.add(DAYS.index(word.removesuffix("s")) + 1)
    return Schedule(at, frozenset(found))


def _match(said: Mapping[str, Any], of: str) -> Match:
    return Match(_events(said[of]), said.get("where", ""), said.get("same", ""))


def _endings(said: Sequence[Any]) -> Iterator[Ending]:
    """Plain names are one, and the first."""
    names = tuple(one for one in said if isinstance(one, str))
    if names:
        yield Ending(Match(names))
    for one in said:
        if not isinstance(one, str):
            yield Ending(when=one["when"]) if "when" in one else Ending(_match(one, "event"))


def _goal(said: Any) -> Goal:
    return Goal(_match(said, "event"), duration(said["within"]), said.get("value", ""))


def _one_message(said: Mapping[str, Any]) -> tuple[Step, ...]:
    """`wait:` and `send:` in the place of steps."""
    waits = [{"wait": said["wait"]}] if "wait" in said else []
    sends = {name: said[name] for name in ("send", "purpose") if name in said}
    return _steps([*waits, sends], "")


def _steps(said: Sequence[Mapping[str, Any]], under: str) -> tuple[Step, ...]:
    return tuple(_step(one, f"{under}{number}") for number, one in enumerate(said, 1))


def _step(said: Mapping[str, Any], place: str) -> Step:
    name = said.get("name", place)

    def branches(*names: str) -> dict[str, tuple[Step, ...]]:
        return {one: _steps(said.get(one, []), f"{place}.{one}.") for one in names}

    if "wait" in said:
        return _wait(said["wait"], name, place, branches("then", "else"))
    if "if" in said:
        return Step("if", name, place, condition=said["if"], branches=branches("then", "else"))
    if "split" in said:
        arms = tuple((arm, float(weight)) for arm, weight in said["split"].items())
        return Step("split", name, place, arms=arms, branches=branches(*said["split"]))
    if "send" in said:
        channel, target = next(iter((one, of) for one, of in said["send"].items() if one in CHANNELS))
        purpose = said.get("purpose", said["send"].get("purpose", ""))
        length = duration(said["validity"]) if "validity" in said else 0
        return Step("send", name, place, length=length, channel=channel, target=target, purpose=purpose)
    if "set" in said:
        return Step("set", name, place, values={trait: _constant(one) for trait, one in said["set"].items()})
    return Step("exit", name, place, reason=said["exit"])


def _constant(text: str) -> Any:
    """A number, true, false or a text in quotes stands for itself; any other text is an expression (left a text)."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    if isinstance(value, bool | int | float):
        return value
    return text


def _wait(said: Any, name: str, place: str, branches: Mapping[str, tuple[Step, ...]]) -> Step:
    if isinstance(said, str):
        return Step("wait", name, place, length=duration(said))
    if "until" in said:
        days = frozenset(DAYS.index(day) + 1 for day in _listed(said.get("on", [])))
        return Step("until", name, place, minute=minute(said["until"]), days=days)
    length = duration(said["at_most"])
    if "for" in said:
        return Step("for", name, place, length=length, match=_match(said, "for"), branches=branches)
    return Step("when", name, place, length=length, condition=said["when"], branches=branches)
