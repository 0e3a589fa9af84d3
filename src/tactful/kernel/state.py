"""State: what a partition keeps, of each person and of itself. All of it derives from the log.

A profile is a map of fragments, one per identifier and period of ownership (IDENTITY.md 3); until identifiers are tied
there is one. Everything is a msgpack array: fields are added at the end, with a default. Numbers stand for aggregates
and segments, since a profile at rest should stay under a kilobyte.
"""

from typing import Any

import msgspec
from msgspec import Raw, Struct

from tactful.aggregates.kinds import State
from tactful.consent.permits import ConsentWrite
from tactful.events.records import Plan
from tactful.journeys.rules import Sent
from tactful.journeys.runs import Pursuit, Run
from tactful.language.vocabulary import TraitRule
from tactful.people.countries import CountrySeen
from tactful.people.locales import LocaleSeen
from tactful.people.scores import ScoreWrite
from tactful.people.traits import TraitWrite
from tactful.people.zones import ZoneSeen

PLAN_KEY = "$plan"
"""The state that is not a person's: the published plan. No identifier starts with a dollar sign."""
FIRST_KEY = "%"
"""Below every identifier, above PLAN_KEY: where a sweep starts."""


class Fragment(Struct, array_like=True):
    """What reached the person through one identifier in one period of ownership."""

    path: list[tuple[str, int]]
    """Edges (identifier, epoch) that it crossed to get here; empty: the identifier's own."""
    aggregates: dict[int, State]
    traits: dict[str, TraitWrite]
    consents: dict[str, ConsentWrite]
    scores: dict[str, ScoreWrite] = {}
    """By model."""
    zone: ZoneSeen | None = None
    """Of the newest call whose context names a time zone; kept whether or not anything reads it, since one that was
    missed would never come again."""
    covered: dict[str, dict[str, ConsentWrite]] = {}
    """By purpose and deciding fragment: what other fragments of the person decided while this one was there."""
    country: CountrySeen | None = None
    """Of the newest call that names one."""
    confirmed: list[str] = []
    """E-mail addresses whose readers have confirmed (double opt-in)."""
    is_vouched: bool = False
    """A server spoke of this identifier: browsers may not change its address or its consent."""
    locale: LocaleSeen | None = None
    """Of the newest call whose context names a language."""
    unwritten: list[str] = []
    """Traits that a journey has set, while the event that writes them is on its way: segments wait for it."""
    hop: int = 0
    """How often it has gone over to somebody."""
    tied: int = 0
    """The timestamp of what brought it to whoever has it, the highest so far."""
    seeded: int = 0
    """The ordinal of the newest seed that it has had, or need not have (kernel/seeding.py)."""
    since: int = 0
    """The oldest version of the plan under which it was anywhere: what later ones began has not counted all of it."""


class Identity(Struct, array_like=True):
    """What an identifier knows of its ties (IDENTITY.md 3); most have none."""

    owners: dict[int, str] = {}
    """By period: whom it belongs to. Marked in the present period (Profile.epoch), it holds nothing but marks."""
    ties: dict[str, bool] = {}
    """Identifiers that were named together with it and are weaker: True taken, False lost to somebody else."""
    apart: list[str] = []
    """Owners that it was un-merged from: no tie, until an alias."""
    is_waiting: bool = False
    """Un-merged, until everything is back."""
    deferred: list[Raw] = []
    """Records between identifiers that came meanwhile."""
    moves: list[int] = []
    """Instants at which it went to somebody else lately."""
    is_shared: bool = False
    tied: dict[int, int] = {}
    """By period: the timestamp of what made it somebody's."""


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
    sent: dict[str, list[Sent]]
    """Per journey: what counts against its limit, or may have been sent to another half of the person."""
    wake_at: int | None = None
    """Never later than the next instant at which something changes by itself."""
    now: int = 0
    """The newest instant it was evaluated at."""
    epoch: int = 1
    gen: int = 0
    wakes: dict[int, int] = {}
    """Per segment, the next instant at which it may flip by itself."""
    identity: Identity | None = None
    view: dict[int, State] | None = None
    """The aggregates of all fragments merged; None where there is one fragment."""
    pursuits: list[Pursuit] = []
    """Runs that have ended, while their goal may still be reached."""
    entered: dict[str, dict[str, int]] = {}
    """Of journeys with `again:`, the moment of the newest start by key."""

    def owner(self) -> str | None:
        """Whom the identifier belongs to now; None where it is a person of its own."""
        return self.identity.owners.get(self.epoch) if self.identity is not None else None


class ThresholdSet(Struct, array_like=True, frozen=True):
    """The last broadcast threshold of a metric or model at one percentage."""

    value: float
    received_at: int
    since: int
    """The instant from which it has had this value here."""
    generation: int
    """That began with it."""


class Steering(Struct, array_like=True, frozen=True):
    """What somebody said of a journey, or of all sending."""

    order: str
    since: int
    generation: int
    """That began with it."""
    author: str = ""
    reason: str = ""


class Launched(Struct, array_like=True, frozen=True):
    """An instant that concerns everybody in a journey, or in its segment: it begins for them, goes on, or is over."""

    journey: str
    at: int
    generation: int
    """That began with it."""
    what: str
    """`schedule`, `campaign`: it begins; `resume`: what is due goes on; `stop`: runs end."""


