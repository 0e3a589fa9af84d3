"""A year of a shop as the files of a lake, made column by column: 20M events take a minute, not an hour.

As in a lake, a bucket's file holds some of the identifiers, each one's events together and by time. Of a person's
events every tenth was done before they said who they are: it stands under a device's identifier, in another bucket, and
the table `identity` has whose it is.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.apart import fresh
from tactful.history.table import CELL, CELLS, ELEMENTS, GROUP_ROWS, parquet, schema
from tactful.language.sql.layout import EVENTS, IDENTITY, SHARED, TABLES, Layout
from tactful.values import DAY_US

Numbers = Any
"""An array of numpy."""

YEAR_US = 365 * DAY_US
EACH = 100
"""Events of a person, on average."""
UNKNOWN = 0.1
"""Of the events, those done before the person said who they are."""
SHARES = {
    "Product Viewed": 0.42,
    "$page": 0.30,
    "Product Added": 0.10,
    "Products Searched": 0.08,
    "Order Completed": 0.04,
    "Cart Viewed": 0.03,
    "Signed In": 0.03,
}
CATEGORIES = np.array(["shoes", "hats", "kettles", "books", "phones", "garden", "toys", "coats"])
PAGES = np.array(["/", "/cart", "/search", "/sale", "/account", *(f"/c/{name}" for name in CATEGORIES)])
LINES = 3
"""Of an order."""
_MAPS = {"nums": "num", "texts": "text", "flags": "flag", "times": "time", "lists": "list"}


class Property(NamedTuple):
    """A path's values, in the rows that have it."""

    path: str
    kind: str
    """The map that it belongs into."""
    rows: Numbers
    values: pa.Array


def write(
    folder: Path, events: int, buckets: int, now_us: int, own: Layout, *, is_by_time: bool = False
) -> dict[str, list[Path]]:
    """The same files for the same numbers, by table. `is_by_time`: not a bucket's rows each, but a stretch of the year
    with everybody in it, as they are appended."""
    files: dict[str, list[Path]] = {}
    make = partial(
        _write,
        folder=folder,
        rows=events // buckets,
        buckets=buckets,
        now_us=now_us,
        own=own,
        is_by_time=is_by_time,
    )
    with fresh(2) as pool:
        made = list(pool.map(make, range(buckets)))
    for table in (EVENTS, IDENTITY):
        files[table] = [one[table] for one in made]
    for table in TABLES:
        if table not in files:
            files[table] = [folder / table / "0.parquet"]
            files[table][0].parent.mkdir(parents=True, exist_ok=True)
            files[table][0].write_bytes(parquet(table, []))
    return files


