"""Dealing: all records of a history, dealt out to units of people that have nothing to do with one another.

Whoever was ever named together, tied, or shares an address is in one unit: identity and caps are decided among them.
How many units there are, and who is in which, follows from the history alone, so a backtest is the same however many
processes play it. The lake is read once; every so many rows, those of each unit are written behind one another into a
file in between, of which each unit then reads its own pieces: memory is bounded by the rows of few pieces here, and by
those of one unit there. The engine of SQL reads with all cores, and pieces are written in threads beside it.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from pyarrow import ipc

from tactful.errors import TransientError
from tactful.events.derived import REF_BITS
from tactful.history.queries import Session
from tactful.journeys.definition import CHANNELS
from tactful.kernel.addresses import TRAITS, told_by
from tactful.kernel.plan import CompiledPlan

UNIT_ROWS = 10_000
"""Of a unit, about: what a process holds in memory at a time. Few, so that all processes end at about the same time."""
MOST_UNITS = 2048
PIECE_ROWS = 400_000
WRITERS = 3
"""Threads that write pieces."""
KNOWN_AT = "CASE WHEN is_import THEN timestamp ELSE received_at END"
"""What was brought in afterwards is played at the time at which it happened, as if it had come then."""
STANDING = "CASE WHEN left(identifier, 1) IN ('a', 'd') THEN 0 WHEN left(identifier, 1) IN ('e', 'p') THEN 1 ELSE 2 END"
"""Of records that came at one instant to several partitions: each has its own before it hears of a tie from another, so
a visitor's stand before those of the user by whom the visitor is taken."""
NO_RECORDS = "('tie', 'past')"
"""Kinds of rows that are no records: somebody known by a tie alone; what stays of expired events."""
_JSON = msgspec.json.Decoder()
Progress = Callable[[float], None]
"""Told which share is done."""


class Dealt(Struct, frozen=True):
    """Files, each of which holds the rows of every unit, one batch a unit."""

    pieces: tuple[Path, ...]
    units: tuple[int, ...]
    """The rows of each; those of somebody who did very much, or of a whole crowd that shares an address, are many."""
    rows: int
    begin: int
    """The first instant of the history, and the last."""
    end: int


