"""Tally: how many events of all time. One number: nothing leaves, so nothing else matters. 3 to 11 bytes."""

from typing import Any

from msgspec import Struct

from tactful.aggregates.window import AllTime


class Tally(Struct, array_like=True, tag=2):
    total: int = 0


class TallyOf(AllTime):
    """count(E) without a window, as a value."""

    def new(self) -> Tally:
        return Tally()

    def fold(self, state: Tally, at: int, lag: int, ref: int, value: Any, now: int) -> None:
        state.total += 1

    def merge(self, one: Tally, other: Tally) -> Tally:
        return Tally(one.total + other.total)

    def count(self, state: Tally | None, now: int) -> int:
        return 0 if state is None else state.total
