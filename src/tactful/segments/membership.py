"""Membership: who is in which segment at an instant, what flipped, and when to look again. Pure.

A rule says nothing before `ready_at`: either its definition did not exist yet, or an aggregate that it reads has not
seen its whole window ("warming").
"""

from collections.abc import Iterable

from msgspec import Struct

from tactful.events.derived import Row, SegmentEntered, SegmentLeft
from tactful.language.compiled import Condition, View


class SegmentRule(Struct, frozen=True):
    """A compiled segment; `number` stands for its name in states."""

    number: int
    name: str
    condition: Condition
    ready_at: int


def evaluate(
    rules: Iterable[SegmentRule],
    members: dict[int, int],
    wakes: dict[int, int],
    view: View,
    at: int,
    cause: str,
    rows: list[Row],
) -> tuple[int | None, list[tuple[SegmentRule, str, str]]]:
    """Bring `members`, and in `wakes` the next instant at which each rule may flip by itself, up to the instant `at`,
    adding a row per flip.

    Returns the first of these instants, and the rules that were entered (what starts journeys), each with what it
    matched and the cause.
    """
    wake: int | None = None
    entered: list[tuple[SegmentRule, str, str]] = []
    for rule in rules:
        if rule.ready_at > at:
            wakes.pop(rule.number, None)
            continue
        condition = rule.condition
        holds = condition.holds(view, at)
        if holds != (rule.number in members):
            why = "publish" if rule.ready_at == at and cause == "time" else cause
            because = condition.because(view, at)
            if holds:
                members[rule.number] = at
                matched = matched_text(condition.key(view, at))
                rows.append(SegmentEntered(at, rule.name, why, because, matched))
                entered.append((rule, matched, why))
            else:
                del members[rule.number]
                rows.append(SegmentLeft(at, rule.name, why, because))
        change = None if condition.is_still else condition.next_change(view, at)
        if change is None:
            wakes.pop(rule.number, None)
            continue
        wakes[rule.number] = change
        if wake is None or change < wake:
            wake = change
    return wake, entered


def matched_text(key: str | float | bool | None) -> str:
    """The value that a grouped count is about, as text: 3.0 is "3"; "" where there is none."""
    match key:
        case None:
            return ""
        case bool():
            return "true" if key else "false"
        case float() if key.is_integer():
            return str(int(key))
        case _:
            return str(key)
