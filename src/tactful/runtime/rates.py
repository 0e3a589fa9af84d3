"""Rates: how many events a source may send, as a bucket of tokens that fills with time.

A call is let in while the bucket is not empty and may leave it in debt, so that one large batch is never refused for
ever; the next call then waits until the debt is paid. Time is the world's, which is what a machine can bear and what a
client waits, however fast the Clock runs that is passed in; one that goes back adds nothing.
"""

import math

from tactful.events.sources import Source
from tactful.runtime.ports import Clock
from tactful.values import SECOND_US

MAX_WAIT_S = 300  # The longest Retry-After that Segment's clients honour.


class Rate:
    """The bucket of one source."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._per_second = source.events_per_second
        self._burst = max(source.events_per_second * source.burst_seconds, 1.0)
        self._clock = clock
        self._tokens = self._burst
        self._filled_at = clock.real_us()

    def take(self, events: int) -> int:
        """Take `events` tokens and return 0, or take none and return after how many whole seconds to ask again."""
        if not self._per_second:
            return 0
        now = self._clock.real_us()
        elapsed_s = max(0, now - self._filled_at) / SECOND_US
        self._filled_at = now
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._per_second)
        if self._tokens <= 0:
            return min(MAX_WAIT_S, max(1, math.ceil(-self._tokens / self._per_second)))
        self._tokens -= events
        return 0
