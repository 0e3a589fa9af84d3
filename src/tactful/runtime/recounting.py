"""Recounting: what everybody in a partition stands for, read once from all states.

For a data folder of before there were counts; from then on they are kept (kernel/counts.py).
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from tactful.kernel.counts import Stand, stand_of
from tactful.kernel.state import FIRST_KEY

PAGE = 1_000


class States(Protocol):
    """As much of a Store as is read."""

    def keys_after(self, cursor: str, limit: int) -> list[str]: ...

    def load(self, keys: Sequence[str]) -> dict[str, bytes]: ...


def stands(states: States) -> Iterator[Stand]:
    """Of everybody."""
    cursor = FIRST_KEY
    while keys := states.keys_after(cursor, PAGE):
        cursor = keys[-1]
        for body in states.load(keys).values():
            yield stand_of(body)
