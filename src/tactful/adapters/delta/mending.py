"""Files that are missing or cannot be read, and rows that take their place. What was lost with them stands among the
properties of `events`: of which table, how many rows and of which times, and nothing of a person."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import pyarrow as pa

from tactful.adapters.delta.tables import ConflictError, Table
from tactful.adapters.delta.writing import Writer
from tactful.errors import TransientError
from tactful.history.lake import Broken, Loss
from tactful.history.table import schema
from tactful.language.sql.layout import EVENTS

_LOSSES = "tactful.losses"
_TIMES = ("timestamp", "received_at", "at")


def losses(events: Table) -> Sequence[Loss]:
    said = events.now.metadata().configuration.get(_LOSSES)
    return msgspec.json.decode(said, type=tuple[Loss, ...]) if said else ()


def broken(tables: Iterable[Table]) -> Sequence[Broken]:
    """Of all tables."""
    found = []
    for table in tables:
        table.refresh()
        for file in table.files():
            if why := table.place.trouble(table.name, file.path):
                times = next((file.spans[name] for name in _TIMES if name in file.spans), None)
                held = file.path, why, file.rows, file.bucket, file.spans.get("applied"), times
                found.append(Broken(table.name, *held))
    return found


def mend(writer: Writer, files: Sequence[Broken], rows: Mapping[str, pa.Table], lost: Sequence[Loss]) -> None:
    """What is lost is noted first: whoever is cut off says rather too much."""
    try:
        pen = writer.pen()
        if lost:
            known = {one.path: one for one in (*losses(writer.events), *lost)}
            writer.events.say({_LOSSES: msgspec.json.encode(list(known.values())).decode()})
        for name in sorted({one.table for one in files}, key=lambda name: name == EVENTS):
            table = writer.tables[name]
            gone = {one.path for one in files if one.table == name}
            removed = [file for file in table.files() if file.path in gone]
            instead = rows.get(name, schema(name).empty_table())
            # A table has one file at least.
            is_written = len(instead) or len(removed) == len(table.files())
            table.commit(pen, [writer.write(table, writer.shaped(table, instead))] if is_written else [], removed)
    except ConflictError as error:
        writer.lose()
        raise TransientError("somebody else writes to the lake: mend it again") from error