class PartitionState(Struct, array_like=True):
    """What a partition knows of itself; committed with every position."""

    partition: int
    partitions: int
    clock: int = 0
    """The highest instant read or heard of; applied_at of a record is max(clock, received_at)."""
    generation: int = 0
    """Counts the instants at which definitions changed their answer: a plan, the end of a warming, a threshold."""
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
    """People; identifiers that belong to somebody else, or wait, are none."""
    adopted: int = 0
    """The generation that began with the plan in force."""
    thresholds: dict[str, dict[float, ThresholdSet]] = {}
    """By metric or model, and percent."""
    day: int = 0
    """The newest day of `names`, counted from 1970."""
    names: dict[str, list[int]] = {}
    """How often events of a name came, by day; today is the last (kernel/names.py)."""
    decisions: int = 0
    """Entries of the partition's consent ledger."""
    ledger: bytes = b""
    """The ledger's hash with the last of them."""
    verdicts: dict[str, int] = {}
    """How many events were not kept as they came, by verdict."""
    steering: dict[str, Steering] = {}
    """By journey ("" is all sending), while it is anything but `resume`."""
    launched: list[Launched] = []
    """Those that not everybody is settled under yet, in order."""
    scheduled: dict[str, int] = {}
    """Per journey with a schedule, the instant up to which it has begun."""
    campaigns: dict[str, int] = {}
    """Per campaign and version ("NAME@VERSION"), when it was launched."""
    start_at: int | None = None
    """The next instant of a schedule."""
    members: dict[int, int] = {}
    """People in each segment, by its number, where there are any (kernel/counts.py)."""
    inside: dict[str, dict[str, int]] = {}
    """By journey and step, the runs that wait there."""
    is_counted: bool = False
    """`members` and `inside` hold everybody; not so in a folder of before there were any, until a worker opens it."""


class SeedTaken(Struct, array_like=True, frozen=True):
    """A seed in force; fragments have it from when they are next met."""

    ordinal: int
    digest: str
    numbers: tuple[int, ...]
    barriers: tuple[int, ...] = ()
    """What the file was counted from (records.Seed), so that it can be counted again."""
    since_us: int = 0


class PlanState(Struct, array_like=True):
    """The plan in force, with what numbers stand for and since when each definition holds."""

    plan: Plan
    numbers: dict[str, int]
    """Canonical text of an aggregate, or "segment/NAME", to its number; numbers are never used again."""
    since: dict[str, tuple[str, int]]
    """Per segment and journey: digest of what it means, and the instant it took effect."""
    ready: dict[int, int]
    """Per aggregate of the plan: the instant from which its state is exact."""
    published_at: int
    traits: dict[str, TraitRule] = {}
    """By trait: which of several writes counts, where it is not the newest."""
    editions: dict[str, dict[str, str]] = {}
    """Of journeys with `editing: finish`, the texts of the newest versions before this one, by version."""
    begun: dict[int, tuple[int, int, int]] = {}
    """Aggregates of the plan that were not counted before, and have no seed: the position in this partition at which
    they began, the instant, and the version of the plan that brought them."""
    seeds: list[SeedTaken] = []
    """Of aggregates that are still in the plan, in order."""
    seeded: int = 0
    """The ordinal of the newest seed."""


_profile_decoder = msgspec.msgpack.Decoder(Profile)
_partition_decoder = msgspec.msgpack.Decoder(PartitionState)
_plan_decoder = msgspec.msgpack.Decoder(PlanState)
_state_decoder: msgspec.msgpack.Decoder[State] = msgspec.msgpack.Decoder(State)
_states_decoder = msgspec.msgpack.Decoder(dict[int, State])
encode = msgspec.msgpack.Encoder().encode


def decode_profile(body: bytes) -> Profile:
    """An aggregate of a kind that this version does not know is left out: no plan asks for it, or for a new one."""
    try:
        return _profile_decoder.decode(body)
    except msgspec.ValidationError:
        return _profile_decoder.decode(_without_unknown_kinds(body))


def _without_unknown_kinds(body: bytes) -> bytes:
    values = msgspec.msgpack.decode(body)
    for fragment in values[4].values():
        fragment[1] = {number: state for number, state in fragment[1].items() if _is_known(state)}
    return encode(values)


def _is_known(state: Any) -> bool:
    try:
        _state_decoder.decode(encode(state))
    except msgspec.ValidationError:
        return False
    return True


def decode_states(body: bytes) -> dict[int, State]:
    """Of a seed; what this version does not know is left out, as of a profile."""
    try:
        return _states_decoder.decode(body)
    except msgspec.ValidationError:
        values = msgspec.msgpack.decode(body)
        return _states_decoder.decode(encode({number: one for number, one in values.items() if _is_known(one)}))


def decode_partition(body: bytes) -> PartitionState:
    return _partition_decoder.decode(body)


def decode_plan(body: bytes) -> PlanState:
    return _plan_decoder.decode(body)


def new_profile(key: str, generation: int, seeded: int = 0, since: int = 0) -> Profile:
    first = Fragment([], {}, {}, {}, seeded=seeded, since=since)
    return Profile(key, generation, 0, b"", {f"{key}#1": first}, {}, [], {})
