"""Preview: what an expression says of everybody, known now or at any instant, before anybody publishes it.

A condition: for how many people it holds, who some of them are, and for how many it held day by day before. A value,
and whatever a condition compares with a constant: how it lies over people, with the threshold that can be moved.

One pass over the history says what is so at the instant, exactly. The days before it are asked over a thinned copy
(thinned.py), of some people where there are many; how far such a number may be off stands beside it.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from tactful.aggregates.spec import AggregateSpec
from tactful.history.queries import Session
from tactful.kernel.view import Around, PersonView
from tactful.language.canonical import canonical
from tactful.language.check import Checked
from tactful.language.compile import compile_condition
from tactful.language.sql.engines import write
from tactful.language.sql.query import Asked
from tactful.language.sql.seeing import Sees
from tactful.language.tree import (
    Arithmetic,
    Clock,
    Compare,
    Consents,
    IsMissing,
    Lasting,
    Node,
    Not,
    Now,
    Score,
    Trait,
    everything,
    walk,
)
from tactful.language.tree import Literal as Constant
from tactful.language.types import ANYTHING, BOOLEAN, DURATION, NUMBER, TEXT, TIME, kind_of
from tactful.operations.history.asof import unheard
from tactful.operations.history.opened import KNOWN, Opened
from tactful.operations.history.terms import Terms
from tactful.operations.history.thinned import SINCE, chosen, event_names, thinned
from tactful.operations.plain import plain
from tactful.operations.previews.spread import Measured, Spread, size_of, spread
from tactful.values import DAY_US

SAMPLE = 10
"""People who are shown, the same for as long as they are in it."""
DAYS, POINTS = 30, 30
"""How far back it is asked at first; instants before the present one, at most."""
MOST_PEOPLE, MOST_EVENTS = 5_000, 1_000_000
"""Of which the days before are asked: of one person in so many that there are no more."""
TRACED = (50, 90)
"""Percentiles of a value that are told day by day."""
_AT_ONCE = 10
"""Instants of one question: they share the cores, and the memory."""
MOST_SPREADS = 3
"""Comparisons of a condition that are shown."""
MOST_VALUES = 20
"""Different values that are counted one by one."""
_TABLE = "previewed"
_IT, _THERE = "it", "there"
"""What is asked, and whether it holds or has a value."""
_ANY_OF = (TEXT, NUMBER, BOOLEAN, TIME)
"""What a value may be that may be anything; a text may read as a time as well."""
ENGINE: Literal["duckdb"] = "duckdb"
_KINDS: Mapping[str, str] = {NUMBER: "number", DURATION: "duration", TIME: "time"}
_TURNED: Mapping[str, str] = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class Point(Struct, frozen=True):
    """For how many people it held at an instant, or who had a value; with 95 % between `low` and `high`."""

    at_us: int
    people: int
    low: int
    high: int
    percentiles: tuple[tuple[int, float], ...] = ()
    """Of a number or duration: those of TRACED, as the spread has them."""


class Member(Struct, frozen=True):
    """Somebody for whom it holds, or who has a value."""

    key: str
    value: Any = None
    """As JSON has it; None of a condition."""


class Preview(Struct, frozen=True):
    kind: Literal["condition", "value"]
    at_us: int
    sees: Sees
    """Whether by what was known, or what had happened."""
    everybody: int
    """Who were there then."""
    people: int
    """For whom it holds, or who have a value."""
    sample: tuple[Member, ...]
    points: tuple[Point, ...]
    """Ascending; the last one is the instant itself, and exact."""
    step: int
    """Of the days before, one person in so many was asked."""
    spreads: tuple[Spread, ...]
    values: tuple[tuple[Any, int], ...] = ()
    """The most frequent values with how many people have them, where it is no number."""
    unheard: tuple[tuple[str, str], ...] = ()
    """Of an expression that tells nobody apart: events of its that never came, each with what was meant probably."""
    begins_at_us: int | None = None
    """Where nobody was there: when the first of whom anything is known came, if anybody did."""


def preview(
    opened: Opened,
    checked: Checked,
    at_us: int,
    days: int = DAYS,
    *,
    sees: Sees = KNOWN,
    terms: Terms | None = None,
    is_brief: bool = False,
) -> Preview:
    """`is_brief` leaves out the days before. Raises TransientError where memory or a disk does not suffice."""
    tree, session = checked.tree, opened.session
    is_condition = kind_of(tree) == BOOLEAN
    compared = list(_compared(tree)) if is_condition else [_Asked(tree)]
    expressions = {_IT: tree, _THERE: _holding(tree)}
    expressions |= {f"m{place}": _measurable(one.node) for place, one in enumerate(compared)}
    kinds = {kind: kind for kind in _ANY_OF if kind_of(tree) == ANYTHING}
    expressions |= dict.fromkeys(kinds, tree)
    query, asked = opened.written(expressions, at_us, sees, terms=terms, kinds=kinds)
    session.rows(f"CREATE OR REPLACE TEMP TABLE {_TABLE} AS {query}")
    holds = _holds(asked)
    ((everybody, people),) = session.rows(f"SELECT count(*), count(*) FILTER ({holds}) FROM {_TABLE}")
    measured = [_measured(asked, f"m{place}", one, checked.text) for place, one in enumerate(compared)]
    spreads = tuple(one for each in measured if (one := spread(session, _TABLE, each)).people)
    if not is_condition and spreads and 2 * spreads[0].people < people:
        spreads = ()  # Mostly texts: of those the few numbers are told as values.
    step, points = 1, tuple[Point, ...]()
    if not is_brief:
        step = _step(session, everybody)
        traced = None if is_condition or not spreads else spreads[0]
        now = Point(at_us, people, people, people, _traced(traced))
        points = (*_earlier(opened, tree, at_us, sees, days, step, everybody, terms, traced), now)
    return Preview(
        kind="condition" if is_condition else "value",
        at_us=at_us,
        sees=sees,
        everybody=everybody,
        people=people,
        sample=tuple(_sample(session, asked, holds, is_condition=is_condition)),
        points=points,
        step=step,
        spreads=spreads,
        values=() if is_condition or spreads else tuple(_values(session, asked, holds, tuple(kinds) or (_IT,))),
        unheard=() if 0 < people < everybody else tuple(unheard(session, tree)),
        begins_at_us=None if everybody else opened.first_us(sees),
    )


def count(opened: Opened, checked: Checked, at_us: int, terms: Terms | None = None) -> tuple[int, int]:
    """For how many people a condition holds, and how many are known. Raises TransientError."""
    query, asked = opened.written({_THERE: checked.tree}, at_us, terms=terms)
    holds = _holds(asked)
    ((everybody, people),) = opened.session.rows(f"SELECT count(*), count(*) FILTER ({holds}) FROM ({query})")
    return people, everybody


def as_values(found: Preview) -> dict[str, Any]:
    """As JSON has it."""
    from tactful.values import format_time

    return {
        "kind": found.kind,
        "at": format_time(found.at_us),
        "sees": found.sees,
        "everybody": found.everybody,
        "people": found.people,
        "sample": [{"person": one.key, "value": one.value} for one in found.sample],
        "overTime": [
            {
                "at": format_time(one.at_us),
                "people": one.people,
                "low": one.low,
                "high": one.high,
                "percentiles": {str(percent): value for percent, value in one.percentiles},
            }
            for one in found.points
        ],
        "onePersonIn": found.step,
        "spreads": [_spread_values(one) for one in found.spreads],
        "values": [{"value": value, "people": people} for value, people in found.values],
        "neverCame": [{"event": name, "hint": hint} for name, hint in found.unheard],
    }


def _spread_values(one: Spread) -> dict[str, Any]:
    return {
        "value": one.text,
        "unit": one.unit or None,
        "people": one.people,
        "missing": one.missing,
        "low": one.low,
        "high": one.high,
        "percentiles": {str(percent): value for percent, value in one.percentiles},
        "bars": [{"from": begin, "people": people} for begin, people in zip(one.edges, one.bars, strict=True)],
        "width": one.width,
        "isOpen": one.is_open,
        "comparison": {"op": one.op, "threshold": one.threshold, "people": one.beyond} if one.op else None,
    }


# ---- what is measured ----------------------------------------------------------------------------------------------


class _Asked(Struct, frozen=True):
    """A value, and what it is compared with: a number, or microseconds."""

    node: Node
    op: str = ""
    threshold: float | None = None
    place: tuple[int, int] | None = None


def _compared(tree: Node) -> Iterator[_Asked]:
    """The first few comparisons with a constant in a condition."""
    found = 0
    unlike = set[int]()
    for node in walk(tree):
        if isinstance(node, Not) and node.part.span == node.span:  # Written as one: !=
            unlike.add(id(node.part))
        if not isinstance(node, Compare) or found == MOST_SPREADS:
            continue
        said = "!=" if id(node) in unlike else node.op
        for value, op, constant in ((node.left, said, node.right), (node.right, _TURNED[said], node.left)):
            at = _constant(constant)
            if at is not None and _constant(value) is None and kind_of(value) in (NUMBER, DURATION, ANYTHING):
                found += 1
                yield _Asked(value, op, at, constant.span)
                break


def _constant(node: Node) -> float | None:
    match node:
        case Constant(value=bool() | str() | None):
            return None
        case Constant(value=int() | float() as value):
            return float(value)
        case Lasting(duration_us=value):
            return float(value)
        case _:
            return None


def _measurable(node: Node) -> Node:
    """Of what may be anything, the numbers: whatever is no number is missing when nothing is added to it."""
    return Arithmetic("+", node, Constant(0.0, node.span), node.span) if kind_of(node) == ANYTHING else node


def _measured(asked: Asked, name: str, one: _Asked, text: str) -> Measured:
    kind, written = _KINDS.get(kind_of(one.node), "number"), " ".join(text[slice(*one.node.span)].split())
    return Measured(_column(asked, name), written or canonical(one.node), kind, one.op, one.threshold, one.place)


def _column(asked: Asked, name: str) -> str:
    """The last of a value's columns, which is its own where it has one type."""
    return f"v{asked.columns[name].end - 2}"


