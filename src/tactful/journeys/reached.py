"""What a goal asks for and has happened already when two turn out to be one: the events of one half that may count for
the runs of the other. Pure.

Nobody knows at the event who will sign in tomorrow, so an aggregate of its own keeps them as long as a run may pursue
them: the newest fifty, each with the value that is added up and what says which run is meant.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tactful.aggregates.kinds import State
from tactful.aggregates.ordered import Ordered
from tactful.aggregates.spec import AggregateSpec
from tactful.journeys.definition import Goal
from tactful.journeys.program import GoalRule
from tactful.journeys.rules import is_of
from tactful.language.canonical import canonical
from tactful.language.compiled import Feed
from tactful.language.lower import lower
from tactful.language.tree import Items
from tactful.values import DAY_US

LATE_GOALS_US = DAY_US
"""So long after its end a goal is still counted."""
KEPT = 50
"""Such events of one half; of more the newest."""


class Reached(NamedTuple):
    """An event that a goal asks for: its place in event order, and what is added up."""

    order: tuple[int, int, int]
    value: Any


def wanted(goal: Goal) -> tuple[AggregateSpec, Feed]:
    """The aggregate that keeps them, and what feeds it."""
    asked = goal.wanted
    where = lower(asked.where.tree) if asked.where is not None else None
    said = Items(tuple(lower(one.tree) for one in (asked.same, goal.value) if one is not None), (0, 0))
    text = canonical(where) if where is not None else ""
    # One more, since an event at the very instant of a start may lie behind it.
    older_us = goal.within_us + LATE_GOALS_US + 1
    spec = AggregateSpec("kept", asked.events, where=text, value=canonical(said), keep=KEPT, older_us=older_us)
    return spec, Feed(asked.events, where, said)


def reached(rule: GoalRule, states: Mapping[int, State], key: str) -> list[Reached]:
    """Of one half, in event order, those that are about this key."""
    state = states.get(rule.reached) if rule.reached is not None else None
    found = []
    if isinstance(state, Ordered):
        for *order, said in zip(state.times, state.lags, state.refs, state.values, strict=True):
            at, lag, ref = order
            if rule.match.same is None or is_of(said[0], key):
                value = said[-1] if rule.value is not None else None
                found.append(Reached((at, at + lag, ref), value))
    return found
