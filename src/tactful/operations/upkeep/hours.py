"""Hours: what the trail counted by the hour (events/mentions.py), of all partitions together.

Who wants days or weeks asks for sums: they are added up where the hours stand, and a page gets a few numbers and not
some ten thousand.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from tactful.events.mentions import Tally
from tactful.runtime.keeping import Trail
from tactful.values import HOUR_US


def tallies(trail: Trail, partitions: int, from_us: int, until_us: int, definition: str | None = None) -> list[Tally]:
    """What happened in the whole hours that touch [from_us, until_us), of a definition ("segment/NAME", "" is what
    belongs to none) or of all."""
    hours = from_us // HOUR_US, (until_us - 1) // HOUR_US
    return _together(one for partition in range(partitions) for one in trail.tallies(partition, *hours, definition))


def sums(
    trail: Trail, partitions: int, edges_us: Sequence[int], definition: str | None = None, whats: Sequence[str] = ()
) -> list[Tally]:
    """What happened between each two of these ascending instants, of a definition, of all of a kind ("segment/") or of
    all; `whats` (Tally.what) are wanted, () all. An hour belongs where it begins; that of a Tally is the first one of
    its stretch."""
    edges = [-(-edge // HOUR_US) for edge in edges_us]
    return _together(one for partition in range(partitions) for one in trail.sums(partition, edges, definition, whats))


def _together(found: Iterable[Tally]) -> list[Tally]:
    counted: Counter[tuple[int, str, str, str, str]] = Counter()
    for one in found:
        counted[one[:5]] += one.number
    return [Tally(*key, number) for key, number in sorted(counted.items())]
