"""What `unless` names and has happened already when a start arrives late: the newest such event of the person, or, with
`same`, of each key. Pure.

An aggregate of its own keeps it, since nobody knows at the event whether a start that lies before it is still to come.
With `same` it looks back so far for all journeys, and further only where a start may be later than that: so an edit of
a `validity` or of a first wait begins none anew.
"""

from collections.abc import Mapping

from tactful.aggregates import scalars
from tactful.aggregates.grouped import Grouped
from tactful.aggregates.kinds import State
from tactful.aggregates.newest import Newest
from tactful.aggregates.spec import AggregateSpec
from tactful.journeys.definition import EventsWanted, Journey
from tactful.journeys.program import ExitRule
from tactful.language.canonical import canonical
from tactful.language.compiled import Feed
from tactful.language.lower import lower
from tactful.values import DAY_US

LOOKS_BACK_US = 31 * DAY_US


def wanted(journey: Journey, ending: EventsWanted) -> tuple[AggregateSpec, Feed]:
    """The aggregate that keeps it, and what feeds it."""
    where = lower(ending.where.tree) if ending.where is not None else None
    text = canonical(where) if where is not None else ""
    if ending.same is None:
        return AggregateSpec("newest", ending.events, where=text, keep=1), Feed(ending.events, where, None)
    same = lower(ending.same.tree)
    late_us = max(journey.first_wait_us() + journey.validity_us, LOOKS_BACK_US)
    spec = AggregateSpec("grouped", ending.events, where=text, value=canonical(same), keep=1, older_us=late_us)
    return spec, Feed(ending.events, where, same)


def came_after(rule: ExitRule, states: Mapping[int, State], key: str, start: tuple[int, int]) -> tuple[int, int] | None:
    """Of the newest such event behind `start` (instant, ref) its own; None where there is none. `key` is the run's."""
    state = states.get(rule.unwelcome) if rule.unwelcome is not None else None
    newest: tuple[int, int] | None = None
    match state:
        case Newest():
            newest = (state.times[-1], state.refs[-1]) if state.times else None
        case Grouped():
            for name in _forms(key):
                group = state.groups.get(name)
                if group is not None and (newest is None or (group.times[-1], group.ref) > newest):
                    newest = group.times[-1], group.ref
    return newest if newest is not None and newest > start else None


def _forms(key: str) -> list[scalars.Key]:
    """Every value that is the key as text: 7 and "7" are one key."""
    found = scalars.keys(key)
    if key in ("true", "false"):
        found.append(f"\0{key}")
    try:
        number = scalars.number(float(key))
    except ValueError:
        return found
    return found if number is None else [*found, number]
