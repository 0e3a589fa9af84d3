"""Features: what models learn from, as one table of everybody who is known at each of some instants.

A row says what could have been known of a person by its instant, and nothing else: events, traits, decisions and ties
count from the moment at which they had happened and their source's delay was over, and nothing that came later says who
somebody was. A feature is an expression of the language, so what a model was trained on is what the live engine says of
the same person at the same moment (docs/features.md).

One query an instant, over one snapshot of the history, read piece by piece: how many people and instants there are does
not matter to memory.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from tactful.language.sql import build
from tactful.language.sql.build import column
from tactful.language.sql.engines import write
from tactful.language.sql.layout import IDENTITY
from tactful.language.sql.seeing import Sees
from tactful.language.tree import Node
from tactful.language.types import BOOLEAN, DURATION, NUMBER, TEXT, TIME
from tactful.operations.history.opened import HAPPENED, Opened
from tactful.operations.history.terms import Terms
from tactful.segments.features import Feature
from tactful.values import SECOND_US, format_duration, format_time

INSTANT = pa.timestamp("us", tz="UTC")
COLUMNS: Mapping[str, pa.DataType] = {
    NUMBER: pa.float64(),
    TEXT: pa.string(),
    BOOLEAN: pa.bool_(),
    TIME: INSTANT,
    DURATION: pa.float64(),
}
"""By kind of feature; durations are seconds, as in JSON."""
ABOUT = b"tactful"
"""In the schema's metadata: JSON that says what the table was made of."""
_WHO = "who"
_encode = msgspec.json.Encoder(order="deterministic").encode


class Wanted(Struct, frozen=True):
    """`who`: a condition; only people for whom it holds at the instant have a row. `terms`: else those of the plan in
    force."""

    features: Sequence[Feature]
    instants: Sequence[int]
    sees: Sees = HAPPENED
    who: Node | None = None
    terms: Terms | None = None


class Table(Struct, frozen=True):
    """`batches` can be read once: rows by instant, then by person."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    instants: tuple[int, ...]
    """Also those at which there was nobody."""


def table(opened: Opened, wanted: Wanted) -> Table:
    """Columns `at`, `person` (who it was by then), `person_now` (who that is as known now, by which two tables of
    different instants are joined), and the features."""
    shape = _schema(opened, wanted)
    return Table(shape, _batches(opened, wanted, shape), tuple(sorted({*wanted.instants})))


def _schema(opened: Opened, wanted: Wanted) -> pa.Schema:
    terms = wanted.terms or opened.terms
    about = {
        "sees": wanted.sees,
        "instants": [format_time(at) for at in wanted.instants],
        "delay": format_duration(terms.delay_us),
        "delays": {name: format_duration(delay) for name, delay in terms.delays_us.items()},
        "positions": {str(partition): position for partition, position in opened.positions.items()},
        "features": {one.name: {"value": one.value.text, "means": one.value.canonical} for one in wanted.features},
    }
    fields = [pa.field("at", INSTANT), pa.field("person", pa.string()), pa.field("person_now", pa.string())]
    fields += [pa.field(one.name, COLUMNS[one.kind]) for one in wanted.features]
    return pa.schema(fields, {ABOUT: _encode(about)})


def _batches(opened: Opened, wanted: Wanted, shape: pa.Schema) -> Iterator[pa.RecordBatch]:
    for at_us in sorted(set(wanted.instants)):
        for batch in opened.session.batches(_query(opened, wanted, at_us)):
            yield _shaped(batch, wanted.features, at_us, shape)


def _query(opened: Opened, wanted: Wanted, at_us: int) -> str:
    trees = {one.name: one.value.tree for one in wanted.features}
    kinds = {one.name: one.kind for one in wanted.features}
    if wanted.who is not None:
        trees[_WHO], kinds[_WHO] = wanted.who, BOOLEAN  # The last: one column each.
    query, _ = opened.written(trees, at_us, wanted.sees, terms=wanted.terms, kinds=kinds)
    values = ", ".join(f"q.v{place}" for place in range(len(wanted.features)))
    where = f" WHERE q.v{len(wanted.features)}" if wanted.who is not None else ""
    now = "q.person"
    joined = ""
    if opened.has_ties:
        now, joined = "coalesce(n.person, q.person)", f" LEFT JOIN ({_since(opened, wanted.sees, at_us)}) n"
        joined += " ON n.identifier = q.person"
    return (
        f"SELECT q.person, {now} AS person_now{', ' if values else ''}{values}"
        f" FROM ({query}) q{joined}{where} ORDER BY q.person"
    )


def _since(opened: Opened, sees: Sees, at_us: int) -> str:
    """Whose identifiers are that went to somebody after an instant: the fragment that went first is the one that was
    their own until then."""
    when = column("w", "timestamp" if sees == HAPPENED else "received_at")
    identifier, epoch = column("w", "identifier"), column("w", "epoch")
    is_later = build.compared(">", when, build.whole(at_us))
    columns = {"identifier": identifier, "epoch": build.least(epoch)}
    first = build.select(columns, (IDENTITY, "w"), is_later, [identifier])
    order = build.struct({name: column("w", name) for name in ("received_at", "hop")})
    person = build.at_greatest(column("w", "person"), order)
    found = build.select({"identifier": identifier, "person": person}, (IDENTITY, "w"), by=[identifier])
    same = [build.compared("==", column("w", name), column("f", name)) for name in ("identifier", "epoch")]
    return write(build.joined_by(found, (first, "f"), build.both(*same), is_left=False), opened.engine).given({})


def _shaped(batch: pa.RecordBatch, features: Sequence[Feature], at_us: int, shape: pa.Schema) -> pa.RecordBatch:
    at = pa.repeat(pa.scalar(at_us, INSTANT), batch.num_rows)
    columns = [at, batch.column(0), batch.column(1)]
    for place, one in enumerate(features, 2):
        held = batch.column(place)
        if one.kind == DURATION:
            held = pc.divide(held.cast(pa.float64(), safe=False), float(SECOND_US))
        columns.append(held.cast(COLUMNS[one.kind]))
    return pa.RecordBatch.from_arrays(columns, schema=shape)
