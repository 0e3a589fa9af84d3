"""Collection: what is in a cart, from the events that add, remove and clear (LANGUAGE.md 8.1).

Kept are the newest clear and the additions and removals after it, each by itself, in event order: a clear that arrives
late takes away those before it, and nothing else. What a line shows comes from its newest addition, so earlier ones of
the same line forget it. Whole amounts are millionths, hence sums are exact in any order.

18 bytes for the clear, 24 an operation and its key; spec.keep operations at most, then the oldest go and the collection
is coarse until a clear behind them.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from math import floor
from typing import Any

from msgspec import Struct

from tactful.aggregates.scalars import Key, key, number
from tactful.aggregates.spec import AggregateSpec
from tactful.aggregates.window import later
from tactful.values import Time

ONE = 1_000_000
MOST = 1e12
"""A quantity of as much or more is no quantity."""

Order = tuple[int, int, int]
"""(at, lag, ref): event order."""


class Shown(Struct, array_like=True, frozen=True):
    """Of the newest addition: the key as it was written, the price, and the fields it has."""

    key: Any
    price: int | float | None
    """Decoded as `float` alone it would come back other than it went in."""
    fields: dict[str, Any]


class Collection(Struct, array_like=True, tag=14):
    """Lists of one length, in event order; of each operation the line, and millionths (removed: negative)."""

    orders: list[Order]
    keys: list[Key]
    amounts: list[int]
    shown: list[Shown | None]
    cleared: Order | None = None
    gone: int | None = None
    """The newest time among the operations that were thinned."""


class CollectionOf:
    """`fold` takes ("add" | "remove" | "clear", key, quantity, price, fields); the last of spec.steps is the name that
    the key has in an item."""

    def __init__(self, spec: AggregateSpec) -> None:
        self._limit = spec.keep
        self._name = spec.steps[-1]

    def new(self) -> Collection:
        return Collection([], [], [], [])

    def fold(self, state: Collection, at: int, lag: int, ref: int, value: Any, now: int) -> bool:
        """False where nothing is another now."""
        word, written, quantity, price, fields = value
        order = (at, lag, ref)
        if state.cleared is not None and order < state.cleared:
            return False
        if word == "clear":
            _clear(state, order)
            return True
        line = key(written)
        if line is None:
            return False
        amount = _amount(quantity)
        orders = state.orders
        index = len(orders) if not orders or order > orders[-1] else bisect_left(orders, order)
        orders.insert(index, order)
        state.keys.insert(index, line)
        state.amounts.insert(index, amount if word == "add" else -amount)
        state.shown.insert(index, Shown(written, number(price), fields) if word == "add" else None)
        if word == "add":
            _show_newest(state, line)
        self._thin(state)
        return True

    def _thin(self, state: Collection) -> None:
        count = len(state.orders) - self._limit
        if count > 0:
            state.gone = later(state.gone, state.orders[count - 1][0])
            _drop(state, count)

    def let_go(self, state: Collection, now: int) -> bool:
        return not state.orders and state.cleared is None

    def merge(self, one: Collection, other: Collection) -> Collection:
        rows = sorted(
            [*_rows(one), *_rows(other)],
            key=lambda row: row[0],
        )
        merged = Collection(
            [row[0] for row in rows],
            [row[1] for row in rows],
            [row[2] for row in rows],
            [row[3] for row in rows],
            gone=later(one.gone, other.gone),
        )
        cleared = max((each.cleared for each in (one, other) if each.cleared is not None), default=None)
        if cleared is not None:
            _clear(merged, cleared)
        for line in dict.fromkeys(merged.keys):
            _show_newest(merged, line)
        self._thin(merged)
        return merged

    def next_change(self, state: Collection | None, now: int) -> int | None:
        return None

    def refs(self, state: Collection | None, now: int) -> list[int]:
        if state is None:
            return []
        before = [] if state.cleared is None else [state.cleared]
        return [ref for _, _, ref in [*before, *state.orders]]

    def is_coarse(self, state: Collection | None, now: int) -> bool:
        return state is not None and state.gone is not None

    # ---- readers -----------------------------------------------------------------------------------------------------

    def lines(self, state: Collection | None, now: int) -> int:
        return len(_there(state))

    def quantity(self, state: Collection | None, now: int) -> float:
        return float(sum(amount for _, amount in _there(state))) / ONE

    def value(self, state: Collection | None, now: int) -> float:
        return float(sum(_worth(shown.price, amount) for shown, amount in _there(state))) / ONE

    def changed_at(self, state: Collection | None, now: int) -> Time | None:
        if state is None:
            return None
        if state.orders:
            return Time(state.orders[-1][0])
        return None if state.cleared is None else Time(state.cleared[0])

    def items(self, state: Collection | None, now: int) -> list[dict[str, Any]]:
        """In the order of the newest additions."""
        return [{**shown.fields, self._name: shown.key, "quantity": amount / ONE} for shown, amount in _there(state)]


def _amount(quantity: Any) -> int:
    found = number(quantity)
    return floor(found * 1e6 + 0.5) if found is not None and 0 < found < MOST else ONE


def _clear(state: Collection, order: Order) -> None:
    state.cleared = order
    _drop(state, bisect_right(state.orders, order))
    if state.gone is not None and state.gone < order[0]:
        state.gone = None


def _drop(state: Collection, count: int) -> None:
    """The `count` oldest."""
    del state.orders[:count], state.keys[:count], state.amounts[:count], state.shown[:count]


def _rows(state: Collection) -> Iterator[tuple[Order, Key, int, Shown | None]]:
    return zip(state.orders, state.keys, state.amounts, state.shown, strict=True)


def _show_newest(state: Collection, line: Key) -> None:
    """Of the two additions that may show what the line is, the newer one does."""
    is_shown = False
    for place in range(len(state.keys) - 1, -1, -1):
        if state.keys[place] == line and state.shown[place] is not None:
            if is_shown:
                state.shown[place] = None
                return
            is_shown = True


def _there(state: Collection | None) -> list[tuple[Shown, int]]:
    """The lines of which more was added than removed, and how much more; in the order of their newest additions, which
    are the ones that show them."""
    if state is None:
        return []
    totals: dict[Key, int] = {}
    for line, amount in zip(state.keys, state.amounts, strict=True):
        totals[line] = totals.get(line, 0) + amount
    lines = zip(state.shown, state.keys, strict=True)
    return [(shown, totals[line]) for shown, line in lines if shown is not None and totals[line] > 0]


def _worth(price: float | None, amount: int) -> int:
    """Millionths; nothing without a price, or where it is no amount that could be summed."""
    worth = 0.0 if price is None else amount / 1e6 * price
    return floor(worth * 1e6 + 0.5) if abs(worth) < MOST else 0
