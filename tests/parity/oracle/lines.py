"""What was received: raw lines in, and for a person and an instant T what LANGUAGE.md lets an expression look at."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests.parity.oracle.ties import Fragment, Ties, identifiers
from tests.parity.oracle.traits import Rules, Write, traits
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
    source: str = "import"


class Told(NamedTuple):
    """A score, a threshold or a decision."""

    received: int
    place: int
    about: Any
    value: Any


class Saying(NamedTuple):
    """One line about somebody."""

    received: int
    kind: str
    names: list[str]
    fragment: Fragment
    """Where it entered."""
    call: Happening | None
    told: Told | None
    covers: frozenset[Fragment]
    """By a decision: all that were the person's then."""


class History(NamedTuple):
    sayings: list[Saying]
    thresholds: list[Told]
    shown: dict[str, str]
    """How the identifiers are printed."""


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
    return Happening(timestamp, received, place, kind, _name(line), bag, context, line.get("source", "import"))


def _name(line: Mapping[str, Any]) -> str:
    return str(line["event"]) if line["type"] == "track" else f"${line['type']}"


def read(lines: Sequence[Mapping[str, Any]]) -> History:
    """The file as the log: sorted by receivedAt, ties by line; a repeated messageId is dropped (LANGUAGE.md 1.4, 1.5)."""
    history = History([], [], {})
    ties = Ties()
    seen = set()
    for place, line in enumerate(sorted(lines, key=lambda line: when(line["receivedAt"]))):
        received, kind = when(line["receivedAt"]), line["type"]
        if kind == "threshold":
            about = (line["metric"], float(line["percent"]))
            history.thresholds.append(Told(received, place, about, cleaned(line["value"])))
            continue
        names = identifiers(line)
        mark = (names[0], line.get("messageId", place))
        if mark not in seen:
            seen.add(mark)
            said = Saying(received, kind, names, ties.now(names[0]), None, None, frozenset())
            history.sayings.append(_said(said, line, place, ties))
            hear(ties, said)
    history.shown.update(shown({name for said in history.sayings for name in said.names}))
    return history


def _said(said: Saying, line: Mapping[str, Any], place: int, ties: Ties) -> Saying:
    match said.kind:
        case "unmerge":
            return said
        case "score":
            return said._replace(told=Told(said.received, place, line["model"], cleaned(line["value"])))
        case "consent":
            fragment = ties.enter(said.names[0])
            mine = {one for one in ties.fragments() if ties.person(one) == ties.person(fragment)}
            told = Told(said.received, place, line["purpose"], line["granted"])
            return said._replace(told=told, covers=frozenset(mine))
    return said._replace(call=happening(line, place))


def hear(ties: Ties, said: Saying) -> None:
    if said.kind == "unmerge":
        ties.undo(said.names[0])
    else:
        ties.enter(said.names[0])
    if said.kind in CALLS:
        ties.meet(said.names, said.kind)


def shown(names: set[str]) -> dict[str, str]:
    """A user or an anonymous id by its value alone, unless it is both; others in full."""
    return {
        name: name[2:] if name[0] == "u" or (name[0] == "a" and f"u:{name[2:]}" not in names) else name
        for name in names
    }


# ---- what is known at T ----------------------------------------------------------------------------------------------


def worlds(history: History, now: int, time_zone: str, retention: Mapping[str, int], rules: Rules) -> dict[str, World]:
    """Everybody who is known at the instant (LANGUAGE.md 1.8), by how they are printed."""
    ties = Ties()
    visible = [said for said in history.sayings if said.received <= now]
    for said in visible:
        hear(ties, said)
    mine: dict[str, list[Saying]] = {person: [] for person in ties.people()}
    decisions: dict[str, list[Saying]] = {person: [] for person in mine}
    for said in visible:
        if said.kind != "unmerge":
            mine[ties.person(said.fragment)].append(said)
        for person in {ties.person(fragment) for fragment in said.covers}:
            decisions[person].append(said)
    thresholds = [told for told in history.thresholds if told.received <= now]
    known = {told.about: told.value for told in sorted(thresholds, key=lambda told: told[:2])}
    return {
        history.shown[person]: world(
            now, said, decided(ties, person, decisions[person]), known, time_zone, retention, rules
        )
        for person, said in mine.items()
    }


def world(
    now: int,
    sayings: Sequence[Saying],
    decisions: Mapping[str, bool],
    thresholds: Mapping[tuple[str, float], Any],
    time_zone: str,
    retention: Mapping[str, int],
    rules: Rules,
) -> World:
    calls = sorted((said.call for said in sayings if said.call is not None), key=lambda call: call[:3])
    scores = [said.told for said in sayings if said.told is not None and said.kind == "score"]
    known = traits([Write(call.properties, call.source) for call in calls if call.kind == "identify"], rules)
    return World(
        now,
        calls,
        [call for call in calls if call.name not in retention or call.timestamp > now - retention[call.name]],
        known,
        {told.about: told.value for told in sorted(scores, key=lambda told: told[:2])},
        decisions,
        thresholds,
        zone_of(known, calls, time_zone),
    )


def decided(ties: Ties, person: str, sayings: Sequence[Saying]) -> dict[str, bool]:
    """By purpose: one fragment at least has said yes, and none no. Of a fragment the newest of what covers it counts, a
    yes only while the fragment where it entered is this person's."""
    answers: dict[str, bool] = {}
    for purpose in {said.told.about for said in sayings if said.told is not None}:
        about = [said for said in sayings if said.told is not None and said.told.about == purpose]
        for fragment in {one for said in about for one in said.covers if ties.person(one) == person}:
            newest: dict[Fragment, bool] = {}
            for said in about:  # In order: of each fragment that decides, the last.
                if fragment in said.covers and said.told is not None:
                    newest.pop(said.fragment, None)
                    newest[said.fragment] = said.told.value
            left = [yes for by, yes in newest.items() if not yes or ties.person(by) == person]
            if left:
                answers[purpose] = answers.get(purpose, True) and left[-1]
    return answers


# ---- zones -----------------------------------------------------------------------------------------------------------


@cache
def zone_names() -> frozenset[str]:
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


@cache
def zone(name: str) -> ZoneInfo:
    """Of the pinned package, whatever the system has."""
    with files("tzdata.zoneinfo").joinpath(*name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def zone_of(known: Mapping[str, Any], calls: list[Happening], time_zone: str) -> ZoneInfo:
    """The trait, else the context of the latest event with a valid one, else the workspace's (LANGUAGE.md 8)."""
    candidates = [known.get("timezone"), *(call.context.get("timezone") for call in reversed(calls)), time_zone]
    return zone(next(name for name in candidates if isinstance(name, str) and name in zone_names()))


def local(at: int, where: ZoneInfo) -> datetime:
    return (EPOCH + timedelta(microseconds=at)).astimezone(where)
