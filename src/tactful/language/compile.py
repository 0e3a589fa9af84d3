"""From a checked expression to what the engine runs: a condition over a person, a test of one event, or a value.

All counts of one condition that look at the same events share one aggregate, as large as the largest threshold needs;
a count whose value itself is wanted keeps CAP. The number of an aggregate is the caller's: a profile stores numbers.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from tactful.aggregates.newest import CAP, AggregateSpec, Newest
from tactful.language.because import explainer
from tactful.language.check import Checked
from tactful.language.compiled import Condition, EventTest, Valued
from tactful.language.generate import Generator
from tactful.language.lower import lower
from tactful.language.tree import AtLeast, Context, Count, Node, Trait, canonical, children, walk

NumberOf = Callable[[AggregateSpec], int]
NextChange = Callable[[Mapping[int, Newest], int], int | None]
PERSON = ("newest", "traits", "now")
EVENT = ("properties", "context")
_Key = tuple[tuple[str, ...], str, int | None]


def compile_condition(checked: Checked, number: NumberOf) -> Condition:
    """`number` gives each aggregate its number, the same for the same spec."""
    lowered = lower(checked.tree)
    counts = _Counts(lowered, number)
    generator = Generator(counts.number_of)
    return Condition(
        text=checked.canonical,
        aggregates=counts.aggregates,
        traits=_traits(checked.tree),
        holds=generator.function(PERSON, generator.condition(lowered)),
        next_change=_next_change(counts.moments(lowered)),
        because=explainer(checked, counts.number_of, counts.is_kept),
    )


def compile_value(checked: Checked, number: NumberOf) -> Valued:
    lowered = lower(checked.tree)
    counts = _Counts(lowered, number)
    generator = Generator(counts.number_of)
    return Valued(
        text=checked.canonical,
        aggregates=counts.aggregates,
        traits=_traits(checked.tree),
        value=generator.function(PERSON, generator.value(lowered)),
        next_change=_next_change(counts.moments(lowered)),
    )


def compile_test(checked: Checked) -> EventTest:
    """Of an expression checked with scope="event"."""
    return _event_test(checked.tree)


def _event_test(tree: Node) -> EventTest:
    lowered = lower(tree)
    generator = Generator(_no_counts)
    return EventTest(
        text=canonical(tree),
        reads_context=any(isinstance(node, Context) for node in walk(lowered)),
        holds=generator.function(EVENT, generator.condition(lowered)),
    )


def _no_counts(count: Count) -> int:
    raise AssertionError("counts inside where= were refused by the checker")


def _traits(tree: Node) -> frozenset[str]:
    return frozenset(node.name for node in walk(tree) if isinstance(node, Trait))


class _Moment(Struct, frozen=True):
    """The n-th newest time of an aggregate leaves its window; n = 0: any of the counted does."""

    number: int
    n: int
    window_us: int


class _Counts:
    """The counts of one lowered tree, put together by what they look at."""

    def __init__(self, lowered: Node, number: NumberOf) -> None:
        keeps: dict[_Key, int] = {}
        wheres: dict[_Key, Node | None] = {}
        for count, n in _counted(lowered):
            key = _key(count)
            keeps[key] = max(keeps.get(key, 0), n or CAP)
            wheres.setdefault(key, count.where)
        self._numbers: dict[_Key, int] = {}
        aggregates = []
        for key, keep in keeps.items():
            events, where, window_us = key
            spec = AggregateSpec(events, where, keep, window_us)
            self._numbers[key] = number(spec)
            tree = wheres[key]
            aggregates.append((self._numbers[key], spec, None if tree is None else _event_test(tree)))
        self.aggregates = tuple(aggregates)

    def number_of(self, count: Count) -> int:
        return self._numbers[_key(count)]

    def is_kept(self, count: Count) -> bool:
        return _key(count) in self._numbers

    def moments(self, lowered: Node) -> list[_Moment]:
        return [
            _Moment(self.number_of(count), n, count.window_us)
            for count, n in _counted(lowered)
            if count.window_us is not None
        ]


def _key(count: Count) -> _Key:
    return count.events, "" if count.where is None else canonical(count.where), count.window_us


def _counted(node: Node) -> Iterator[tuple[Count, int]]:
    """Every count with the threshold asked of it; 0 where its value itself is wanted."""
    if isinstance(node, AtLeast):
        yield node.count, node.n
    elif isinstance(node, Count):
        yield node, 0
    else:
        for child in children(node):
            yield from _counted(child)


def _next_change(moments: list[_Moment]) -> NextChange:
    asked = tuple((one.number, one.n, one.window_us) for one in dict.fromkeys(moments))

    def next_change(newest: Mapping[int, Newest], now: int) -> int | None:
        first: int | None = None
        for number, n, window_us in asked:
            state = newest.get(number)
            if state is None:
                continue
            times = state.times
            if n:
                if len(times) < n:
                    continue
                leaves = times[-n] + window_us
            else:
                index = bisect_right(times, now - window_us)
                if index == len(times):
                    continue
                leaves = times[index] + window_us
            if now < leaves and (first is None or leaves < first):
                first = leaves
        return first

    return next_change
