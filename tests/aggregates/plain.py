"""The meaning of each kind over a plain list of events, as slow and obvious as can be; shares nothing with the kinds.

A case is a spec, what its events carry, and its readers with the plain answer to each.
"""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from msgspec import structs

from tactful.aggregates.spec import AggregateSpec
from tactful.values import Time

OLDER, NEWER = 12, 4


class Happened(NamedTuple):
    """In event order."""

    at: int
    lag: int
    ref: int
    value: Any

    @property
    def received(self) -> int:
        return self.at + self.lag


Answer = Callable[[Sequence[Happened]], Any]
"""Of the events in the window, in event order."""


class Reader(NamedTuple):
    name: str
    answer: Answer
    extra: tuple[Any, ...] = ()
    """Arguments of the reader between the state and the instant, or behind it (`zone`)."""
    is_behind: bool = False

    def read(self, aggregate: Any, state: Any, now: int) -> Any:
        arguments = (now, *self.extra) if self.is_behind else (*self.extra, now)
        return getattr(aggregate, self.name)(state, *arguments)


class Case(NamedTuple):
    name: str
    spec: AggregateSpec
    values: st.SearchStrategy[Any]
    readers: tuple[Reader, ...]
    unit: int = 1
    """Microseconds of one step of time in drawn histories."""
    is_exact: bool = False
    """next_change is the very instant at which the first reader's answer changes."""

    def inside(self, events: Sequence[Happened], now: int) -> list[Happened]:
        """Those that count at `now`, in event order."""
        spec = self.spec
        older = math.inf if spec.older_us is None else spec.older_us
        return sorted(
            (e for e in events if now - older < e.at <= now - spec.newer_us and e.received <= now),
            key=lambda e: (e.at, e.lag, e.ref),
        )

    def is_right(self, aggregate: Any, state: Any, events: Sequence[Happened], now: int) -> None:
        inside = self.inside(events, now)
        for reader in self.readers:
            found, wanted = reader.read(aggregate, state, now), reader.answer(inside)
            assert (type(found), found) == (type(wanted), wanted), (self.name, reader.name, now, inside)


# ---- what events carry -----------------------------------------------------------------------------------------------

NUMBERS = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.1, 0.2, 0.3, -0.0, 1.0, 2.5, 19.99, 1e-7, 1e11, -1e11, 1e12, 1e300, 2**53, 1234567.891]),
)
SCALARS = st.one_of(NUMBERS, st.booleans(), st.sampled_from(["", "a", "b", "1", "true", "z" * 300, "é"]))
ODD: st.SearchStrategy[Any] = st.sampled_from([None, [], {}, {"a": 1}, [None, [1], {}], True, "7"])
ANYTHING = st.one_of(SCALARS, ODD, st.lists(st.one_of(SCALARS, st.none()), max_size=4))


# ---- plain answers ---------------------------------------------------------------------------------------------------


