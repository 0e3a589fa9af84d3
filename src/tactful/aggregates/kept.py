"""Kept: events with the properties that a condition compares, for conditions that name `profile.x`.

Whether such an event counts depends on the person's traits as of T (LANGUAGE.md 4), so nothing can be counted ahead:
the events stay, and are looked at when the question is asked. 17 bytes an event and the properties.
"""

from typing import Any

from tactful.aggregates.ordered import Ordered, Timeline
from tactful.aggregates.spec import CAP, AggregateSpec


class KeptOf(Timeline):
    """A state has the spec.keep newest at most."""

    def __init__(self, spec: AggregateSpec, cap: int = CAP) -> None:
        super().__init__(spec, min(spec.keep, cap))

    def take(self, value: Any) -> Any:
        """`value` is a list of properties, which are JSON: no times that would have to be marked."""
        return value

    def events(self, state: Ordered | None, now: int) -> list[tuple[int, int, int, list[Any]]]:
        """(at, lag, ref, properties) of those in the window, in event order."""
        if state is None:
            return []
        low, high = self.inside(state.times, now)
        columns = state.times[low:high], state.lags[low:high], state.refs[low:high], state.values[low:high]
        return [*zip(*columns, strict=True)]