# ---- at the instant ------------------------------------------------------------------------------------------------


def _holding(tree: Node) -> Node:
    """A condition, or whether there is a value."""
    return tree if kind_of(tree) == BOOLEAN else Not(IsMissing(tree, tree.span), tree.span)


def _holds(asked: Asked) -> str:
    return f"coalesce({_column(asked, _THERE)}, false)"


def _own(asked: Asked, name: str) -> Sequence[str]:
    begin, end, _ = asked.columns[name]
    return [f"v{place - 1}" for place in range(begin, end)]


def _sample(session: Session, asked: Asked, holds: str, *, is_condition: bool) -> Iterator[Member]:
    held = ", ".join(_own(asked, _IT))
    rows = session.rows(
        f"SELECT person, {held} FROM {_TABLE} WHERE {holds} ORDER BY hash(person), person LIMIT {SAMPLE}"
    )
    read = asked.columns[_IT].read
    for person, *own in rows:
        yield Member(person) if is_condition else Member(person, plain(read(own)))


def _values(session: Session, asked: Asked, holds: str, names: Sequence[str]) -> Iterator[tuple[Any, int]]:
    """The most frequent of what these columns hold, of which one has the value; lists and objects are in none of them
    where it may be anything, and are not counted."""
    own = {name: _own(asked, name) for name in names}
    held = ", ".join(one for each in own.values() for one in each)
    rows = session.rows(
        f"SELECT {held}, count(*) AS people FROM {_TABLE} WHERE {holds} GROUP BY {held} ORDER BY people DESC, {held} "
        f"LIMIT {MOST_VALUES + 1}"
    )
    for row in rows[:MOST_VALUES]:
        cells = iter(row)
        values = [asked.columns[name].read([next(cells) for _ in each]) for name, each in own.items()]
        if (value := next((one for one in values if one is not None), None)) is not None:
            yield plain(value), row[-1]


