"""SimClock: time that passes only when told to. Wall and monotonic time part where somebody sets the clock."""

from tactful.values import HOUR_US

MOST_DEPARTURE_US = HOUR_US
"""A wall clock that departs further from the monotonic one is refused by the real Clock, so none is simulated."""


class SimClock:
    """The port `Clock`. Both readings are microseconds."""

    def __init__(self, at_us: int) -> None:
        self.monotonic_us = 0
        self._offset_us = at_us
        self._started_us = at_us

    def now_us(self) -> int:
        return self._offset_us + self.monotonic_us

    def advance(self, duration_us: int) -> None:
        """Time passes."""
        assert duration_us >= 0
        self.monotonic_us += duration_us

    def jump(self, by_us: int) -> None:
        """Somebody sets the wall clock; cut to what the real Clock allows while a process runs."""
        departed_us = self._offset_us + by_us - self._started_us
        self._offset_us = self._started_us + max(-MOST_DEPARTURE_US, min(departed_us, MOST_DEPARTURE_US))
