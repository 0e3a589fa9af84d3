"""Which columns of their own the files of `events` have: a digest in the name of each file, and what it stands for
among the properties of the table. Names of properties are declared in a project, and say nothing of a person."""

import json
from collections.abc import Mapping
from hashlib import sha256

import pyarrow as pa
from deltalake import Schema

from tactful.adapters.delta.places import world
from tactful.adapters.delta.tables import PLAIN, Table
from tactful.errors import TransientError
from tactful.history.table import schema
from tactful.language.sql.layout import EVENTS, SHARED, Layout

_PREFIX = "tactful.layout."
_WISHED = "tactful.wished"
_REFUSED = frozenset(' ,;{}()\n\t="')
"""What engines do not take in the name of a column."""


def demand_ours(table: Table) -> None:
    """Raises TransientError where the table lacks columns of ours, as one of an earlier version does: what its rows did
    not say then cannot be asked now."""
    had = {field.name for field in table.now.schema().fields}
    if lacking := [name for name in schema(table.name).names if name not in had]:
        raise TransientError(
            f"{table.place.uri(table.name)} was made by an earlier version of Tactful and has no {', '.join(lacking)}: "
            "`tactful lake begin` makes a new lake of what the log and the states still have"
        )


def digest(layout: Layout) -> str:
    return sha256("\n".join(layout.own).encode()).hexdigest()[:8] if layout.own else PLAIN


def known(table: Table) -> Mapping[str, Layout]:
    """By digest, every layout that a file may have."""
    held = table.now.metadata().configuration
    said = {key.removeprefix(_PREFIX): value for key, value in held.items() if key.startswith(_PREFIX)}
    return {digest(SHARED): SHARED, **{key: Layout(tuple(json.loads(value))) for key, value in said.items()}}


def wished(table: Table) -> Layout:
    """Of the rows that come."""
    return known(table)[table.now.metadata().configuration.get(_WISHED, digest(SHARED))]


def wish(table: Table, layout: Layout) -> None:
    """Two commits, the schema's and the name's; each may stand without the other."""
    layout = Layout(tuple(path for path in _allowed(table, layout) if not _REFUSED & set(path)))
    if layout == wished(table):
        return
    with world(f"the lake could not be given other columns ({table.place.uri(table.name)})"):
        had = _columns(table)
        if set(layout.own) - had:
            columns = pa.schema([schema(EVENTS, layout).field("own")])
            table.now.alter.add_columns(list(Schema.from_arrow(columns).fields))
        names = {_PREFIX + digest(layout): json.dumps(layout.own), _WISHED: digest(layout)}
        if not layout.own:
            names = {_WISHED: digest(layout)}
        table.refresh()
        table.now.alter.set_table_properties(names, raise_if_not_exists=False)
    table.refresh()
    table.place.settle(table.name)


def _columns(table: Table) -> set[str]:
    """Every column of its own that the table ever had: Delta forgets none."""
    shape = pa.schema(table.now.schema().to_arrow())
    return {field.name for field in shape.field("own").type} if "own" in shape.names else set()


def _allowed(table: Table, layout: Layout) -> list[str]:
    """Of `Total` and `total` the one that the table has had: engines do not tell them apart."""
    had = {path.casefold(): path for path in _columns(table)}
    return [path for path in layout.own if had.get(path.casefold(), path) == path]
