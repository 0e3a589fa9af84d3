"""State: what a partition keeps, of each person and of itself. All of it derives from the log.

A profile is a map of fragments, one per identifier and period of ownership (IDENTITY.md 3); until identifiers are tied
there is one. Everything is a msgpack array: fields are added at the end, with a default. Numbers stand for aggregates
and segments, since a profile at rest should stay under a kilobyte.
"""

import msgspec
from msgspec import Struct

from tactful.aggregates.newest import Newest
from tactful.consent.permits import ConsentWrite
from tactful.events.records import Plan
from tactful.journeys.runs import Run
from tactful.people.traits import TraitWrite

PLAN_KEY = "$plan"
"""The state that is not a person's: the published plan. No identifier starts with a dollar sign."""
FIRST_KEY = "%"
"""Below every identifier, above PLAN_KEY: where a sweep starts."""


class Fragment(Struct, array_like=True):
    """What reached the person through one identifier in one period of ownership."""

    path: list[tuple[str, int]]
    """Edges (identifier, epoch) that it crossed to get here; empty: the identifier's own."""
    aggregates: dict[int, Newest]
    traits: dict[str, TraitWrite]
    consents: dict[str, ConsentWrite]


class Profile(Struct, array_like=True):
    key: str
    settled: int
    """The generation of definitions (PartitionState.generation) it was last evaluated under."""
    tail: int
    """Position of its newest group of derived rows."""
    seen: bytes
    """Of the newest events that entered here: 8 bytes of messageId digest, 4 bytes of received_at in seconds, each."""
    fragments: dict[str, Fragment]
    """By "identifier#epoch"."""
    segments: dict[int, int]
    """Segments it is in, by number, with the instant of entry."""
    runs: list[Run]
    sent: dict[str, list[tuple[int, str]]]
    """Per journey: instants and intents that count against its limit."""
    wake_at: int | None = None
    """Never later than the next instant at which something changes by itself."""
    now: int = 0
    """The newest instant it was evaluated at."""
    epoch: int = 1
    gen: int = 0


class PartitionState(Struct, array_like=True):
    """What a partition knows of itself; committed with every position."""

    partition: int
    partitions: int
    clock: int = 0
    """The highest instant read or heard of; applied_at of a record is max(clock, received_at)."""
    generation: int = 0
    """Counts the instants at which definitions changed their answer: a plan, the end of a warming."""
    sweep: str | None = None
    """Profiles up to this key are settled under the generation; None: all are."""
    ready_at: int | None = None
    """The next instant at which a warming segment has seen its whole window."""
    received: dict[int, int] = {}
    """Per sending partition, the number of its last record taken."""
    sent: dict[int, int] = {}
    """Per destination, the number of the last record addressed to it."""
    events: int = 0
    repeats: int = 0
    forgotten: int = 0
    """Marks of messageIds that had to go before their 48 hours."""
    imports: dict[str, tuple[int, bool]] = {}
    """Per digest of a file: the last line taken, and whether that was all."""
    is_replay: bool = False
    profiles: int = 0


class PlanState(Struct, array_like=True):
    """The plan in force, with what numbers stand for and since when each definition holds."""

    plan: Plan
    numbers: dict[str, int]
    """Canonical text of an aggregate, or "segment/NAME", to its number; numbers are never used again."""
    since: dict[str, tuple[str, int]]
    """Per segment and journey: digest of its text, and the instant it took effect."""
    ready: dict[int, int]
    """Per aggregate of the plan: the instant from which its state is exact."""
    published_at: int


_profile_decoder = msgspec.msgpack.Decoder(Profile)
_partition_decoder = msgspec.msgpack.Decoder(PartitionState)
_plan_decoder = msgspec.msgpack.Decoder(PlanState)
encode = msgspec.msgpack.Encoder().encode


def decode_profile(body: bytes) -> Profile:
    return _profile_decoder.decode(body)


def decode_partition(body: bytes) -> PartitionState:
    return _partition_decoder.decode(body)


def decode_plan(body: bytes) -> PlanState:
    return _plan_decoder.decode(body)


def new_profile(key: str, generation: int) -> Profile:
    return Profile(key, generation, 0, b"", {f"{key}#1": Fragment([], {}, {}, {})}, {}, [], {})


def only_fragment(profile: Profile) -> Fragment:
    """The fragment of the profile's own identifier; others arrive when identifiers are tied."""
    (fragment,) = profile.fragments.values()
    return fragment