# ---- before it -----------------------------------------------------------------------------------------------------


def _step(session: Session, everybody: int) -> int:
    events: int
    ((events,),) = session.rows("SELECT count(*) FROM events")
    return max(1, math.ceil(everybody / MOST_PEOPLE), math.ceil(events / MOST_EVENTS))


def _traced(one: Spread | None) -> tuple[tuple[int, float], ...]:
    if one is None or size_of(one.unit) is None:
        return ()
    return tuple((percent, value) for percent, value in one.percentiles if percent in TRACED)


def _earlier(
    opened: Opened,
    tree: Node,
    at_us: int,
    sees: Sees,
    days: int,
    step: int,
    everybody: int,
    terms: Terms | None,
    traced: Spread | None,
) -> Iterator[Point]:
    """Each instant a whole number of days before, from the last before there was anything. What is estimated is of how
    many of those known at `at_us`."""
    session = opened.session
    holding_tree = _holding(tree)
    size = size_of(traced.unit) if traced is not None else None
    expressions = {_THERE: holding_tree, **({"m": _measurable(tree)} if size is not None else {})}
    _, asked = opened.written(expressions, at_us, sees, terms=terms)
    since = SINCE[sees] if _holds_of_nobody(holding_tree) else ()
    copy = thinned(session, asked.query, opened.layout, at_us, step, event_names(tree), _TABLE, since)
    query, holds = write(copy, ENGINE), _holds(asked)
    ((known,),) = session.rows(f"SELECT count(*) FILTER ({chosen(step, 'person')}) FROM {_TABLE}")
    lying = "".join(f", quantile_disc({_column(asked, 'm')}, {one / 100})" for one in TRACED if size is not None)
    every = max(1, math.ceil(days / POINTS))
    instants = [at_us - back * DAY_US for back in range(days // every * every, 0, -every)]
    first_us = _first_us(session, SINCE[sees][0], instants[0]) if instants else None
    # Before that nobody was there, and not at the next instant either.
    instants = [at for at in instants if first_us is not None and at + every * DAY_US > first_us]
    for begin in range(0, len(instants), _AT_ONCE):
        queries = {at: query.given({"t": at}) for at in instants[begin : begin + _AT_ONCE]}
        parts = [f"SELECT {at}, count(*) FILTER ({holds}){lying} FROM ({written})" for at, written in queries.items()]
        for at, holding, *values in sorted(session.rows(" UNION ALL ".join(parts)), key=itemgetter(0)):
            point = _point(at, holding, known, everybody) if step > 1 else Point(at, holding, holding, holding)
            if size is not None and values[0] is not None:
                percentiles = tuple(zip(TRACED, (float(each) / size for each in values), strict=True))
                point = replace(point, percentiles=percentiles)
            yield point


def _first_us(session: Session, time: str, until_us: int) -> int | None:
    """When anything was received first, or happened; where anything was by then, some such time."""
    if not (found := session.rows(f"SELECT {time} FROM events WHERE {time} <= {until_us} LIMIT 1")):
        found = session.rows(f"SELECT min({time}) FROM events")
    first_us: int | None = found[0][0]
    return first_us


def _holds_of_nobody(tree: Node) -> bool:
    """Whether the condition may hold for somebody who has done nothing that it reads."""
    if any(isinstance(node, Now | Clock | Consents | Trait | Score) for node in everything(tree)):
        return True
    numbers: dict[AggregateSpec, int] = {}
    condition = compile_condition(Checked("", tree), lambda spec: numbers.setdefault(spec, len(numbers)))
    return condition.holds(PersonView({}, {}, Around("UTC", dict)), 0)


def _point(at_us: int, holding: int, known: int, everybody: int) -> Point:
    from tactful.operations.lift import Rate, wilson  # Slow to import.

    found = wilson(Rate(holding, known))
    low, high = math.floor(found.low * everybody), math.ceil(found.high * everybody)
    return Point(at_us, round(found.value * everybody), low, high)
