"""The functions over events, sessions and collections, each as its sentence in LANGUAGE.md 6 to 8.1 says it."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from tests.parity.oracle.lines import Happening, World, local
from tests.parity.oracle.values import Moment, Span, elements, is_number, is_scalar, same, span, step_into

QUARTER = 15 * 60 * 1_000_000
Window = tuple[int | None, int]
"""T - older < timestamp <= T - newer; older None: all time."""


def is_meant(names: Sequence[str], call: Happening) -> bool:
    return call.name in names or ("*" in names and call.kind in ("track", "page", "screen"))


def is_within(at: int, window: Window, now: int) -> bool:
    older, newer = window
    return (older is None or at > now - older) and at <= now - newer


# ---- numbers of values -----------------------------------------------------------------------------------------------


def millionths(value: float) -> int:
    return math.floor(float(value) * 1_000_000 + 0.5)


def summable(values: Sequence[Any]) -> list[int]:
    """S1: numbers below 1e12, in millionths."""
    every = [element for value in values for element in elements(value)]
    return [millionths(one) for one in every if is_number(one) and abs(one) < 1e12]


def total(values: Sequence[Any]) -> float:
    return float(sum(summable(values))) / 1e6


def average(values: Sequence[Any]) -> float | None:
    parts = summable(values)
    return float(sum(parts)) / 1e6 / len(parts) if parts else None


def extreme(values: Sequence[Any], pick: Callable[[list[float]], float]) -> float | None:
    numbers = [float(one) for value in values for one in elements(value) if is_number(one)]
    return pick(numbers) if numbers else None


def different(values: Sequence[Any]) -> list[Any]:
    """Scalar values, each once: 1 is 1.0, but neither "1" nor true."""
    found: list[Any] = []
    for value in values:
        for one in elements(value):
            if is_scalar(one) and not any(same(one, other) for other in found):
                found.append(one)
    return found


def most_alike(values: Sequence[Any]) -> int:
    """The most events that share one value; within an event a value counts once."""
    return max(
        (
            sum(1 for value in values if any(same(one, candidate) for one in elements(value)))
            for candidate in different(values)
        ),
        default=0,
    )


def active_days(calls: Sequence[Happening], world: World) -> int:
    return len({local(call.timestamp // QUARTER * QUARTER, world.zone).date() for call in calls})


# ---- sequences -------------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    is_absent: bool
    fits: Callable[[World, Happening], bool]


def sequence(world: World, steps: Sequence[Step], within: int | None, last: int | None) -> bool:
    """Some choice of one event for each positive step keeps every rule of LANGUAGE.md 7."""
    calls = world.lasting
    fits = [{place for place, call in enumerate(calls) if step.fits(world, call)} for step in steps]
    positives = [index for index, step in enumerate(steps) if not step.is_absent]

    def is_free(begin: int, end: int, absents: Sequence[int]) -> bool:
        return not any(place in fits[index] for place in range(begin, end) for index in absents)

    @cache  # What comes after depends on no more than this.
    def goes_on(first: int, newest: int, count: int) -> bool:
        """Whether a choice of the first `count` positive steps, from one event to another, can be completed."""
        begin = calls[first].timestamp
        if within is not None and calls[newest].timestamp >= begin + within:
            return False
        if last is not None and calls[newest].timestamp <= world.now - last:
            return False
        done = positives[count - 1]
        if count == len(positives):
            absents = range(done + 1, len(steps))
            waited = not absents or within is None or world.now >= begin + within
            return waited and is_free(newest + 1, len(calls), absents)
        between = range(done + 1, positives[count])
        return any(
            is_free(newest + 1, place, between) and goes_on(first, place, count + 1)
            for place in range(newest + 1, len(calls))
            if place in fits[positives[count]]
        )

    return any(goes_on(place, place, 1) for place in sorted(fits[0]))


# ---- sessions --------------------------------------------------------------------------------------------------------


def sessions(world: World, gap: int) -> list[tuple[int, int]]:
    """(begin, end) of each longest run with less than `gap` from one event to the next, oldest first."""
    found: list[tuple[int, int]] = []
    for at in sorted(call.timestamp for call in world.calls if is_meant(["*"], call)):
        if found and at - found[-1][1] < gap:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def session_count(world: World, gap: int, window: Window) -> float:
    return float(sum(1 for begin, _ in sessions(world, gap) if is_within(begin, window, world.now)))


def session_length(world: World, gap: int) -> Span | None:
    found = sessions(world, gap)
    return Span(found[-1][1] - found[-1][0]) if found else None


def average_session_length(world: World, gap: int, window: Window) -> Span | None:
    lengths = [end - begin for begin, end in sessions(world, gap) if is_within(begin, window, world.now)]
    return span(sum(lengths) // len(lengths)) if lengths else None


# ---- collections -----------------------------------------------------------------------------------------------------


class Operation(NamedTuple):
    call: Happening
    is_addition: bool
    key: Any
    quantity: int
    """In millionths; negative for a removal."""


def walk(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = step_into(value, step)
    return value


def quantity(call: Happening, path: Sequence[str | int]) -> int:
    value = walk(call.properties, path)
    return millionths(value) if is_number(value) and 0 < value < 1e12 else 1_000_000


def operations(world: World, about: Mapping[str, Any]) -> list[Operation]:
    """Additions and removals with a key after the newest clear, in event order."""
    clears = [place for place, call in enumerate(world.calls) if call.name in about["clear"]]
    found = []
    for call in world.calls[clears[-1] + 1 if clears else 0 :]:
        key, amount = walk(call.properties, about["key"]), quantity(call, about["quantity"])
        if is_scalar(key) and call.name in about["add"]:
            found.append(Operation(call, True, key, amount))
        if is_scalar(key) and call.name in about["remove"]:
            found.append(Operation(call, False, key, -amount))
    return found


class Line(NamedTuple):
    """Of a cart; the newest addition tells what it looks like."""

    newest: Happening
    key: Any
    quantity: int


def lines(world: World, about: Mapping[str, Any]) -> list[Line]:
    every = operations(world, about)
    found = []
    for key in different([one.key for one in every]):
        mine = [one for one in every if same(one.key, key)]
        added = [one for one in mine if one.is_addition]
        left = sum(one.quantity for one in mine)
        if left > 0:
            found.append(Line(added[-1].call, added[-1].key, left))
    return sorted(found, key=lambda line: line.newest[:3])


def worth(line: Line, about: Mapping[str, Any]) -> int:
    """S1 holds for what a line is worth, too."""
    price = walk(line.newest.properties, about["price"])
    product = float(line.quantity) / 1e6 * price if is_number(price) else 0.0
    return millionths(product) if abs(product) < 1e12 else 0


def item(line: Line, about: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: line.newest.properties[name] for name in about["fields"] if name in line.newest.properties}
    held = {name: value for name, value in shown.items() if value is not None}
    name = [step for step in about["key"] if isinstance(step, str)][-1]
    return {**held, name: line.key, "quantity": float(line.quantity) / 1e6}


def collection(world: World, about: Mapping[str, Any], part: str) -> Any:
    found = lines(world, about)
    match part:
        case "lines":
            return float(len(found))
        case "quantity":
            return float(sum(line.quantity for line in found)) / 1e6
        case "value":
            return float(sum(worth(line, about) for line in found)) / 1e6
        case "items":
            return [item(line, about) for line in found]
        case "changed_at":
            every = [*about["add"], *about["remove"]]
            changes = [
                call.timestamp
                for call in world.calls
                if call.name in about["clear"]
                or (call.name in every and is_scalar(walk(call.properties, about["key"])))
            ]
            return Moment(changes[-1]) if changes else None
    raise AssertionError(part)
