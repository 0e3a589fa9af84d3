"""SimClock: time that passes only when told to. Wall and monotonic time part where somebody sets the clock."""

from tactful.runtime.ports import Clock
from tactful.values import HOUR_US

MOST_DEPARTURE_US = HOUR_US
"""A wall clock that departs further from the monotonic one is refused by the real Clock, so none is simulated."""


class SimClock(Clock):
    """The port `Clock`. Both readings are microseconds; the wall's runs `speed` times as fast."""

    def __init__(self, at_us: int, speed: int = 1) -> None:
        self.speed = speed
        self.monotonic_us = 0
        self._offset_us = at_us
        self._started_us = at_us

    def now_us(self) -> int:
        return self._offset_us + self.monotonic_us * self.speed

    def real_us(self) -> int:
        return self._offset_us + self.monotonic_us

    def advance(self, duration_us: int) -> None:
        """So much real time passes."""
        assert duration_us >= 0
        self.monotonic_us += duration_us

    def jump(self, by_us: int) -> None:
        """Somebody sets the wall clock; cut to what the real Clock allows while a process runs."""
        departed_us = self._offset_us + by_us - self._started_us
        self._offset_us = self._started_us + max(-MOST_DEPARTURE_US, min(departed_us, MOST_DEPARTURE_US))
