"""Names: which events came, and how often on each of the last days, for "did you mean ...? seen 12,431 times".

Bounded: what is said by mistake (an id in the name of an event) must not grow the state of a partition. Pure.
"""

from tactful.kernel.state import PartitionState
from tactful.values import DAY_US

DAYS = 8
"""Seven whole days, and today."""
MOST_NAMES = 1_000


def count(state: PartitionState, name: str) -> None:
    """One more event of this name, by the partition's clock."""
    day = state.clock // DAY_US
    if day != state.day:
        _begin(state, day)
    counts = state.names.get(name)
    if counts is not None:
        counts[-1] += 1
    elif len(state.names) < MOST_NAMES:
        state.names[name] = [0] * (DAYS - 1) + [1]


def _begin(state: PartitionState, day: int) -> None:
    """A new day; names that have not come for so long are forgotten."""
    passed = min(day - state.day, DAYS)
    state.day = day
    moved = {name: counts[passed:] + [0] * passed for name, counts in state.names.items()}
    state.names = {name: counts for name, counts in moved.items() if any(counts)}


def counted(state: PartitionState, now: int) -> dict[str, int]:
    """How often each event came on the day of `now` and the seven before."""
    gone = min(max(0, now // DAY_US - state.day), DAYS)
    totals = {name: sum(counts[gone:]) for name, counts in state.names.items()}
    return {name: total for name, total in totals.items() if total}
