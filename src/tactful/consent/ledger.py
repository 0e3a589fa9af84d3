"""The ledger: a hash chain over every decision of consent in a partition, that shows when somebody has been at it.

An entry is a number (from 1, no gaps), a commitment to what was decided (salted, so that it tells nothing by itself)
and the chain's hash up to it. What was decided, and the salt, stand beside it as the opening. Erasing a person takes
their openings away: nobody can guess them back, and the chain stays whole. The chain's head and length are in the
state of the partition, so that a tail cut off shows too. Pure.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from tactful.errors import UsageError
from tactful.events.derived import ConsentChanged

_encode = msgspec.msgpack.Encoder().encode


class Opening(Struct, frozen=True):
    """What a commitment was made of, beside the entry's number."""

    salt: bytes
    key: str
    """The identifier that decided."""
    purpose: str
    granted: bool
    timestamp: int
    at: int
    """When the engine took it in."""
    text_version: str
    origin: str
    source: str


class Entry(Struct, frozen=True):
    number: int
    commitment: bytes
    chain: bytes
    """The ledger's hash with this entry."""
    opening: Opening | None
    """None: the person was erased."""


class Fault(Struct, frozen=True):
    """The first entry of a ledger that is not what it was."""

    number: int
    reason: str


def commitment(
    salt: bytes,
    key: str,
    purpose: str,
    granted: bool,
    timestamp: int,
    at: int,
    text_version: str,
    origin: str,
    source: str,
    number: int,
) -> bytes:
    """32 bytes: blake2b over the msgpack array of all of it, in this order (RFC 7693; msgpack writes a value in one
    way only here, as each has a fixed type)."""
    return _sealed((salt, key, purpose, granted, timestamp, at, text_version, origin, source, number))


def link(previous: bytes, number: int, commitment: bytes) -> bytes:
    """The chain's hash with the next entry, 32 bytes; `previous` is b"" before the first."""
    return blake2b(_encode((previous, number, commitment)), digest_size=32, person=b"consent chain").digest()


def plain_salt(message_id: str, ref: int) -> bytes:
    """For a record that brings no salt (an import, an old log): the same at every replay, but no secret. Who knows a
    messageId and a place in the log could guess a decision back."""
    return blake2b(_encode((message_id, ref)), digest_size=16, person=b"consent salt").digest()


def entry(row: ConsentChanged) -> Entry:
    """The entry that a derived row tells of."""
    opening = Opening(
        row.salt,
        row.key,
        row.purpose,
        row.granted,
        row.timestamp,
        row.at,
        row.text_version,
        row.origin,
        row.source,
    )
    return Entry(row.number, committed(opening, row.number), row.chain, opening)


def committed(opening: Opening, number: int) -> bytes:
    return _sealed((*astuple(opening), number))


def _sealed(said: tuple[object, ...]) -> bytes:
    return blake2b(_encode(said), digest_size=32, person=b"consent entry").digest()


def fresh(
    partition: int, last: Sequence[Entry], entries: Sequence[Entry], known: Callable[[int], Entry]
) -> list[Entry]:
    """Those of `entries` that a ledger lacks; it ends with `last` (one entry, or none), `known` gives one that it has.
    Raises UsageError where they do not go on from there."""
    end = last[0].number if last else 0
    new = [one for one in entries if one.number > end]
    old = [one for one in entries if one.number <= end]
    if any(known(one.number).chain != one.chain for one in old[-1:]):
        raise UsageError(_apart(partition, f"entry {old[-1].number} was another decision"))
    expected = range(end + 1, end + 1 + len(new))
    if [one.number for one in new] != list(expected):
        raise UsageError(_apart(partition, f"it ends with entry {end}, the next to be written is {new[0].number}"))
    if new and link(last[0].chain if last else b"", new[0].number, new[0].commitment) != new[0].chain:
        raise UsageError(_apart(partition, f"entry {new[0].number} does not follow from the entries before"))
    return new


def _apart(partition: int, what: str) -> str:
    return (
        f"the consent ledger of partition {partition} does not belong to the states beside it: {what}. "
        "Put back a backup of the whole data folder; nothing was changed."
    )


def first_fault(entries: Iterable[Entry], head: bytes, decisions: int) -> Fault | None:
    """Go along a whole ledger, from number 1, and compare it with the head and length that the state remembers. None
    where everything is as it was."""
    chain, number = b"", 0
    for one in entries:
        number += 1
        if one.number != number:
            return Fault(number, f"entry {number} is missing")
        if one.opening is not None and committed(one.opening, number) != one.commitment:
            return Fault(number, "what was decided is not what was committed to")
        chain = link(chain, number, one.commitment)
        if chain != one.chain:
            return Fault(number, "its hash does not follow from the entries before")
        if number == decisions and chain != head:
            return Fault(number, "its hash is not what the engine remembers: here or before, entries were written anew")
    if number < decisions:
        return Fault(number + 1, f"the ledger ends with entry {number}, the engine remembers {decisions}")
    if number > decisions:
        return Fault(decisions + 1, f"the engine remembers {decisions} entries, the ledger goes on to {number}")
    return None
