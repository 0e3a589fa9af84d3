"""How a file of the lake is written: what is looked up has statistics, what repeats has a dictionary.

Both cost time for every value, and of most nothing is gained: nobody skips a row group by the JSON of an object, and a
number or an instant seldom comes twice. The compression is the fastest that is not much larger than the best.
"""

from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_NESTED = ("properties.", "context.", "traits.")
"""Their maps hold values of all kinds side by side, whose least and greatest say nothing."""
_UNIQUE = ("message_id", "timestamp", "received_at", "ref", "applied")
_UNLIKE = (".json", ".nums.key_value.value", ".times.key_value.value", ".num", ".time")
"""How columns end in which few values come twice."""


def writer(sink: Any, schema: pa.Schema) -> pq.ParquetWriter:
    """A context of its own; what is written goes to `sink`."""
    columns = _columns(schema.remove_metadata())
    return pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=1,
        store_schema=False,
        use_dictionary=[one for one in columns if one not in _UNIQUE and not one.endswith(_UNLIKE)],
        write_statistics=[one for one in columns if not one.startswith(_NESTED)],
    )


@lru_cache(16)
def _columns(schema: pa.Schema) -> tuple[str, ...]:
    """As Parquet calls them."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    footer = pq.read_metadata(pa.BufferReader(sink.getvalue()))
    return tuple(footer.schema.column(place).path for place in range(footer.num_columns))
