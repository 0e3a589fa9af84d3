"""Counts: how many people are in each segment, and how many runs wait at each step, of one partition.

A number on a page must be there at once, whoever has millions of people. It is not counted up and down where somebody
enters or leaves (a merge, a sweep, a mark: one forgotten place, and it is wrong for ever), but by comparison: what a
person stood for when the turn began, and what the person stands for when it is committed. So the counts are a function
of the states alone, wherever the commits were, and a scan of all states says the same. Pure.
"""

from collections.abc import Iterable
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from tactful.kernel.state import PartitionState, Profile

Stand = tuple[tuple[int, ...], tuple[tuple[str, str], ...]]
"""Segments by number, and (journey, step) of each run that walks; what was handed over stands in the outbox."""
NOWHERE: Stand = ((), ())
Key = TypeVar("Key", int, str)


def stand(profile: Profile) -> Stand:
    """What the person counts for."""
    if not profile.runs:
        return (tuple(profile.segments), ()) if profile.segments else NOWHERE
    return tuple(profile.segments), tuple((run.journey, run.step) for run in profile.runs if not run.intent)


def move(state: PartitionState, before: Stand, after: Stand) -> None:
    """Somebody who stood there stands here."""
    if before[0] != after[0]:
        here = set(after[0])
        for number in here.symmetric_difference(before[0]):
            state.members = _add(state.members, number, 1 if number in here else -1)
    if before[1] != after[1]:
        for place in before[1]:
            _walk(state, *place, -1)
        for place in after[1]:
            _walk(state, *place, 1)


def recount(state: PartitionState, stands: Iterable[Stand]) -> None:
    """All over again, from what everybody stands for."""
    state.members, state.inside = {}, {}
    for one in stands:
        move(state, NOWHERE, one)
    state.is_counted = True


def _walk(state: PartitionState, journey: str, step: str, by: int) -> None:
    steps = _add(state.inside.get(journey, {}), step, by)
    if steps and journey in state.inside:
        state.inside[journey] = steps
    elif steps:
        state.inside = dict(sorted({**state.inside, journey: steps}.items()))
    else:
        state.inside.pop(journey, None)


def _add(counts: dict[Key, int], key: Key, by: int) -> dict[Key, int]:
    """In the order of the keys and without zeros: the same states are the same bytes, however one came to them. Below
    zero only with a worker whose partition another has by now: it reads people who are newer than its counts, and its
    commit will be refused."""
    number = counts.get(key)
    if number is None:
        return dict(sorted({**counts, key: by}.items()))
    if number + by:
        counts[key] = number + by
    else:
        del counts[key]
    return counts


class _Run(Struct, array_like=True):
    """As much of a run as says where it is."""

    journey: str
    entry_key: Raw
    started_at: Raw
    lag_us: Raw
    started_ref: Raw
    begun: Raw
    wait_us: Raw
    event: Raw
    properties: Raw
    version: Raw
    intent: str = ""
    is_held: bool = False
    exited_by: Raw = Raw()
    origin: Raw = Raw()
    hop: Raw = Raw()
    stopped: Raw = Raw()
    step: str = ""


class _Person(Struct, array_like=True):
    """As much of a profile as says where it stands; the rest is skipped, not read."""

    key: Raw
    settled: Raw
    tail: Raw
    seen: Raw
    fragments: Raw
    segments: dict[int, int]
    runs: list[_Run]


_person = msgspec.msgpack.Decoder(_Person)


def stand_of(body: bytes) -> Stand:
    """What an encoded profile counts for."""
    person = _person.decode(body)
    return tuple(person.segments), tuple((run.journey, run.step) for run in person.runs if not run.intent)
