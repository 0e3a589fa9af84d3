"""Newest: did EVENT happen at least N times in the last WINDOW, and how often?

Only a person's N newest matching events can decide it, so nothing else is kept. "The N newest of a set" is commutative:
late or reordered events cannot change the answer, and merging two halves is folding one into the other. Pure.
"""

from bisect import bisect_right

from msgspec import Struct

CAP = 4096
"""Kept items per aggregate and person at most (LANGUAGE.md 6.2)."""


class AggregateSpec(Struct, frozen=True):
    """What is counted. Two definitions that ask for the same share one state."""

    events: tuple[str, ...]
    """Event names, sorted; ("*",) is any track, page or screen."""
    where: str
    """Canonical text of the condition on the event; "" for none."""
    keep: int
    """How many newest are enough to decide (1..CAP)."""
    window_us: int | None
    """None: all time."""

    def canonical(self) -> str:
        """The same text for the same aggregate, whatever the process or version."""
        return (
            f"newest {self.keep} of {list(self.events)!r} where {self.where or 'true'} last {self.window_us or 'all'}"
        )


class Newest(Struct, array_like=True, tag=1):
    """Times (ascending) and refs (which event) of the newest matching events; two lists of one length."""

    times: list[int]
    refs: list[int]
    is_coarse: bool = False
    """More than CAP were asked for and some are gone."""


def fold(keep: int, state: Newest, at_us: int, ref: int) -> None:
    """Take one matching event in, in any order. Equal times are ordered by ref, so that order never matters."""
    times, refs = state.times, state.refs
    if not times or at_us > times[-1] or (at_us == times[-1] and ref > refs[-1]):
        times.append(at_us)
        refs.append(ref)
    else:
        index = bisect_right(times, at_us)
        while index and times[index - 1] == at_us and refs[index - 1] > ref:
            index -= 1
        times.insert(index, at_us)
        refs.insert(index, ref)
    if len(times) > keep:
        del times[0], refs[0]
        state.is_coarse = state.is_coarse or keep == CAP


def prune(state: Newest, horizon_us: int) -> None:
    """Forget what lies at or before the horizon: no window will see it again."""
    gone = bisect_right(state.times, horizon_us)
    del state.times[:gone], state.refs[:gone]
    if not state.times:
        state.is_coarse = False


def count(state: Newest | None, window_us: int | None, now_us: int) -> int:
    """How many of the kept lie in (now - window, now]."""
    if state is None:
        return 0
    if window_us is None:
        return len(state.times)
    return len(state.times) - bisect_right(state.times, now_us - window_us)


def merge(keep: int, one: Newest, other: Newest) -> Newest:
    """The newest of both halves (disjoint by ref)."""
    both = sorted([*zip(one.times, one.refs, strict=True), *zip(other.times, other.refs, strict=True)])[-keep:]
    dropped = len(one.times) + len(other.times) > len(both)
    return Newest(
        [at for at, _ in both],
        [ref for _, ref in both],
        one.is_coarse or other.is_coarse or (dropped and keep == CAP),
    )
