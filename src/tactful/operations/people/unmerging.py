"""Un-merging: taking the tie of an identifier back (IDENTITY.md 6).

It is a record in the log of the identifier's home, as everything that changes something; what is told here is what it
will do as things stand now. Whoever knows better by the time the record is read, the kernel is right.
"""

from collections.abc import Sequence

from msgspec import Struct

from tactful.errors import UsageError
from tactful.events.identifiers import partition_of
from tactful.events.records import Unmerge, encode
from tactful.kernel.fragments import entry_of
from tactful.kernel.state import Profile
from tactful.operations.people import persons
from tactful.operations.people.finding import unknown
from tactful.operations.people.persons import Found
from tactful.operations.places import States
from tactful.runtime.ports import Bells, Clock, Log


class Tie(Struct, frozen=True):
    """What would be undone."""

    key: str
    """The identifier that becomes a person of its own again."""
    owner: str
    """The profile of the person whose it is."""
    returning: tuple[str, ...]
    """Identifiers through which came what goes back; empty where nothing has come through it yet."""


def tie(text: str, states: Sequence[States]) -> Tie:
    """Raises UsageError where the identifier belongs to nobody, which names what could be un-merged instead."""
    found = persons.find(text, states)
    if found is None:
        raise UsageError(unknown(text))
    marked = found.marked
    if marked is None:
        raise UsageError(_alone(found))
    edge = (marked.key, marked.epoch)
    held = found.profile.fragments.items()
    returning = dict.fromkeys(entry_of(name) for name, fragment in held if edge in map(tuple, fragment.path))
    return Tie(marked.key, found.profile.key, tuple(returning))


def record(wanted: Tie, now_us: int, author: str, partitions: int) -> tuple[int, bytes]:
    """The record, and the partition whose log it belongs to."""
    return partition_of(wanted.key, partitions), encode(Unmerge(now_us, wanted.key, author))


def unmerge(text: str, states: Sequence[States], log: Log, bells: Bells, clock: Clock, author: str = "") -> Tie:
    """Append it, and ring the worker; returns what it undoes."""
    wanted = tie(text, states)
    partition, body = record(wanted, clock.now_us(), author, log.partitions)
    log.append({partition: [body]})
    bells.ring(f"work-{partition}")
    return wanted


def could_be(profile: Profile) -> list[str]:
    """The identifiers that were tied to a person, the last tied first."""
    crossed = [edge[0] for fragment in profile.fragments.values() for edge in fragment.path]
    return list(dict.fromkeys(reversed(crossed)))


def _alone(found: Found) -> str:
    profile = found.profile
    if profile.identity is not None and profile.identity.is_waiting:
        return f"{profile.key} is being un-merged already; what is its own is on its way back"
    if others := could_be(profile):
        return f"{profile.key} belongs to nobody else; of this person could be un-merged: {', '.join(others)}"
    return f"{profile.key} belongs to nobody else, and nothing is tied to it"
