"""How a file of the lake is written: what is looked up has statistics, what repeats has a dictionary.

Both cost time for every value, and of most nothing is gained: nobody skips a row group by the JSON of an object, and a
number or an instant seldom comes twice. The compression is the fastest that is not much larger than the best; of files
that are soon dealt out to others it is the fastest.
"""

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_NESTED = ("properties.", "context.", "traits.")
"""Their maps hold values of all kinds side by side, whose least and greatest say nothing."""
_AT_ONCE = 1 << 17
"""Values that are encoded at a time."""
_UNIQUE = ("message_id", "timestamp", "received_at", "ref", "applied")
_TEXT = b"\x18"
"""Of a field that is the one behind the last, and a text."""
_UNLIKE = (".json", ".nums.key_value.value", ".times.key_value.value", ".num", ".time")
"""How columns end in which few values come twice."""
_DEALT = ("identifier", "ids.list.element", ".texts.key_value.value")
"""How those end that pay for a dictionary only once rows of one person stand together."""
_UNASKED = ("message_id", "source", "ids.list.element", "extra")
"""Of these nobody asks for the least and greatest."""


def writer(sink: Any, schema: pa.Schema, *, is_brief: bool = False) -> pq.ParquetWriter:
    """A context of its own; what is written goes to `sink`. `is_brief`: it does not stay for long."""
    columns = _columns(schema.remove_metadata())
    unlike = (*_UNLIKE, *_DEALT) if is_brief else _UNLIKE
    return pq.ParquetWriter(
        sink,
        schema,
        compression="lz4" if is_brief else "zstd",
        compression_level=None if is_brief else 1,
        store_schema=False,
        write_page_checksum=True,
        write_batch_size=_AT_ONCE,
        use_dictionary=[one for one in columns if one not in _UNIQUE and not one.endswith(unlike)],
        write_statistics=[one for one in columns if not one.startswith(_NESTED) and one not in _UNASKED],
    )


def note(footer: bytes, key: bytes) -> bytes:
    """Of a file's metadata as it stands there (Thrift's compact protocol, parquet.thrift: KeyValue) the value of a key
    shorter than 128 bytes; empty where it is not there. Notes come behind the columns, whose least and greatest values
    may hold anything."""
    _, found, behind = footer.rpartition(_TEXT + bytes((len(key),)) + key + _TEXT)
    if not found:
        return b""
    length = place = 0
    while True:
        byte = behind[place]
        length |= (byte & 0x7F) << 7 * place
        place += 1
        if byte < 0x80:
            return behind[place : place + length]


@lru_cache(16)
def _columns(schema: pa.Schema) -> tuple[str, ...]:
    """As Parquet calls them."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    footer = pq.read_metadata(pa.BufferReader(sink.getvalue()))
    return tuple(footer.schema.column(place).path for place in range(footer.num_columns))
