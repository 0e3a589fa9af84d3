"""What partitions driven by hand have decided, as the history that seeds are counted from: made by the production
producer, of groups and logs, and asked by the SQL that the production counting writes."""

from collections.abc import Iterator, Sequence

import duckdb
import msgspec
import pyarrow as pa

from tactful.events.derived import place
from tactful.events.records import Record, decode, unpack
from tactful.history.cells import KeptEvent
from tactful.history.producer import produce
from tests.kernel.driver import Driver

_BODY = pa.struct([("json", pa.string())])
_WHOLE = pa.int64()
_SCHEMA = pa.schema(
    [
        *(("identifier", pa.string()), ("epoch", _WHOLE), ("kind", pa.string()), ("name", pa.string())),
        *(("timestamp", _WHOLE), ("received_at", _WHOLE), ("ref", _WHOLE), ("applied", _WHOLE)),
        *(("properties", _BODY), ("context", _BODY)),
    ]
)


class Past:
    """The events that these partitions have kept so far."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._drivers = drivers
        rows = [_row(item) for one in drivers for item in self._items(one) if isinstance(item, KeptEvent)]
        self._connection = duckdb.connect()
        self._connection.execute("SET threads = 1")
        self._connection.register("events", pa.Table.from_pylist(rows, _SCHEMA))

    def _items(self, driver: Driver) -> Sequence[object]:
        return produce(driver.state.partition, driver.groups, self._find)

    def _find(self, ref: int) -> Record:
        partition, position = place(ref)
        return decode(self._drivers[partition].log[position - 1])

    def batches(self, columns: Sequence[str], conditions: Sequence[str]) -> Iterator[pa.RecordBatch]:
        query = f"SELECT {', '.join(columns)} FROM events WHERE {' AND '.join(conditions)}"
        yield from self._connection.sql(query).to_arrow_table().to_batches()


def _row(item: KeptEvent) -> dict[str, object]:
    event = item.event
    return {
        "identifier": event.key,
        "epoch": item.epoch,
        "kind": event.kind,
        "name": event.name,
        "timestamp": event.timestamp,
        "received_at": event.received_at,
        "ref": item.ref,
        "applied": item.applied,
        "properties": {"json": msgspec.json.encode(unpack(event.properties)).decode()},
        "context": {"json": msgspec.json.encode(unpack(event.context)).decode()},
    }