def _write(
    bucket: int, *, folder: Path, rows: int, buckets: int, now_us: int, own: Layout, is_by_time: bool
) -> dict[str, Path]:
    random = np.random.default_rng(bucket)
    people = max(rows // EACH, 1)
    person = random.integers(0, people, rows)
    home = random.integers(0, buckets, rows) if is_by_time else np.full(rows, bucket)
    is_device = random.random(rows) < UNKNOWN
    back = (buckets - bucket - random.random(rows)) / buckets if is_by_time else random.random(rows) ** 1.5
    at = now_us - (back * YEAR_US).astype(np.int64)
    order = np.lexsort((at, person, home, ~is_device))
    person, home, at, is_device = person[order], home[order], at[order], is_device[order]
    # A device's bucket is not its owner's.
    names = np.char.add(np.char.add(home.astype(str), "-"), person.astype(str))
    identifier = np.char.add(np.where(is_device, "a:", "u:"), names)
    kinds = random.choice(len(SHARES), rows, p=list(SHARES.values()))
    properties = _properties(random, kinds)
    received = np.minimum(at + random.integers(0, 3_000_000, rows), now_us)
    ref = (np.arange(rows) * 1024 + bucket % 16).astype(np.int64)
    columns = {
        "identifier": pa.array(identifier),
        "kind": pa.array(["track", "page"]).take(pa.array((kinds == 1).astype(np.int8))),
        "name": pa.array(list(SHARES)).take(pa.array(kinds)),
        "timestamp": pa.array(at),
        "received_at": pa.array(received),
        "message_id": pa.array(np.char.add(f"m{bucket}-", np.arange(rows).astype(str))),
        "properties": _cells(rows, properties),
        "context": _cells(rows, []),
        "epoch": pa.array(np.ones(rows, dtype=np.int64)),
        **{name: pa.array(ref) for name in ("ref", "applied")},
    }
    if own.own:
        cells = [_own(rows, [one for one in properties if one.path == name]) for name in own.own]
        columns["own"] = pa.StructArray.from_arrays(cells, names=list(own.own))
    is_mine = is_device & (home == bucket)
    owned, first = np.unique(person[is_mine], return_index=True)
    since = received[is_mine][first] + 1
    ties = {
        "identifier": pa.array(np.char.add(f"a:{bucket}-", owned.astype(str))),
        "epoch": pa.array(np.ones(len(owned), dtype=np.int64)),
        "person": pa.array(np.char.add(f"u:{(bucket + 1) % buckets}-", owned.astype(str))),
        **{name: pa.array(since) for name in ("timestamp", "received_at")},
        "hop": pa.array(np.ones(len(owned), dtype=np.int64)),
    }
    return {EVENTS: _stored(folder, EVENTS, bucket, columns, own), IDENTITY: _stored(folder, IDENTITY, bucket, ties)}


def _stored(folder: Path, table: str, bucket: int, columns: dict[str, pa.Array], own: Layout = SHARED) -> Path:
    """What nobody asks for is null, or nothing."""
    rows = len(columns["identifier"])
    shape = schema(table, own)
    held = [columns[field.name] if field.name in columns else pa.nulls(rows, field.type) for field in shape]
    path = folder / table / f"bucket={bucket}" / "0.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(held, schema=shape), path, compression="zstd", row_group_size=GROUP_ROWS)
    return path


def _properties(random: np.random.Generator, kinds: Numbers) -> list[Property]:
    found: list[Property] = []

    def add(path: str, rows: Numbers, values: Numbers, kind: str = "texts") -> None:
        found.append(Property(path, kind, rows, pa.array(values) if isinstance(values, np.ndarray) else values))

    seen, page, search, order = (np.flatnonzero(np.isin(kinds, wanted)) for wanted in ([0, 2, 5], [1], [3], [4]))
    product = random.integers(0, 20_000, len(seen))
    names = product.astype(str)
    add("product_id", seen, np.char.add("p", names))
    add("sku", seen, np.char.add("SKU-", names))
    add("category", seen, CATEGORIES[product % len(CATEGORIES)])
    add("name", seen, np.char.add("A fine product number ", names))
    add("brand", seen, np.char.add("brand ", (product % 300).astype(str)))
    add("price", seen, _cents(random, len(seen), 200), "nums")
    add("quantity", seen, random.integers(1, 4, len(seen)).astype(float), "nums")
    add("position", seen, random.integers(1, 40, len(seen)).astype(float), "nums")
    add("url", seen, np.char.add("https://shop.example/products/", names))
    add("in_stock", seen, random.random(len(seen)) < 0.9, "flags")
    paths = PAGES[random.integers(0, len(PAGES), len(page))]
    add("path", page, paths)
    add("url", page, np.char.add("https://shop.example", paths))
    add("title", page, np.char.add("Shop: ", paths))
    add("query", search, CATEGORIES[random.integers(0, len(CATEGORIES), len(search))])
    add("results", search, random.integers(0, 90, len(search)).astype(float), "nums")
    add("order_id", order, np.char.add("o", random.integers(0, 10**9, len(order)).astype(str)))
    add("total", order, _cents(random, len(order), 300), "nums")
    add("currency", order, np.full(len(order), "EUR"))
    places = np.tile([f"products[{line}]" for line in range(LINES)], len(order))
    lines = len(order) * LINES
    add("products", order, _lists(lines, "keys", pa.array(places)), "lists")
    category = CATEGORIES[random.integers(0, len(CATEGORIES), lines)]
    add("products.category", order, _lists(lines, "texts", pa.array(category)), "lists")
    add("products.price", order, _lists(lines, "nums", pa.array(_cents(random, lines, 100))), "lists")
    return found


def _cents(random: np.random.Generator, count: int, most: int) -> Numbers:
    return np.round(random.random(count) * most, 2)


def _lists(count: int, kind: str, values: pa.Array) -> pa.Array:
    """Lists of LINES elements, all of one type."""
    ends = pa.array(np.arange(0, count + 1, LINES, dtype=np.int32))
    parts = [
        pa.ListArray.from_arrays(ends, values if field.name == kind else pa.nulls(count, field.type.value_type))
        for field in ELEMENTS
    ]
    return pa.StructArray.from_arrays(parts, fields=list(ELEMENTS))


def _cells(rows: int, properties: Sequence[Property]) -> pa.Array:
    parts = []
    for field in CELLS:
        mine = [one for one in properties if one.kind == field.name]
        if field.name in _MAPS:
            parts.append(_map(rows, mine, field.type))
        elif field.name == "json":
            parts.append(pa.array(["{}"]).take(pa.array(np.zeros(rows, np.int8))))
        else:
            parts.append(
                pa.array([], field.type)
                if rows == 0
                else pa.array([[]], field.type).take(pa.array(np.zeros(rows, np.int8)))
            )
    return pa.StructArray.from_arrays(parts, fields=list(CELLS))


def _map(rows: int, properties: Sequence[Property], kind: pa.MapType) -> pa.Array:
    at = np.concatenate([np.zeros(0, np.int64), *(one.rows for one in properties)]).astype(np.int64)
    path = np.concatenate(
        [np.zeros(0, np.int64), *(np.full(len(one.rows), place) for place, one in enumerate(properties))]
    )
    values = pa.concat_arrays([pa.array([], kind.item_type), *(one.values.cast(kind.item_type) for one in properties)])
    order = np.argsort(at, kind="stable")
    ends = np.zeros(rows + 1, np.int32)
    np.cumsum(np.bincount(at, minlength=rows), out=ends[1:])
    keys = pa.array([one.path for one in properties], pa.string())
    return pa.MapArray.from_arrays(
        pa.array(ends), keys.take(pa.array(path[order].astype(np.int32))), values.take(pa.array(order))
    )


def _own(rows: int, properties: Sequence[Property]) -> pa.Array:
    """One path's own column."""
    parts = []
    for field in CELL:
        mine = [one for one in properties if _MAPS[one.kind] == field.name]
        if not mine:
            parts.append(pa.nulls(rows, field.type))
            continue
        place = np.full(rows, -1)
        at = np.concatenate([one.rows for one in mine])
        place[at] = np.arange(len(at))
        values = pa.concat_arrays([one.values.cast(field.type) for one in mine])
        parts.append(values.take(pa.array(place, mask=place < 0)))
    is_missing = pa.array(
        np.isin(np.arange(rows), np.concatenate([one.rows for one in properties] or [[]]), invert=True)
    )
    return pa.StructArray.from_arrays(parts, fields=list(CELL), mask=is_missing)
