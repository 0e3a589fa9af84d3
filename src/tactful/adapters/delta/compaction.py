"""Which files are to become which: few files of good size, and each row written anew only a few times. Pure.

What is appended is first collected, undealt; when there is enough of it, it is dealt out to buckets; and within a
bucket four files of about one size become one of the next (a log-structured merge by size, O'Neil et al. 1996). A file
that is full is left alone: it is small enough to be written anew in a fraction of a second when somebody is erased. For
that a bucket must not have many of them either: with the rows the number of buckets grows (history/buckets.py).
"""

from collections.abc import Iterator, Sequence

from tactful.adapters.delta.tables import File

DEAL_ROWS = 250_000
"""Undealt rows of a table that are worth a file for each bucket."""
BUCKET_ROWS = 200_000
"""That a bucket has on average, before there is one more; none has more than twice as many, if the hash is fair."""
MOST_BUCKETS = 4_096
FULL_ROWS = 100_000
MOST_ROWS = 250_000
"""That are in memory at once, but for a file that is larger itself."""
FAN = 4
_LEAST_ROWS = 4_096


def merges(files: Sequence[File], *, is_dealt: bool) -> Iterator[tuple[list[File], bool]]:
    """Files to be read together, and whether to deal their rows out; no file in two of them."""
    undealt = [one for one in files if one.bucket is None]
    if is_dealt and sum(one.rows for one in undealt) >= DEAL_ROWS:
        for group in _packed(undealt):
            yield group, True
    else:
        yield from ((group, False) for group in _tiers(undealt))
    for bucket in sorted({one.bucket for one in files if one.bucket is not None}):
        yield from ((group, False) for group in _tiers([one for one in files if one.bucket == bucket]))


def _tiers(files: Sequence[File]) -> Iterator[list[File]]:
    """Every size of which there are too many."""
    by_tier: dict[int, list[File]] = {}
    for one in sorted(files, key=lambda one: (one.rows, one.path)):
        if one.rows < FULL_ROWS:
            by_tier.setdefault(_tier(one.rows), []).append(one)
    for group in by_tier.values():
        if len(group) >= FAN:
            yield from (packed for packed in _packed(group) if len(packed) > 1)


def is_crowded(files: Sequence[File], buckets: int) -> bool:
    """Whether there should be a bucket more."""
    return buckets < MOST_BUCKETS and sum(one.rows for one in files if one.bucket is not None) > BUCKET_ROWS * buckets


def _packed(files: Sequence[File]) -> Iterator[list[File]]:
    group: list[File] = []
    for one in files:
        if group and sum(held.rows for held in group) + one.rows > MOST_ROWS:
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _tier(rows: int) -> int:
    tier = 0
    while rows >= _LEAST_ROWS * FAN**tier:
        tier += 1
    return tier
