"""What an expression means, said a second time: random texts, each with a function over the raw events that shares
nothing with the language (no tree, no states, no generated code)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tactful.aggregates.newest import AggregateSpec, Newest, fold
from tactful.language.compiled import EventTest

SECOND = 1_000_000
DAY = 86_400 * SECOND
WINDOWS = {"1s": SECOND, "2s": 2 * SECOND, "1m": 60 * SECOND, "1d": DAY}
NAMES = ("A", "B", "Order Completed", "$page", "$identify")


class Happening(NamedTuple):
    name: str
    timestamp: int
    ref: int
    properties: Mapping[str, Any]
    context: Mapping[str, Any]


class World(NamedTuple):
    events: tuple[Happening, ...]
    traits: Mapping[str, Any]
    now: int


Meaning = Callable[[Any], Any]


class Said(NamedTuple):
    """A text, and what it means."""

    text: str
    means: Meaning


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 4),
    st.sampled_from([0.5, 1.0, 2.0, -0.0, 1e300]),
    st.sampled_from(["", "a", "DE", "5", "ä"]),
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.fixed_dictionaries(
        {}, optional={"y": scalars, "z": st.lists(st.fixed_dictionaries({}, optional={"y": scalars}), max_size=2)}
    ),
    st.lists(st.fixed_dictionaries({}, optional={"y": scalars}), max_size=3),
)
bags = st.dictionaries(st.sampled_from(["x", "w", "a b", "class"]), values, max_size=4)


@st.composite
def happenings(draw: st.DrawFn, at_most: int = 12) -> tuple[Happening, ...]:
    """Few instants, so that many are equal or at an edge of a window."""
    instants = st.one_of(
        st.integers(0, 5).map(lambda n: n * SECOND), st.integers(0, 4 * SECOND), st.integers(0, 2 * DAY)
    )
    size = draw(st.integers(0, at_most))
    return tuple(
        Happening(draw(st.sampled_from(NAMES)), draw(instants), ref, draw(bags), draw(bags))
        for ref in range(1, size + 1)
    )


def _sort(value: Any) -> str | None:
    return {bool: "boolean", int: "number", float: "number", str: "text"}.get(type(value))


def _same(one: Any, other: Any) -> bool:
    return _sort(one) is not None and _sort(one) == _sort(other) and one == other


def _below(one: Any, other: Any) -> bool:
    return _sort(one) in ("number", "text") and _sort(one) == _sort(other) and one < other


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _same,
    "!=": lambda one, other: not _same(one, other),
    "<": _below,
    ">": lambda one, other: _below(other, one),
    "<=": lambda one, other: _below(one, other) or (_same(one, other) and _sort(one) != "boolean"),
    ">=": lambda one, other: _below(other, one) or (_same(one, other) and _sort(one) != "boolean"),
}


def _element(one: Any, among: Any) -> bool:
    return isinstance(among, list) and any(_same(one, other) for other in among)


def _reach(value: Any, steps: list[Any]) -> Any:
    if not steps:
        return value
    first, rest = steps[0], steps[1:]
    if isinstance(first, int):
        return _reach(value[first], rest) if isinstance(value, list) and len(value) > first else None
    if isinstance(value, dict):
        return _reach(value.get(first), rest)
    if isinstance(value, list):
        found = []
        for element in value:
            reached = _reach(element, [first])
            found += reached if isinstance(reached, list) else [] if reached is None else [reached]
        return _reach(found, rest)
    return None


constants = st.one_of(
    st.integers(-2, 5), st.sampled_from([0.5, 2.0, 2.5]), st.booleans(), st.sampled_from(["", "a", "DE", "5", "ä"])
).map(
    lambda value: Said(
        repr(value) if not isinstance(value, str) else json.dumps(value, ensure_ascii=False), lambda _: value
    )
)
paths: st.SearchStrategy[tuple[str, list[Any]]] = st.sampled_from(
    [
        ("{}x", ["x"]),
        ("{}w", ["w"]),
        ('ROOT["a b"]', ["a b"]),
        ('ROOT["class"]', ["class"]),
        ("{}x.y", ["x", "y"]),
        ("{}x[0]", ["x", 0]),
        ('{}x[1]["y"]', ["x", 1, "y"]),
        ("{}x.z.y", ["x", "z", "y"]),
        ("{}w.z[0].y", ["w", "z", 0, "y"]),
    ]
)


@st.composite
def names(draw: st.DrawFn, scope: str) -> Said:
    pattern, steps = draw(paths)
    if scope == "event":
        where = draw(st.sampled_from(["properties", "context"]))
        text = pattern.replace("ROOT", where).format("context." if where == "context" else "")
        return Said(text, lambda event: _reach(dict(getattr(event, where)), steps))
    return Said(
        pattern.replace("ROOT", "traits").format(draw(st.sampled_from(["", "profile."]))),
        lambda world: _reach(dict(world.traits), steps),
    )


@st.composite
def counted(draw: st.DrawFn) -> tuple[str, Callable[[World], int]]:
    chosen = draw(
        st.one_of(
            st.sampled_from([*NAMES, "*"]).map(lambda one: [one]),
            st.lists(st.sampled_from(NAMES), min_size=2, max_size=3),
        )
    )
    where = draw(st.one_of(st.none(), st.none(), conditions("event")))
    window = draw(st.one_of(st.none(), st.sampled_from(sorted(WINDOWS))))
    text = json.dumps(chosen[0] if len(chosen) == 1 else chosen)
    text += f", where={where.text}" if where else ""
    text += f', last="{window}"' if window else ""

    def how_many(world: World) -> int:
        wanted = {"A", "B", "Order Completed", "$page"} if "*" in chosen else set(chosen)
        found = [
            event for event in world.events if event.name in wanted and (where is None or where.means(event) is True)
        ]
        if window:
            found = [event for event in found if event.timestamp > world.now - WINDOWS[window]]
        return len(found)

    return text, how_many


@st.composite
def counts(draw: st.DrawFn) -> Said:
    text, how_many = draw(counted())
    return Said(f"count({text})", how_many)


def operands(scope: str) -> st.SearchStrategy[Said]:
    """Values; a condition in brackets is one too, True or False."""
    asked = names(scope).map(lambda name: Said(f"(True and {name.text})", lambda seen: name.means(seen) is True))
    return st.one_of(names(scope), constants, asked, *([counts(), counts(), happened()] if scope == "person" else []))


@st.composite
def comparisons(draw: st.DrawFn, scope: str) -> Said:
    first = draw(operands(scope))
    text, steps = first.text, []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        op = draw(st.sampled_from(sorted(COMPARE)))
        following = draw(operands(scope))
        text += f" {op} {following.text}"
        steps.append((op, following))

    def means(seen: Any) -> bool:
        left, answer = first.means(seen), True
        for op, following in steps:
            right = following.means(seen)
            answer = answer and COMPARE[op](left, right)
            left = right
        return answer

    return Said(f"({text})", means)


@st.composite
def memberships(draw: st.DrawFn, scope: str) -> Said:
    item = draw(operands(scope))
    negated = draw(st.booleans())
    word = "not in" if negated else "in"
    if draw(st.booleans()):
        among = draw(names(scope))
        return Said(
            f"({item.text} {word} {among.text})",
            lambda seen: _element(item.means(seen), among.means(seen)) is not negated,
        )
    items = draw(st.lists(operands(scope), max_size=3))
    listed = "[" + ", ".join(one.text for one in items) + "]"
    return Said(
        f"({item.text} {word} {listed})",
        lambda seen: _element(item.means(seen), [one.means(seen) for one in items]) is not negated,
    )


@st.composite
def absences(draw: st.DrawFn, scope: str) -> Said:
    operand = draw(operands(scope))
    negated = draw(st.booleans())
    return Said(
        f"({operand.text} is {'not ' if negated else ''}None)",
        lambda seen: (operand.means(seen) is None) is not negated,
    )


@st.composite
def happened(draw: st.DrawFn) -> Said:
    text, how_many = draw(counted())
    return Said(f"any({text})", lambda world: how_many(world) > 0)


def _joined(scope: str, inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
    def join(word: str, parts: list[Said]) -> Said:
        quantor = all if word == "and" else any
        return Said(
            "(" + f" {word} ".join(part.text for part in parts) + ")",
            lambda seen: quantor(part.means(seen) is True for part in parts),
        )

    several = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.builds(join, st.sampled_from(["and", "or"]), several),
        inner.map(lambda part: Said(f"(not {part.text})", lambda seen: part.means(seen) is not True)),
    )


def conditions(scope: str) -> st.SearchStrategy[Said]:
    leaves = [
        comparisons(scope),
        memberships(scope),
        absences(scope),
        names(scope),
        st.booleans().map(lambda value: Said(str(value), lambda _: value)),
    ]
    if scope == "person":
        leaves += [happened(), happened()]
    return st.recursive(st.one_of(*leaves), lambda inner: _joined(scope, inner), max_leaves=4)


@st.composite
def thresholds(draw: st.DrawFn) -> Said:
    """Several counts of the same events, with windows of one or two lengths: they share states and take turns."""
    parts = []
    for _ in range(draw(st.integers(2, 4))):
        window = draw(st.sampled_from(["2s", "2s", "1m"]))
        op, bound = draw(st.sampled_from(["<", "<=", "==", ">=", ">", "!="])), draw(st.integers(0, 4))
        meant = _in_window(window)
        parts.append(Said(f'(count("A", last="{window}") {op} {bound})', _compared(op, meant, bound)))
    word = draw(st.sampled_from([" and ", " or "]))
    quantor = all if word == " and " else any
    return Said(word.join(part.text for part in parts), lambda world: quantor(part.means(world) for part in parts))


def _in_window(window: str) -> Callable[[World], int]:
    return lambda world: sum(
        1 for event in world.events if event.name == "A" and event.timestamp > world.now - WINDOWS[window]
    )


def _compared(op: str, meant: Callable[[World], int], bound: int) -> Meaning:
    return lambda world: COMPARE[op](meant(world), bound)


same_events = st.lists(st.integers(0, 4_000_000).map(lambda at: at // 250_000 * 250_000), max_size=8).map(
    lambda instants: tuple(Happening("A", at, ref, {}, {}) for ref, at in enumerate(instants, 1))
)


def matches(spec: AggregateSpec, test: EventTest | None, event: Happening) -> bool:
    """Whether the engine would fold the event into this aggregate."""
    is_named = event.name in spec.events or ("*" in spec.events and event.name not in ("$identify", "$group", "$alias"))
    return is_named and (test is None or test.holds(event.properties, event.context))


def states(
    aggregates: tuple[tuple[int, AggregateSpec, EventTest | None], ...], events: tuple[Happening, ...]
) -> dict[int, Newest]:
    newest: dict[int, Newest] = {}
    for number, spec, test in aggregates:
        for event in events:
            if matches(spec, test, event):
                fold(spec.keep, newest.setdefault(number, Newest([], [])), event.timestamp, event.ref)
    return newest
