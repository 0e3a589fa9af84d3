"""Membership: who is in which segment at an instant, what flipped, and when to look again. Pure.

A rule says nothing before `ready_at`: either its definition did not exist yet, or an aggregate that it reads has not
seen its whole window ("warming").
"""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from tactful.aggregates.newest import Newest
from tactful.events.derived import Row, SegmentEntered, SegmentLeft
from tactful.language.compiled import Condition


class SegmentRule(Struct, frozen=True):
    """A compiled segment; `number` stands for its name in states."""

    number: int
    name: str
    condition: Condition
    ready_at: int


def evaluate(
    rules: Iterable[SegmentRule],
    members: dict[int, int],
    newest: Mapping[int, Newest],
    traits: Mapping[str, Any],
    at: int,
    cause: str,
    rows: list[Row],
) -> tuple[int | None, list[SegmentRule]]:
    """Bring `members` up to the instant `at`, adding a row per flip.

    Returns the next instant at which one of the rules may flip by itself, and the rules that were entered for another
    cause than their publication (what starts journeys).
    """
    wake: int | None = None
    entered: list[SegmentRule] = []
    for rule in rules:
        if rule.ready_at > at:
            continue
        condition = rule.condition
        holds = condition.holds(newest, traits, at)
        if holds != (rule.number in members):
            why = "publish" if rule.ready_at == at and cause == "time" else cause
            because = condition.because(newest, traits, at)
            if holds:
                members[rule.number] = at
                rows.append(SegmentEntered(at, rule.name, why, because))
                if why != "publish":
                    entered.append(rule)
            else:
                del members[rule.number]
                rows.append(SegmentLeft(at, rule.name, why, because))
        change = condition.next_change(newest, at)
        if change is not None and (wake is None or change < wake):
            wake = change
    return wake, entered
