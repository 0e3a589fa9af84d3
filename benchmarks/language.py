"""The language, live: what fifty realistic segments add to step(), and what each construct costs and keeps.

One partition, one process, states decoded, no log and no store: step() alone, timers included. Each figure stands
beside the same events with the shop's six first segments, and with none.
Run `python -m benchmarks language`.
"""

import gc
import heapq
import time
from collections.abc import Sequence

from benchmarks import retail
from benchmarks.place import Place, median, table
from tactful.events.records import Consent, Event, Plan, Publish, Tick
from tactful.kernel.plan import adopt
from tactful.kernel.state import PartitionState, Profile
from tactful.kernel.state import encode as encode_state
from tactful.kernel.step import step
from tactful.kernel.turn import Turn

EVENTS, PEOPLE = 60_000, 5_000
SLICE = 100
FIRST_SEGMENTS = {
    "buyers": 'any("Order Completed", last="30d")',
    "cart_in_hand": 'any("Product Added", last="2d")',
    "hesitating": 'count("Product Viewed", last="10m") > 2 and not any("Order Completed", last="1d")',
    "lapsed": 'any("Order Completed") and not any("Order Completed", last="90d")',
    "premium_lookers": 'count("Product Viewed", where=price >= 150, last="1h") >= 2',
    "regulars": 'count("Order Completed", last="30d") >= 3',
}
CONSTRUCTS = {
    "any, last=": 'any("Product Viewed", last="{n}d")',
    "count >= 5, last=": 'count("Product Viewed", last="{n}d") >= 5',
    "count > a trait, last=": 'count("Product Viewed", last="{n}d") > limit',
    "count of all time": 'count("Product Viewed") > limit + {n}',
    "any, where=": 'any("Product Viewed", where=category == "shoes" and price > {n}, last="7d")',
    "any, between=": 'any("Product Viewed", between=("{m}h", "{n}h"))',
    "count, same=": 'count("Product Viewed", same=product_id, last="{n}h") > 2',
    "sum, last=": 'sum("Product Viewed", price, last="{n}d") > 1000',
    "sum of all time": 'sum("Product Viewed", price) > 1000 + {n}',
    "avg, last=": 'avg("Product Viewed", price, last="{n}d") > 80',
    "max, last=": 'max("Product Viewed", price, last="{n}d") > 150',
    "distinct, last=": 'distinct("Product Viewed", category, last="{n}d") >= 4',
    "latest": 'latest("Product Viewed", category, where=price > {n}) == "tea"',
    "first, last=": 'first("Product Viewed", category, last="{n}d") == "tea"',
    "time_since": 'time_since("Product Viewed", where=price > {n}) > "1h"',
    "active_days, last=": 'active_days("Product Viewed", last="{n}d") >= 3',
    "profile. in where=": 'any("Product Viewed", where=category == profile.favourite, last="{n}d")',
    "sequence, A then B": 'sequence("Product Viewed", "Product Added", within="{n}h", last="7d")',
    "sequence, A then no B": 'sequence("Product Viewed", not "Product Added", within="{n}h", last="7d")',
    "sequence, A B then no C": (
        'sequence("Product Viewed", "Product Added", not "Order Completed", within="{n}h", last="7d")'
    ),
    "sessions": 'sessions(last="{n}d") >= 3',
    "a collection": "cart.quantity > {n}",
    "segment in segment": 'segment("base") and any("Product Viewed", last="{n}d")',
    "traits alone": 'country == "C{n}" and age > 18',
    "a time from now": 'latest("Product Viewed", where=price > {n}) > now() - "1h"',
}
PER_CONSTRUCT = 10


class Shop:
    """One partition in memory."""

    def __init__(self, segments: dict[str, str], settings: dict[str, str] | None = None) -> None:
        settings = {"time_zone": "UTC", **(settings or {})}
        plan = Plan(1, Publish(retail.START, retail.files(segments), settings))
        self.state = PartitionState(0, 1, clock=retail.START)
        self.plan_state, self.plan = adopt(None, plan, retail.START, is_empty=True)
        self.people: dict[str, Profile] = {}
        self._wakes: list[tuple[int, str]] = []

    def seconds(self, events: Sequence[Event | Consent]) -> float:
        """Time in step() for the second half of them, in turns of a hundred; in the first, people become known."""
        spent = 0.0
        position = 0
        for at in range(0, len(events), SLICE):
            some = events[at : at + SLICE]
            turn = Turn(self.state, self.plan, self.plan_state, self.people.get)
            due = self._due(some[0].received_at)
            begun = time.perf_counter()
            if due:
                step(turn, Tick(some[0].received_at, len(due)), position, due)
            for event in some:
                position += 1
                step(turn, event, position)
            if at >= len(events) // 2:
                spent += time.perf_counter() - begun
            self._keep(turn)
        return spent

    def _due(self, at: int) -> list[str]:
        due: dict[str, None] = {}
        while self._wakes and self._wakes[0][0] <= at:
            wake, key = heapq.heappop(self._wakes)
            if self.people[key].wake_at == wake:
                due[key] = None
        return list(due)

    def _keep(self, turn: Turn) -> None:
        for key, profile in turn.changed.items():
            self.people[key] = profile
            if profile.wake_at is not None:
                heapq.heappush(self._wakes, (profile.wake_at, key))

    def bytes(self) -> float:
        """Of a state, on average."""
        return sum(len(encode_state(profile)) for profile in self.people.values()) / max(1, len(self.people))


def _driven(segments: dict[str, str], events: Sequence[Event]) -> tuple[float, float]:
    """Microseconds of step() per event, and bytes of a state."""
    shop = Shop(segments)
    gc.collect()
    gc.disable()
    try:
        return shop.seconds(events) / (len(events) / 2) * 1e6, shop.bytes()
    finally:
        gc.enable()


def run(place: Place) -> None:
    events = list(retail.events(1, place.scaled(EVENTS, 3_000), place.scaled(PEOPLE, 300)))
    plans: dict[str, dict[str, str]] = {"none": {}, "the shop's first 6": FIRST_SEGMENTS, "50": retail.SEGMENTS}
    rounds = [{name: _driven(segments, events) for name, segments in plans.items()} for _ in range(place.rounds)]
    cost = {name: median([one[name][0] for one in rounds]) for name in plans}
    table(
        f"language: step() per event, {len(events):,} events of a shop",
        [
            *((f"{name} segments, us", f"{cost[name]:.1f}") for name in plans),
            ("50 above the first 6, us", f"{cost['50'] - cost[FIRST]:.1f} (goal: at most 25)"),
            *((f"{name} segments, bytes of a state", f"{rounds[0][name][1]:.0f}") for name in plans),
        ],
    )
    some = events[: place.scaled(20_000, 1_000)]
    bare = _driven({"base": BASE}, some)
    rows = [(name, *_each(name, text, some, bare)) for name, text in CONSTRUCTS.items()]
    table(
        f"language: one segment more, per event of the shop (of {PER_CONSTRUCT} of its kind), and bytes of each state",
        [(name, f"{us:5.2f} us {size:6.0f} B") for name, us, size in rows],
    )


FIRST = "the shop's first 6"
BASE = 'any("Order Completed", last="30d")'


def _each(name: str, text: str, events: Sequence[Event], bare: tuple[float, float]) -> tuple[float, float]:
    segments = {f"s{n}": text.format(n=n, m=2 * n) for n in range(1, PER_CONSTRUCT + 1)}
    us, size = _driven({"base": BASE, **segments}, events)
    return (us - bare[0]) / PER_CONSTRUCT, (size - bare[1]) / PER_CONSTRUCT
