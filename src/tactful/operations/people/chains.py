"""Chains: the groups of a person, newest first, through all the identifiers that became one.

Each identifier has a chain of its own (decision 0005). Where fragments came by a merge, the giver's chain goes on
behind it, so that a person's past is a tree of chains, walked backwards by a heap. Only what the person still holds is
followed: a giver whose fragments have all gone again is left out, and a chain ends where what stands behind went to
somebody else. What happened at an owner while an identifier belonged to it stays there.
"""

from collections.abc import Iterator
from heapq import heappop, heappush

from msgspec import Struct

from tactful.events.derived import (
    DeviceMoved,
    EventKept,
    EventRefused,
    FragmentsCame,
    FragmentsWent,
    Group,
    Row,
    TieRefused,
)
from tactful.kernel.fragments import entry_of
from tactful.kernel.state import Profile
from tactful.operations.places import Places

NEVER = 1 << 62
SEARCHED = 1_000
"""Groups of an identifier that are looked through for the one in which it was handed over."""


class Step(Struct, frozen=True):
    """One group, with where and when it was decided."""

    partition: int
    group: Group
    decided_at: int


class Walk(Iterator[Step]):
    """Newest first: within a partition by position, between partitions by the instant of the decision. The groups are
    looked up as they are asked for."""

    def __init__(self, places: Places, profile: Profile, partition: int) -> None:
        self._places = places
        self._held = profile.fragments.keys()
        self._is_waiting = profile.identity is not None and profile.identity.is_waiting
        self._heads: list[tuple[int, int, int, Step]] = []
        self._entered: set[tuple[int, int, str]] = set()
        self._is_gap = False
        self._enter(partition, profile.tail, profile.key, NEVER)

    def __next__(self) -> Step:
        if not self._heads:
            raise StopIteration
        step = heappop(self._heads)[-1]
        self._enter(step.partition, step.group.before, step.group.key, step.decided_at)
        for row in step.group.rows:
            if isinstance(row, FragmentsCame) and row.cause == "merge" and self._holds(row.giver, row.fragments):
                self._enter(row.partition, row.tail, row.giver, step.decided_at)
            elif isinstance(row, FragmentsCame) and row.cause == "unmerge":
                self._return(row, step)
        return step

    def _return(self, row: FragmentsCame, step: Step) -> None:
        """With what came back, what others gave to it meanwhile: where that happened stands in their chains only."""
        for fragment in row.fragments:
            giver = entry_of(fragment)
            if giver == step.group.key or fragment not in self._held:
                continue
            partition, position = self._places.newest(giver)
            for _ in range(SEARCHED):
                group = self._places.group(partition, position, giver) if position else None
                if group is None or any(_went(each, fragment) for each in group.rows):
                    break
                position = group.before
            self._enter(partition, position, giver, step.decided_at)

    def _holds(self, giver: str, given: tuple[str, ...]) -> bool:
        """Whether what an identifier gave is still the person's: its own fragments, where there were any. Of somebody
        who waits for everything to come back, all is taken for its own."""
        own = [fragment for fragment in given if entry_of(fragment) == giver]
        return self._is_waiting or not self._held.isdisjoint(own or given)

    @property
    def is_whole(self) -> bool:
        """Whether everything was walked, and nothing has expired."""
        return not self._heads and not self._is_gap

    def _enter(self, partition: int, position: int, key: str, latest: int) -> None:
        """One more group; `latest` is when what stands behind it was decided."""
        place = (partition, position, key)
        if not position or place in self._entered:
            return
        self._entered.add(place)
        group = self._places.group(partition, position, key)
        if group is None:
            self._is_gap = True
            return
        for row in group.rows:
            if isinstance(row, FragmentsWent) and row.cause == "merge" and not self._holds(key, row.fragments):
                return
        decided_at = min(latest, _decided_at(group, self._places))
        heappush(self._heads, (-decided_at, -position, len(self._entered), Step(partition, group, decided_at)))


def marked(places: Places, profile: Profile, partition: int, limit: int) -> list[Step]:
    """What an identifier that belongs to somebody was refused since then, or who got it; newest first."""
    steps: list[Step] = []
    position = profile.tail
    while position and len(steps) < limit:
        group = places.group(partition, position, profile.key)
        if group is None or any(isinstance(row, FragmentsCame | FragmentsWent) for row in group.rows):
            break
        rows = tuple(row for row in group.rows if isinstance(row, TieRefused | DeviceMoved | EventRefused))
        position = group.before
        if rows:
            kept = Group(group.position, group.key, group.before, rows)
            steps.append(Step(partition, kept, _decided_at(kept, places)))
    return steps


def _went(row: Row, fragment: str) -> bool:
    return isinstance(row, FragmentsWent) and row.cause == "merge" and fragment in row.fragments


def _decided_at(group: Group, places: Places) -> int:
    """As far as it can be told: an event has happened before, and was received when the log says so."""
    instants = []
    for row in group.rows:
        event = places.event(row.ref) if isinstance(row, EventKept) else None
        instants.append(event.received_at if event is not None else row.at)
    return max(instants, default=0)
