"""What was received: raw lines in, and for a person and an instant T what LANGUAGE.md lets an expression look at."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.parity.oracle.values import EPOCH, read_time

CALLS = ("track", "identify", "page", "screen", "group", "alias")


class Happening(NamedTuple):
    """One call. Its first three fields are event order (LANGUAGE.md 1.4)."""

    timestamp: int
    received: int
    place: int
    kind: str
    name: str
    properties: Mapping[str, Any]
    context: Mapping[str, Any]


class Told(NamedTuple):
    """A score, a threshold or a decision."""

    received: int
    place: int
    about: Any
    value: Any


class Person(NamedTuple):
    name: str
    calls: list[Happening]
    scores: list[Told]
    decisions: list[Told]


class History(NamedTuple):
    people: dict[str, Person]
    thresholds: list[Told]


class World(NamedTuple):
    """All that an expression may look at, of one person at one instant."""

    now: int
    calls: list[Happening]
    """Visible, in event order."""
    lasting: list[Happening]
    """Those of them that retention has left."""
    traits: Mapping[str, Any]
    scores: Mapping[str, Any]
    decisions: Mapping[str, bool]
    thresholds: Mapping[tuple[str, float], Any]
    zone: ZoneInfo


# ---- reading ---------------------------------------------------------------------------------------------------------


def when(text: str) -> int:
    at = read_time(text)
    assert at is not None, text
    return at.us


def cleaned(value: Any) -> Any:
    """As it was coerced when it came in: no number beyond a double's whole numbers that is not a double, no NaN."""
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [cleaned(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def who(line: Mapping[str, Any]) -> str:
    """The userId, else the anonymousId; "" and null are absent (LANGUAGE.md 1.9)."""
    named = [line[key] for key in ("userId", "anonymousId") if line.get(key) not in (None, "")]
    return str(named[0]).strip()


def happening(line: Mapping[str, Any], place: int) -> Happening:
    received = when(line["receivedAt"])
    client = line.get("originalTimestamp") or line.get("timestamp")
    timestamp = when(client) if client else received
    if client and line.get("sentAt"):
        timestamp = received - (when(line["sentAt"]) - timestamp)
    timestamp = min(timestamp, received)
    kind, context = line["type"], cleaned(line.get("context") or {})
    bag = cleaned(line.get("properties") or {})
    if kind in ("identify", "group"):
        bag = cleaned(line.get("traits") or {})
    if kind == "identify" and isinstance(context.get("traits"), dict):
        bag = {**context["traits"], **bag}
    if kind in ("page", "screen"):
        bag = {**bag, **{key: line[key] for key in ("name", "category") if line.get(key)}}
    return Happening(timestamp, received, place, kind, line["event"] if kind == "track" else f"${kind}", bag, context)


def read(lines: Sequence[Mapping[str, Any]]) -> History:
    """The file as the log: sorted by receivedAt, ties by line; a repeated messageId is dropped (LANGUAGE.md 1.4, 1.5)."""
    history = History({}, [])
    seen = set()
    for place, line in enumerate(sorted(lines, key=lambda line: when(line["receivedAt"]))):
        received = when(line["receivedAt"])
        if line["type"] == "threshold":
            about = (line["metric"], float(line["percent"]))
            history.thresholds.append(Told(received, place, about, cleaned(line["value"])))
            continue
        name = who(line)
        person = history.people.setdefault(name, Person(name, [], [], []))
        if line["type"] == "score":
            person.scores.append(Told(received, place, line["model"], cleaned(line["value"])))
        elif line["type"] == "consent":
            person.decisions.append(Told(received, place, line["purpose"], line["granted"]))
        elif (name, line.get("messageId", place)) not in seen:
            seen.add((name, line.get("messageId", place)))
            person.calls.append(happening(line, place))
    return history


# ---- what is known at T ----------------------------------------------------------------------------------------------


def world(history: History, person: Person, now: int, time_zone: str, retention: Mapping[str, int]) -> World | None:
    """None where the person is not known yet (LANGUAGE.md 1.8)."""
    calls = sorted(call for call in person.calls if call.received <= now)
    scores = [told for told in person.scores if told.received <= now]
    decisions = [told for told in person.decisions if told.received <= now]
    if not calls and not scores and not decisions:
        return None
    traits: dict[str, Any] = {}
    for call in calls:
        if call.kind == "identify":
            traits.update(call.properties)
    thresholds = [told for told in history.thresholds if told.received <= now]
    return World(
        now,
        calls,
        [call for call in calls if call.name not in retention or call.timestamp > now - retention[call.name]],
        traits,
        {told.about: told.value for told in sorted(scores, key=lambda told: told[:2])},
        {told.about: told.value for told in sorted(decisions, key=lambda told: told[:2])},
        {told.about: told.value for told in sorted(thresholds, key=lambda told: told[:2])},
        zone_of(traits, calls, time_zone),
    )


# ---- zones -----------------------------------------------------------------------------------------------------------


@cache
def zone_names() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """Of the pinned package, whatever the system has."""
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def zone_of(traits: Mapping[str, Any], calls: list[Happening], time_zone: str) -> ZoneInfo:
    """The trait, else the context of the latest event with a valid one, else the workspace's (LANGUAGE.md 8)."""
    candidates = [traits.get("timezone"), *(call.context.get("timezone") for call in reversed(calls)), time_zone]
    return zone(next(name for name in candidates if isinstance(name, str) and name in zone_names()))


def local(at: int, where: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).astimezone(where)
