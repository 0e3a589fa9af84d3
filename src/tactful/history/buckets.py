"""By which bucket a row of the history lies: a stable hash of the identifier where it entered, so that all rows of one
person's identifier are in few files. Whatever is written here is fixed for good by the first lake that was made.
"""

from collections.abc import Iterable
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def bucket_of(identifier: str, buckets: int) -> int:
    """From 0; CRC-32 of the UTF-8 (RFC 1952), modulo."""
    return crc32(identifier.encode()) % buckets


def buckets_of(identifiers: pa.Array | pa.ChunkedArray, buckets: int) -> npt.NDArray[np.int32]:
    """Of each row; each identifier is hashed once."""
    if isinstance(identifiers, pa.ChunkedArray):
        identifiers = identifiers.combine_chunks()
    held = identifiers.dictionary_encode()
    dealt = dealt_of(held.dictionary.to_pylist(), buckets)
    places: npt.NDArray[np.int32] = held.indices.to_numpy(zero_copy_only=False)
    return dealt[places]


def dealt_of(identifiers: Iterable[str], buckets: int) -> npt.NDArray[np.int32]:
    return np.fromiter((bucket_of(one, buckets) for one in identifiers), np.int32)
