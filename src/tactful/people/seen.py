"""Repeats: clients send a batch again after a time-out, with the same messageIds.

Kept per identifier where events enter: the newest 256 always, and those of the last 48 hours up to 4,096 (DESIGN 5);
12 bytes each (8 of a digest, 4 for the second of receipt), since this is most of a quiet profile. Pure.

MessageIds can be guessed, of a shop that names them after its orders. So what anybody may have said of a user, with a
browser's public write key, is no repeat of what a server says, nor the other way round.
"""

from functools import lru_cache
from hashlib import blake2b

from tactful.events.records import Consent, Enter, Event, Score

ENTRY = 12
ALWAYS = 256
AT_MOST = 4096
KEPT_S = 48 * 3600


def name_of(record: Event | Consent | Score | Enter) -> str:
    """By which a record is known from others of its identifier: its messageId, marked where anybody may have said it.
    No messageId has a NUL, which is refused wherever a record comes in."""
    if record.trust == "server" or record.key[0] in "ad":
        return record.message_id
    if isinstance(record, Event | Consent) and record.is_verified:
        return record.message_id
    return "\0" + record.message_id


def mark_of(record: Event | Consent | Score | Enter) -> bytes:
    """What is kept of a record."""
    return mark(name_of(record))


@lru_cache(8)
def mark(message_id: str) -> bytes:
    """What is kept of a messageId; asked for again where it starts a journey."""
    return blake2b(message_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def is_repeat(seen: bytes, entry: bytes) -> bool:
    """Was an event with this mark taken before?"""
    at = seen.find(entry)
    while at >= 0:
        if at % ENTRY == 0:
            return True
        at = seen.find(entry, at + 1)
    return False


def remember(seen: bytes, entry: bytes, received_s: int) -> tuple[bytes, int]:
    """With one mark more; and how many marks younger than 48 hours had to go for it."""
    seen += entry + received_s.to_bytes(4, "big")
    count = len(seen) // ENTRY
    if count <= ALWAYS:
        return seen, 0
    drop, early = 0, 0
    while count - drop > ALWAYS:
        is_young = int.from_bytes(seen[drop * ENTRY + 8 : (drop + 1) * ENTRY], "big") > received_s - KEPT_S
        if is_young and count - drop <= AT_MOST:
            break
        early += is_young
        drop += 1
    return seen[drop * ENTRY :], early