def elements(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def numbers_of(value: Any) -> list[float]:
    return [e for e in elements(value) if isinstance(e, int | float) and not isinstance(e, bool)]


def scalars_of(value: Any) -> set[tuple[str, Any]]:
    found: set[tuple[str, Any]] = set()
    for element in elements(value):
        if isinstance(element, bool):
            found.add(("1 boolean", element))
        elif isinstance(element, int | float):
            found.add(("2 number", element))
        elif isinstance(element, str):
            found.add(("3 text", element))
    return found


def summable(inside: Sequence[Happened]) -> list[int]:
    found = [n for e in inside for n in numbers_of(e.value) if abs(n) < 1e12]
    return [math.floor(n * 1e6 + 0.5) for n in found]


def avg(inside: Sequence[Happened]) -> float | None:
    found = summable(inside)
    return sum(found) / 1e6 / len(found) if found else None


def extreme(best: Callable[..., Any]) -> Answer:
    def answer(inside: Sequence[Happened]) -> Any:
        found = best((n for e in inside for n in numbers_of(e.value)), default=None)
        return int(found) if found is not None and abs(found) <= 2**53 and found == int(found) else found

    return answer


def times_by_value(inside: Sequence[Happened]) -> dict[tuple[str, Any], list[Happened]]:
    found: dict[tuple[str, Any], list[Happened]] = {}
    for event in inside:
        for scalar in scalars_of(event.value):
            found.setdefault(scalar, []).append(event)
    return found


def most(inside: Sequence[Happened]) -> int:
    return max(map(len, times_by_value(inside).values()), default=0)


def winner(inside: Sequence[Happened]) -> Any:
    by_value = times_by_value(inside)
    ties = [scalar for scalar, events in by_value.items() if len(events) == most(inside)]
    newest = max((by_value[scalar][-1][:3] for scalar in ties), default=None)
    first = min((scalar for scalar in ties if by_value[scalar][-1][:3] == newest), default=("", None))[1]
    if isinstance(first, str) and len(first) > 256:
        return first[:256]
    return int(first) if isinstance(first, float) and first.is_integer() and abs(first) <= 2**53 else first


def dates(zone: str) -> Answer:
    def answer(inside: Sequence[Happened]) -> int:
        quarters = {e.at - e.at % 900_000_000 for e in inside}
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return len({(epoch + timedelta(microseconds=q)).astimezone(ZoneInfo(zone)).date() for q in quarters})

    return answer


def at(index: int) -> Answer:
    return lambda inside: Time(inside[index].at) if inside else None


def value_at(index: int) -> Answer:
    return lambda inside: inside[index].value if inside else None


# ---- the cases -------------------------------------------------------------------------------------------------------


def cases() -> list[Case]:
    return [case for plain in (*counts(), *amounts(), *choices()) for case in windows(plain)]


def windows(plain: Case) -> list[Case]:
    """The same for all time, with last= and with between=; `is_exact` is said of last=."""
    found = [plain._replace(name=f"{plain.name} of all time", is_exact=False)]
    older, newer = OLDER * plain.unit, NEWER * plain.unit
    if plain.spec.kind == "tally":
        return found
    last = structs.replace(plain.spec, older_us=older)
    between = structs.replace(last, newer_us=newer)
    found.append(plain._replace(name=f"{plain.name} with last=", spec=last))
    found.append(plain._replace(name=f"{plain.name} with between=", spec=between, is_exact=False))
    return found


def counts() -> list[Case]:
    one = Reader("at_least", lambda inside: len(inside) >= 1, (1,))
    three = Reader("at_least", lambda inside: len(inside) >= 3, (3,))
    count = Reader("count", len)
    return [
        Case("any", AggregateSpec("newest", ("E",), keep=1), ODD, (one,)),
        Case("three", AggregateSpec("newest", ("E",), keep=3), ODD, (three, one)),
        Case("count", AggregateSpec("newest", ("E",)), ODD, (count, three), is_exact=True),
        Case("tally", AggregateSpec("tally", ("E",)), ODD, (count,)),
        Case("days", AggregateSpec("days", ("E",)), ODD, tuple(days(z) for z in ZONES), unit=8 * 60_000_000),
    ]


ZONES = ("Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Africa/Monrovia")
"""The last was 44 minutes and 30 seconds behind in 1970."""


def days(zone: str) -> Reader:
    return Reader("count", dates(zone), (zone,), is_behind=True)


def amounts() -> list[Case]:
    totals = Reader("sum", lambda inside: sum(summable(inside)) / 1e6), Reader("avg", avg)
    values = st.one_of(NUMBERS, ANYTHING)
    return [
        Case("total", AggregateSpec("total", ("E",)), values, totals),
        Case("least", AggregateSpec("least", ("E",)), values, (Reader("value", extreme(min)),), is_exact=True),
        Case("greatest", AggregateSpec("greatest", ("E",)), values, (Reader("value", extreme(max)),), is_exact=True),
    ]


def choices() -> list[Case]:
    different = Reader("count", lambda inside: len({s for e in inside for s in scalars_of(e.value)}))
    twice = Reader("at_least", lambda inside: most(inside) >= 2, (2,))
    few = st.one_of(st.sampled_from(["a", "b", 1, 1.0, True]), ANYTHING)
    ends = st.one_of(ANYTHING, st.just({"deep": [1, {"x": "y"}]}))
    rows = st.lists(ANYTHING, min_size=2, max_size=2)
    kept = Reader("events", lambda inside: [tuple(e) for e in inside])
    return [
        Case("distinct", AggregateSpec("distinct", ("E",), value="x"), few, (different,), is_exact=True),
        Case(
            "grouped",
            AggregateSpec("grouped", ("E",), value="x"),
            few,
            (Reader("count", most), twice, Reader("key", winner)),
        ),
        Case("two of one", AggregateSpec("grouped", ("E",), value="x", keep=2), few, (twice,)),
        Case(
            "earliest",
            AggregateSpec("earliest", ("E",), value="x"),
            ends,
            (Reader("time", at(0)), Reader("value", value_at(0))),
            is_exact=True,
        ),
        Case(
            "latest",
            AggregateSpec("latest", ("E",), value="x"),
            ends,
            (Reader("time", at(-1)), Reader("value", value_at(-1))),
            is_exact=True,
        ),
        Case("kept", AggregateSpec("kept", ("E",), value="x"), rows, (kept,)),
    ]
