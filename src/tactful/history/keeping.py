"""What the files of a lake have in common, whoever holds them: the order of their rows, what expires in them and when,
what is left of them when people are taken out. Whole tables at once, without a clock."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tactful.errors import Fenced
from tactful.events.derived import REF_BITS
from tactful.history.buckets import Buckets
from tactful.history.own import with_own
from tactful.history.remains import with_remains
from tactful.history.table import schema
from tactful.language.sql.layout import EVENTS, MEMBERSHIPS, Layout

PEOPLE = ("identifier", "by", "person")
"""Columns that say whose a row is: it goes when any of them is erased."""
MENTIONED = "ids"
"""The column that names others beside whose the row is: who is erased is taken out of it."""
_ORDERS = {MEMBERSHIPS: "at"}
_MOST_STRETCHES = 100
"""Of rows that are kept, before they are rather copied one by one."""


def shaped(name: str, rows: pa.Table, layout: Layout) -> pa.Table:
    """As the files of this table have them. Raises ValueError where a column is missing or of another type."""
    if name == EVENTS:
        rows = with_own(rows, layout)
    shape = schema(name, layout)
    if rows.schema.equals(shape):
        return rows
    return rows.select(shape.names).cast(shape)


def has_buckets(name: str) -> bool:
    """Whether rows of this table are somebody's."""
    return "identifier" in schema(name).names


def arranged(name: str, rows: pa.Table, buckets: Buckets) -> tuple[pa.Table, npt.NDArray[np.int32]]:
    """By bucket, identifier and time; with the bucket of each row. Rows that lie so already are not moved."""
    if not has_buckets(name):
        return rows, np.zeros(len(rows), np.int32)
    held = buckets.of_each(rows.column("identifier"))
    at = _ORDERS.get(name, "timestamp")
    keys = [pa.array(held), rows.column("identifier")]
    named = ["bucket", "identifier"]
    named, keys = [*named, at], [*keys, rows.column(at if at in rows.column_names else "received_at")]
    if _ascend(keys[:2]):
        return rows, held
    order = pc.sort_indices(pa.table(keys, names=named), sort_keys=[(one, "ascending") for one in named])
    return rows.take(order), held[order.to_numpy()]


def _ascend(keys: Sequence[pa.Array | pa.ChunkedArray]) -> bool:
    """Whether rows of one identifier stand together, below those of the bucket before."""
    bucket = keys[0].to_numpy()
    if (bucket[1:] < bucket[:-1]).any():
        return False
    identifier = keys[1].combine_chunks() if isinstance(keys[1], pa.ChunkedArray) else keys[1]
    if len(identifier) < 2:
        return True
    later = pc.greater(identifier[:-1], identifier[1:]).to_numpy(zero_copy_only=False)
    return not (later & (bucket[1:] == bucket[:-1])).any()


def behind(positions: Mapping[int, int], upto: Mapping[int, int], tables: Mapping[str, pa.Table]) -> None:
    """Raises Fenced where a lake at these positions has some of the rows already: somebody else appended them."""
    for partition, position in upto.items():
        if position < positions.get(partition, 0):
            raise Fenced(f"the lake is at {positions[partition]} of partition {partition}, and not before {position}")
    for name, rows in tables.items():
        if "applied" not in rows.column_names or not len(rows):
            continue
        applied = rows.column("applied").to_numpy()
        partition, position = applied & ((1 << REF_BITS) - 1), applied >> REF_BITS
        for one in np.unique(partition):
            first = int(position[partition == one].min())
            if first <= positions.get(int(one), 0):
                raise Fenced(f"the lake has the row of {name} that partition {one} decided at {first}")
            if int(position[partition == one].max()) > upto.get(int(one), 0):
                raise ValueError(f"{name} has rows of partition {one} beyond what the append goes up to")


def first_by_name(events: pa.Table) -> dict[str, int]:
    """The timestamp of the first event of each name."""
    first = events.select(["name", "timestamp"]).group_by("name").aggregate([("timestamp", "min")])
    return {
        name: at
        for name, at in zip(first.column("name").to_pylist(), first.column("timestamp_min").to_pylist(), strict=True)
        if name is not None
    }


def unexpired(events: pa.Table, now_us: int, retention_us: Mapping[str, int]) -> tuple[pa.Table, int]:
    """Without the events that their name's retention is over for (LANGUAGE.md 1.7: timestamp > T - retention), but for
    what stays of them (remains.py); and how many they were."""
    gone = np.zeros(len(events), np.bool_)
    for name, lasts_us in retention_us.items():
        is_named = pc.equal(events.column("name"), name).fill_null(False)
        is_over = pc.less_equal(events.column("timestamp"), now_us - lasts_us)
        gone |= pc.and_(is_named, is_over).to_numpy()
    return (with_remains(events, gone), int(gone.sum())) if gone.any() else (events, 0)


def without(rows: pa.Table, identifiers: Collection[str]) -> pa.Table:
    """Without the rows that are these people's; the same table where there are none and nobody is mentioned."""
    wanted = pa.array(sorted(identifiers), pa.string())
    gone = np.zeros(len(rows), np.bool_)
    for column in PEOPLE:
        if column in rows.column_names:
            gone |= pc.is_in(rows.column(column), wanted).to_numpy()
    left = _kept(rows, ~gone) if gone.any() else rows
    return _unmentioned(left, wanted) if MENTIONED in rows.column_names else left


def _kept(rows: pa.Table, kept: npt.NDArray[np.bool_]) -> pa.Table:
    """The rows that are kept: where they are few stretches, as when files lie by identifier, nothing is copied."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], kept, [False]))))
    if len(edges) > 2 * _MOST_STRETCHES:
        return rows.filter(pa.array(kept))
    stretches = [rows.slice(first, end - first) for first, end in edges.reshape(-1, 2).tolist()]
    return pa.concat_tables([rows.slice(0, 0), *stretches])


def _unmentioned(rows: pa.Table, wanted: pa.Array) -> pa.Table:
    """With these identifiers taken out of the lists of mentioned ones."""
    lists = rows.column(MENTIONED).combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        return rows
    first, end = (int(lists.offsets[0].as_py()), int(lists.offsets[-1].as_py())) if len(lists) else (0, 0)
    values = lists.values.slice(first, end - first)
    hit = pc.is_in(values, wanted).to_numpy(zero_copy_only=False)
    if not hit.any():
        return rows
    kept = np.concatenate(([0], np.cumsum(~hit)))
    offsets = pa.array(kept[lists.offsets.to_numpy() - first].astype(np.int32))
    left = values.filter(pa.array(~hit))
    scrubbed = pa.ListArray.from_arrays(offsets, left, type=lists.type, mask=lists.is_null())
    place = rows.column_names.index(MENTIONED)
    return rows.set_column(place, rows.schema.field(place), scrubbed)