class Circles:
    """Who has to do with whom: sets of names that grow together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        """The smaller name stands for both, so that it does not matter who came first."""
        low, high = sorted((self.of(one), self.of(other)))
        if low != high:
            self._above[high] = low

    def of(self, name: str) -> str:
        above = self._above
        root = name
        while (over := above.get(root)) is not None:
            root = over
        while name != root:
            above[name], name = root, above[name]
        return root


def circles(session: Session) -> Circles:
    """From whom identifiers were tied to, named with, and which addresses they gave."""
    found = Circles()
    named = "(SELECT identifier, unnest(ids) AS other FROM events WHERE len(ids) > 1)"
    for query in (
        "SELECT DISTINCT identifier, person FROM identity WHERE identifier <> person",
        f"SELECT DISTINCT identifier, other FROM {named} WHERE other <> identifier",
    ):
        for batch in session.batches(query):
            for one, other in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                found.join(one, other)
    traits = ", ".join(f"'{TRAITS[channel]}'" for channel in CHANNELS if channel in TRAITS)
    query = f"SELECT DISTINCT identifier, name, traits.json AS said FROM traits WHERE name IN ({traits})"
    for batch in session.batches(query):
        for identifier, name, said in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            for address in told_by(name, _JSON.decode(said).get(name)):
                found.join(identifier, f"@{address}")
    return found


def deal(session: Session, plans: Collection[CompiledPlan], until: int, folder: Path, progress: Progress) -> Dealt:
    """Everything known before `until`, for these plans: of events that none of them looks into, the properties stay
    behind."""
    where = f"kind NOT IN {NO_RECORDS} AND {KNOWN_AT} < {until}"
    counted = f"count(*), min({KNOWN_AT}), max({KNOWN_AT}), max(ref & {(1 << REF_BITS) - 1})"
    ((rows, begin, end, partitions),) = session.rows(f"SELECT {counted} FROM events WHERE {where}")
    if not rows:
        return Dealt((), (), 0, until, until)
    units = min(MOST_UNITS, -(-rows // UNIT_ROWS))
    together = circles(session)
    standing = f"{STANDING if partitions else 0} AS standing"
    query = f"SELECT {', '.join((*_columns(session, plans), standing))} FROM events WHERE {where}"
    pieces: list[Path] = []
    sizes = np.zeros(units, np.int64)
    done = 0
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(WRITERS) as threads:
        for table in _tables(session.batches(query)):
            pieces.append(folder / f"piece-{len(pieces):05}.arrow")
            numbers = _units(table.column("identifier"), together, units)
            sizes += np.bincount(numbers, minlength=units)
            waiting.append(threads.submit(_write, pieces[-1], table, numbers, units))
            if len(waiting) > WRITERS:
                waiting.popleft().result()
            done += table.num_rows
            progress(done / rows)
        for one in waiting:
            one.result()
    return Dealt(tuple(pieces), tuple(sizes.tolist()), rows, begin, end)


def _columns(session: Session, plans: Collection[CompiledPlan]) -> Iterator[str]:
    yield from ("identifier", "kind", "name", "timestamp", f"{KNOWN_AT} AS known_at", "ref", "message_id", "source")
    yield from ("is_server", "is_verified", "ids", "context.json AS context", "extra")
    names = session.rows("SELECT DISTINCT kind, name FROM events WHERE kind IN ('track', 'page', 'screen')")
    unread = sorted({name for kind, name in names if not any(_looks_into(plan, kind, name) for plan in plans)})
    left = ", ".join("'" + name.replace("'", "''") + "'" for name in unread)
    held = f"CASE WHEN kind IN ('track', 'page', 'screen') AND name IN ({left}) THEN '{{}}' ELSE properties.json END"
    yield f"{held if unread else 'properties.json'} AS properties"


def _looks_into(plan: CompiledPlan, kind: str, name: str) -> bool:
    """Whether anything asks for what such an event says."""
    reader = plan.reader(kind, name)
    return bool(reader.needs_properties or reader.starts or reader.follows or reader.rule is not None)


def _tables(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= PIECE_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if rows:
        yield pa.Table.from_batches(held)


def _units(identifiers: pa.ChunkedArray, together: Circles, units: int) -> Any:
    """Of each row, the number of its unit."""
    coded = identifiers.combine_chunks().dictionary_encode()
    numbers = [unit_of(together.of(name), units) for name in coded.dictionary.to_pylist()]
    return np.asarray(numbers, np.int64)[np.from_dlpack(coded.indices)]


def unit_of(name: str, units: int) -> int:
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") % units


def _write(path: Path, table: pa.Table, units: Any, many: int) -> None:
    """One batch for each unit, in their order; empty where a unit has nothing here."""
    order = np.argsort(units, kind="stable")
    starts = np.searchsorted(units[order], np.arange(many + 1))
    places = pa.Array.from_buffers(pa.int64(), len(order), [None, pa.py_buffer(order)])  # pa.array() imports pandas.
    whole = pa.RecordBatch.from_struct_array(table.take(places).to_struct_array().combine_chunks())
    options = ipc.IpcWriteOptions(compression="lz4")
    try:
        with pa.OSFile(str(path), "wb") as file, ipc.new_file(file, table.schema, options=options) as writer:
            for number in range(many):
                writer.write_batch(whole.slice(starts[number], starts[number + 1] - starts[number]))
    except OSError as error:
        raise TransientError(
            f"the history could not be dealt out to {path.parent}: {error}. Where there is no room, name a folder on a"
            " larger disk in TMPDIR"
        ) from error


def unit(pieces: Sequence[Path], number: int) -> pa.Table:
    """The rows of one unit, in the order in which they were known."""
    batches = []
    for path in pieces:
        with pa.memory_map(str(path)) as file:
            batches.append(ipc.open_file(file).get_batch(number))
    table = pa.Table.from_batches(batches)
    keys = [(name, "ascending") for name in ("known_at", "standing", "ref")]
    return table.take(pc.sort_indices(table, sort_keys=keys))
