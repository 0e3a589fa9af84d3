"""A person's state: what the partition that is home to an identifier knows of it (IDENTITY.md 3).

A profile is a map of fragments, one per identifier and period of ownership; until identifiers are tied there is one.
States are msgpack arrays: fields are added at the end, with a default. Numbers stand for aggregates and segments
(PartitionState.numbers), since a profile at rest should stay under a kilobyte.
"""

import msgspec
from msgspec import Raw, Struct

from tactful.aggregates.newest import Newest


class TraitWrite(Struct, array_like=True, frozen=True):
    """The write that won: the last in event order (LANGUAGE.md 1.4). None is a cleared trait, kept as a tombstone."""

    value: object
    timestamp: int
    received_at: int
    ref: int


class ConsentWrite(Struct, array_like=True, frozen=True):
    granted: bool
    timestamp: int
    received_at: int
    ref: int
    text_version: str = ""
    origin: str = "api"


class Fragment(Struct, array_like=True):
    """What reached the person through one identifier in one period of ownership."""

    path: list[tuple[str, int]]
    """Edges (identifier, epoch) that it crossed to get here; empty: the identifier's own."""
    aggregates: dict[int, Newest]
    traits: dict[str, TraitWrite]
    consents: dict[str, ConsentWrite]


class Run(Struct, array_like=True):
    """One person's way through a journey."""

    journey: str
    entry_key: str
    started_at: int
    """Timestamp of the event, or instant of the flip, that started it."""
    started_ref: int
    message_id: str
    """Of the starting event; "" where a timer started it."""
    due: int
    event: str
    properties: Raw
    intent: str = ""
    """Handed to the outbox under this id; the run ends with its outcome."""
    exited_by: int = 0
    """Ref of the event that ended it after it was handed over and before it was claimed."""


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


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Profile)


def encode(profile: Profile) -> bytes:
    return _encoder.encode(profile)


def decode(body: bytes) -> Profile:
    return _decoder.decode(body)


def new(key: str, generation: int) -> Profile:
    return Profile(key, generation, 0, b"", {f"{key}#1": Fragment([], {}, {}, {})}, {}, [], {})
