"""Repeats: clients send a batch again after a time-out, with the same messageIds.

Kept per identifier where events enter: the newest 256 always, and those of the last 48 hours up to 4,096 (DESIGN 5);
12 bytes each (8 of a digest, 4 for the second of receipt), since this is most of a quiet profile. Pure.
"""

from functools import lru_cache
from hashlib import blake2b

ENTRY = 12
ALWAYS = 256
AT_MOST = 4096
KEPT_S = 48 * 3600


@lru_cache(8)
def mark(message_id: str) -> bytes:
    """What is kept of a messageId; asked for twice, when it comes and when it is kept."""
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
