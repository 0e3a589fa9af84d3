"""What the lake writes beside the rows into a file's footer, and from it knows of the file without reading it: which
events expire when, and whom its rows mention beside those whose they are."""

import json
from base64 import b64decode, b64encode
from collections.abc import Collection, Mapping
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tactful.history.keeping import MENTIONED, first_by_name
from tactful.language.sql.layout import EVENTS

_FIRST, MENTIONS = b"tactful.first", b"tactful.mentioned"


def labelled(name: str, rows: pa.Table) -> pa.Table:
    """With what the footer is to say."""
    if name != EVENTS:
        return rows.replace_schema_metadata(None)
    return rows.replace_schema_metadata(
        {_FIRST: json.dumps(first_by_name(rows)), MENTIONS: b64encode(_mentioned(rows).tobytes())}
    )


def firsts(footer: pq.FileMetaData) -> Mapping[str, int]:
    """By name of event the first timestamp."""
    found: dict[str, int] = json.loads((footer.metadata or {}).get(_FIRST, b"{}"))
    return found


def mentions(note: bytes, identifiers: Collection[str]) -> bool:
    """Whether a row may name one of them who is not the one whose it is; by the note MENTIONS of the file."""
    held = np.frombuffer(b64decode(note), np.uint32)
    return bool(np.isin(_hashes(identifiers), held, assume_unique=True).any())


def holds(footer: pq.FileMetaData, column: str, identifiers: Collection[str]) -> bool:
    """Whether a row may have one of them in this column: what the file says of its least and greatest value."""
    place = next((one for one in range(footer.num_columns) if footer.schema.column(one).path == column), None)
    if place is None:
        return False
    for group in range(footer.num_row_groups):
        said = footer.row_group(group).column(place).statistics
        if said is None or not said.has_min_max:
            return True
        if any(said.min <= one <= said.max for one in identifiers):
            return True
    return False


def _mentioned(events: pa.Table) -> npt.NDArray[np.uint32]:
    lists = events.column(MENTIONED).combine_chunks()
    if isinstance(lists, pa.ChunkedArray) or not len(lists):
        return np.zeros(0, np.uint32)
    parents = pc.list_parent_indices(lists)
    flat = pc.list_flatten(lists)
    owner = pc.take(events.column("identifier").combine_chunks(), parents)
    others = flat.filter(pc.not_equal(flat, owner))
    return _hashes(pc.unique(others).to_pylist())


def _hashes(identifiers: Collection[str]) -> npt.NDArray[np.uint32]:
    return np.unique(np.fromiter((crc32(one.encode()) for one in identifiers), np.uint32))
