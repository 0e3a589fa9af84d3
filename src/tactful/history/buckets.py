"""By which bucket a row of the history lies: a stable hash of the identifier where it entered, so that all rows of one
person's identifier are in few files. Whatever is written here is fixed for good by the first lake that was made.

Buckets grow in number with their rows, one split after the other, so that no split is dear and every bucket's place is
known by two numbers (linear hashing, Litwin 1980).
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa


class Buckets(NamedTuple):
    first: int
    """How many there were when the lake was made."""
    now: int

    @property
    def round(self) -> int:
        """As many as there were when the splits of this round began; the first of them have been split since."""
        found = self.first
        while 2 * found <= self.now:
            found *= 2
        return found

    @property
    def next(self) -> int:
        """The one that is to be split: part of its rows stay, part go to the bucket `now`."""
        return self.now - self.round

    def grown(self) -> "Buckets":
        return Buckets(self.first, self.now + 1)

    def of(self, identifier: str) -> int:
        """From 0; by the CRC-32 of the UTF-8 (RFC 1952)."""
        return int(self.dealt([identifier])[0])

    def of_each(self, identifiers: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int32]:
        """Of each row; each identifier is hashed once."""
        if isinstance(identifiers, pa.ChunkedArray):
            identifiers = identifiers.combine_chunks()
        held = identifiers.dictionary_encode()
        places: npt.NDArray[np.int32] = held.indices.to_numpy(zero_copy_only=False)
        return self.dealt(held.dictionary.to_pylist())[places]

    def ever(self, identifiers: Collection[str]) -> set[int]:
        """Where their rows are or were, when there were fewer."""
        numbers = [self.first]
        while numbers[-1] <= self.round:
            numbers.append(2 * numbers[-1])
        return {int(one) for number in numbers for one in _hashes(identifiers) % number}

    def dealt(self, identifiers: Iterable[str]) -> npt.NDArray[np.int32]:
        hashes = _hashes(identifiers)
        found = hashes % (2 * self.round)
        return np.where(found < self.now, found, hashes % self.round).astype(np.int32)


def _hashes(identifiers: Iterable[str]) -> npt.NDArray[np.int64]:
    return np.fromiter((crc32(one.encode()) for one in identifiers), np.int64)
