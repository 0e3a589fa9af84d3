"""Attempts: how often something may be tried, by whom. A bucket of tokens for each key, filled by time.

What is asked for by strangers must not fill the memory: the key that nobody used for longest is forgotten first. A
clock that goes back adds nothing.
"""

import math
from collections import OrderedDict

from tactful.values import SECOND_US


class Attempts:
    """`burst` at once, then one every `every_us`; of the `most` newest keys."""

    def __init__(self, burst: int, every_us: int, most: int = 10_000) -> None:
        self._burst = burst
        self._every_us = every_us
        self._most = most
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()
        """By key, how many are left, as of when."""

    def take(self, key: str, now_us: int) -> int:
        """Take one and return 0, or take none and return after how many whole seconds to come again."""
        left = self._now(key, now_us)
        if left < 1:
            return max(1, math.ceil((1 - left) * self._every_us / SECOND_US))
        self._put(key, left - 1, now_us)
        return 0

    def wait_s(self, key: str, now_us: int) -> int:
        """What `take` would return, without taking."""
        left = self._now(key, now_us)
        return 0 if left >= 1 else max(1, math.ceil((1 - left) * self._every_us / SECOND_US))

    def give_back(self, key: str, now_us: int) -> None:
        """One that went well does not count."""
        self._put(key, min(self._burst, self._now(key, now_us) + 1), now_us)

    def _now(self, key: str, now_us: int) -> float:
        left, at_us = self._left.get(key, (float(self._burst), now_us))
        return min(self._burst, left + max(0, now_us - at_us) / self._every_us)

    def _put(self, key: str, left: float, now_us: int) -> None:
        self._left[key] = (left, now_us)
        self._left.move_to_end(key)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
