"""What asking costs: 20 conditions of three parts each, for their answer and their next change, after one event.

Run `python -m benchmarks conditions`.
"""

import timeit
from collections.abc import Callable

from benchmarks.place import Place, table
from tactful.aggregates.newest import AggregateSpec, Newest
from tactful.language.check import check
from tactful.language.compile import compile_condition

DAY_US = 86_400_000_000
CONDITIONS = 20
ROUNDS = 2000


class Numbers(dict[AggregateSpec, int]):
    """Numbers of aggregates as the plan would give them."""

    def __call__(self, spec: AggregateSpec) -> int:
        return self.setdefault(spec, len(self) + 1)


def measure() -> tuple[float, float]:
    """Microseconds per event: compiled conditions, and as floor one dictionary access per part."""
    numbers = Numbers()
    conditions = [
        compile_condition(
            check(f'count("A", last="{n}d") >= {n} and country == "DE" and not any("B{n}", last="1d")'), numbers
        )
        for n in range(1, CONDITIONS + 1)
    ]
    newest = {number: Newest([DAY_US * 99] * 20, list(range(20))) for number in numbers.values()}
    traits = {"country": "DE"}
    now = DAY_US * 100

    def asked() -> None:
        for condition in conditions:
            condition.holds(newest, traits, now)
            condition.next_change(newest, now)

    def floor() -> None:
        for _ in conditions:
            newest.get(1)
            traits.get("country")
            newest.get(2)

    return _best(asked), _best(floor)


def _best(function: Callable[[], None]) -> float:
    return min(timeit.repeat(function, number=ROUNDS, repeat=5)) / ROUNDS * 1e6


def run(_: Place) -> None:
    cost, bare = measure()
    table(
        f"conditions: {CONDITIONS} of three parts, answer and next change",
        [("us", f"{cost:.1f}"), ("floor: bare look-ups, us", f"{bare:.1f}")],
    )
